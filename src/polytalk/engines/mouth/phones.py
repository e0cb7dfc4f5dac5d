"""The mouth by rule: phones and loudness to parameters, no model to load, 3,000 times faster than real time."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import parse_options
from polytalk.engines.mouth import acoustic, coarticulation
from polytalk.engines.mouth.visemes import JAW, ROUND, UPPER, WIDE, gestures
from polytalk.engines.revision import revision
from polytalk.errors import BadInput, PolytalkError
from polytalk.types import MOUTH_RATE, SAMPLE_BYTES, SPEECH_RATE, MouthFrames, MouthWork, Phone

EXPRESSIVE = [JAW, WIDE, ROUND, UPPER]
"""What `expression` scales; a seal or a tuck is there or not."""


class PhonesOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[mouth.options]`."""

    expression: float = 1.0
    """How much the mouth moves: 0.5 mumbles, 1.5 exaggerates. Seals are always shut."""
    loudness: float = 0.35
    """How much the jaw follows loudness within a vowel: 0 not at all."""


class PhonesMouth:
    """`BatchEngine[MouthWork, MouthFrames]`. Where there are no phones it follows the sound."""

    max_batch = 64
    needs_features = False

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "phones"
        self._options = parse_options(PhonesOptions, options or {}, "mouth")
        self.revision = revision("polytalk.engines.mouth", options=self._options)

    def load(self) -> None:
        """Nothing to read."""

    def close(self) -> None:
        """Nothing to give back."""

    def probe(self) -> MouthWork:
        """A tenth of a second of silence."""
        audio = bytes(SPEECH_RATE // 10 * SAMPLE_BYTES)
        return MouthWork(MOUTH_RATE // 10, audio=audio, phones=(Phone("", 0.0, 0.1),))

    def units(self, work: MouthWork) -> float:
        """Seconds of speech."""
        return work.count / MOUTH_RATE

    def run(self, batch: Sequence[MouthWork]) -> Sequence[MouthFrames | PolytalkError]:
        """BadInput for audio that is not whole samples, and for frames that the work's audio does not have."""
        return [self._move(work) for work in batch]

    def _move(self, work: MouthWork) -> MouthFrames | PolytalkError:
        if len(work.audio) % SAMPLE_BYTES:
            return BadInput(f"audio has {len(work.audio)} bytes; PCM16 samples take two each", param="audio")
        if work.features is None and not work.phones:
            return BadInput("there are neither phones nor features to move the mouth by", param="features")
        return self._cut(work, acoustic.mouth(work.features) if work.features else self._from_phones(work))

    def _cut(self, work: MouthWork, values: NDArray[np.float32]) -> MouthFrames | PolytalkError:
        """Those frames that are wanted."""
        if not 0 <= work.first <= work.first + work.count <= len(values):
            return BadInput(
                f"mouth frames {work.first} to {work.first + work.count} are wanted; the work has {len(values)}",
                param="count",
            )
        wanted = values[work.first : work.first + work.count]
        return MouthFrames(frames=np.rint(np.clip(wanted, 0.0, 1.0) * 255).astype(np.uint8).tobytes())

    def _from_phones(self, work: MouthWork) -> NDArray[np.float32]:
        audio = np.frombuffer(work.audio, dtype="<i2").astype(np.float32) / np.float32(32768)
        level = acoustic.loudness(audio)
        values = coarticulation.blend(
            gestures(work.phones, len(audio) / SPEECH_RATE), np.arange(len(level)) / MOUTH_RATE
        )
        return self._expressed(values, level)

    def _expressed(self, values: NDArray[np.float32], level: NDArray[np.float32]) -> NDArray[np.float32]:
        """As large as the options and the loudness [T] ask."""
        swing = self._options.loudness
        values[:, JAW] *= 1 - swing / 2 + swing * level
        values[:, EXPRESSIVE] *= self._options.expression
        return values

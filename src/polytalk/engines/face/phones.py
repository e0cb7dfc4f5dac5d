"""The default mouth: phones and loudness to parameters, no model to load, 3,000 times faster than real time."""

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import parse_options
from polytalk.engines.face import acoustic, coarticulation
from polytalk.engines.face.visemes import JAW, ROUND, UPPER, WIDE, gestures
from polytalk.errors import BadInput, PolytalkError
from polytalk.types import MOUTH_RATE, SAMPLE_BYTES, SPEECH_RATE, FaceWork, MouthFrames, Phone

EXPRESSIVE = [JAW, WIDE, ROUND, UPPER]
"""What `expression` scales; a seal or a tuck is there or not."""


class PhonesOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[face.options]`."""

    expression: float = 1.0
    """How much the mouth moves: 0.5 mumbles, 1.5 exaggerates. Seals are always shut."""
    loudness: float = 0.35
    """How much the jaw follows loudness within a vowel: 0 not at all."""


class PhonesFace:
    """`BatchEngine[FaceWork, MouthFrames]`."""

    max_batch = 64

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "phones"
        self._options = parse_options(PhonesOptions, options or {}, "face")

    def load(self) -> None:
        """Nothing to read."""

    def close(self) -> None:
        """Nothing to give back."""

    def probe(self) -> FaceWork:
        """A tenth of a second of silence."""
        return FaceWork(audio=bytes(SPEECH_RATE // 10 * SAMPLE_BYTES))

    def units(self, work: FaceWork) -> float:
        """Seconds of audio."""
        return len(work.audio) / SAMPLE_BYTES / SPEECH_RATE

    def run(self, batch: Sequence[FaceWork]) -> Sequence[MouthFrames | PolytalkError]:
        """ceil(seconds * 50) frames for each work; BadInput for audio that is not whole samples."""
        return [self._move(work) for work in batch]

    def _move(self, work: FaceWork) -> MouthFrames | PolytalkError:
        if len(work.audio) % SAMPLE_BYTES:
            return BadInput(f"audio has {len(work.audio)} bytes; PCM16 samples take two each", param="audio")
        audio = np.frombuffer(work.audio, dtype="<i2").astype(np.float32) / np.float32(32768)
        sound = acoustic.listen(audio)
        values = self._from_phones(work.phones, sound, len(audio)) if work.phones else acoustic.mouth(sound)
        return MouthFrames(frames=np.rint(np.clip(values, 0.0, 1.0) * 255).astype(np.uint8).tobytes())

    def _from_phones(self, phones: Sequence[Phone], sound: acoustic.Sound, samples: int) -> NDArray[np.float32]:
        times = np.arange(len(sound.rms)) / MOUTH_RATE
        values = coarticulation.blend(gestures(phones, samples / SPEECH_RATE), times)
        swing = self._options.loudness
        values[:, JAW] *= 1 - swing / 2 + swing * acoustic.loudness(sound)
        values[:, EXPRESSIVE] *= self._options.expression
        return values

"""One session's ears: protocol audio in, endpointing events out, and the samples that an utterance needs."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from polytalk.dialogue.ears.endpointing import Event, ServerVad, VadSettings
from polytalk.dialogue.ears.loudness import levels
from polytalk.engines.base import VadEngine
from polytalk.errors import BadInput
from polytalk.media.pcm import to_float
from polytalk.media.polyphase import QuickResampler
from polytalk.types import LISTEN_RATE, SAMPLE_BYTES, SPEECH_RATE, Seconds

SAMPLES_PER_MS = LISTEN_RATE // 1000
SHORTEST_MS = 100
"""Less than this can't hold a word."""


class Ears:
    """Everything the microphone sent since the last utterance, bounded.

    With turn detection only as much of the silence is kept as an utterance may reach back to. Without it (push to
    talk) all is kept until `commit`.
    """

    def __init__(self, vad: VadEngine, settings: VadSettings | None, max_seconds: Seconds) -> None:
        self._vad = vad
        self._vad_state: Any = vad.new_state()
        self._max_seconds = max_seconds
        self._resampler = QuickResampler(SPEECH_RATE, LISTEN_RATE)
        self._audio = bytearray()
        self._base = 0  # index, in samples from the session's first, of the audio's first sample
        self._judged = 0  # samples the VAD has seen
        self._endpointing = ServerVad()
        self._automatic = True
        self.configure(settings)

    @property
    def automatic(self) -> bool:
        """Whether turns are detected, or ended by `commit` alone."""
        return self._automatic

    @property
    def speaking(self) -> bool:
        """Whether an utterance is under way."""
        return self._automatic and self._endpointing.speaking

    def guard(self, *, speaking: bool) -> None:
        """Whether the avatar speaks, which takes a little more voice to interrupt."""
        self._endpointing.guarded = speaking

    def expect(self, silence_ms: int) -> None:
        """After so much silence in all the pause under way is the end of the turn."""
        self._endpointing.expect(silence_ms)

    def configure(self, settings: VadSettings | None) -> None:
        """Change turn detection in mid-stream; None turns it off."""
        if settings is not None and not self._automatic:
            self._vad_state = self._vad.new_state()  # it heard nothing meanwhile
        self._automatic = settings is not None
        if settings is not None:
            fields = {name: getattr(settings, name) for name in VadSettings.__dataclass_fields__}
            self._endpointing.configure(**fields)
        else:
            self._endpointing.reset()

    def hear(self, pcm: bytes) -> Iterator[Event]:
        """Take PCM16 at `SPEECH_RATE`; yields events as the audio completes them.

        Raises BadInput for half samples, and, without turn detection, when the buffer is full.
        """
        if len(pcm) % SAMPLE_BYTES:
            raise BadInput(f"PCM16 audio has an even number of bytes, not {len(pcm)}", param="audio")
        if not self._automatic and self._seconds() + len(pcm) / SAMPLE_BYTES / SPEECH_RATE > self._max_seconds:
            raise BadInput(
                f"the buffer holds at most {self._max_seconds:.0f} s; commit or clear it first", param="audio"
            )
        self._audio += self._resampler.push(pcm)
        frame = self._vad.frame
        while self._end() - self._judged >= frame:
            # Without turn detection every frame counts as silence: the detector's time goes on, at no cost.
            event = self._endpointing.push(*self._judge(frame)) if self._automatic else self._endpointing.push(0.0)
            self._judged += frame
            if event is not None:
                yield event
        if self._automatic and not self.speaking:
            self._keep_last(self._endpointing.settings.prefix_padding_ms + 10 * SHORTEST_MS)

    def utterance(self, start_ms: int, end_ms: int | None = None) -> bytes:
        """PCM16 at `LISTEN_RATE` between two moments of the session (to now when `end_ms` is None)."""
        first = max(0, start_ms * SAMPLES_PER_MS - self._base)
        last = self._end() - self._base if end_ms is None else end_ms * SAMPLES_PER_MS - self._base
        return bytes(self._audio[first * SAMPLE_BYTES : max(first, last) * SAMPLE_BYTES])

    def release(self, end_ms: int) -> None:
        """An utterance up to `end_ms` was taken; its audio is not needed any more."""
        self._drop(end_ms * SAMPLES_PER_MS - self._base)

    def commit(self) -> bytes:
        """Take everything heard since the last utterance. Raises BadInput when that is too little for a word."""
        if self._seconds() * 1000 < SHORTEST_MS:
            raise BadInput(
                f"the buffer holds {self._seconds() * 1000:.0f} ms of audio; at least {SHORTEST_MS} ms are needed",
                code="input_audio_buffer_commit_empty",
            )
        audio = bytes(self._audio)
        self.clear()
        return audio

    def clear(self) -> None:
        """Forget what was heard since the last utterance."""
        self._drop(self._judged - self._base)
        # The frame under way is silenced, not dropped: the detector's frames must stay in step with the samples.
        self._audio[:] = bytes(len(self._audio))
        self._endpointing.reset()

    def voice_ms(self) -> int:
        """How long the utterance under way lasts, without what it reaches back to."""
        return self._endpointing.voice_ms

    def now_ms(self) -> int:
        """Audio heard so far, in ms from the session's first sample."""
        return self._end() // SAMPLES_PER_MS

    def _judge(self, frame: int) -> tuple[float, list[float]]:
        at = (self._judged - self._base) * SAMPLE_BYTES
        samples = to_float(bytes(self._audio[at : at + frame * SAMPLE_BYTES]))
        return float(self._vad.run(samples[np.newaxis], [self._vad_state])[0]), levels(samples)

    def _seconds(self) -> Seconds:
        return len(self._audio) / SAMPLE_BYTES / LISTEN_RATE

    def _end(self) -> int:
        return self._base + len(self._audio) // SAMPLE_BYTES

    def _keep_last(self, ms: int) -> None:
        self._drop(min(self._judged - self._base, len(self._audio) // SAMPLE_BYTES - ms * SAMPLES_PER_MS))

    def _drop(self, count: int) -> None:
        count = max(0, min(count, len(self._audio) // SAMPLE_BYTES))
        del self._audio[: count * SAMPLE_BYTES]
        self._base += count

"""When the user speaks, and when the turn ends: the `server_vad` of the Realtime API as a pure state machine.

A voice activity detector gives one probability per 32 ms frame; `ServerVad` turns the row of them into events.
It holds no audio and reads no clock: time is the number of frames pushed.

                 min_speech_ms of voice                    silence_duration_ms without, or max_duration_ms
        quiet ───── SpeechStarted ─────▶ speaking ───────────────── SpeechStopped ─────────────▶ quiet
                                      Paused ⇅ Resumed

Voice begins at `threshold` and ends at `threshold - 0.15`: without this hysteresis the wavering end of a word
would start and stop the silence timer with each frame.

A detector lets go 40 to 110 ms after the voice has ended. So silence is counted from where the sound itself fell off
(`Loudness`), as far as that lies within what a detector is late by.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

from polytalk.dialogue.ears.loudness import Loudness
from polytalk.errors import BadInput
from polytalk.types import LISTEN_RATE

FRAME_SAMPLES = 512
FRAME_MS = FRAME_SAMPLES * 1000 // LISTEN_RATE
HYSTERESIS = 0.15
MOST_LATE_MS = 96
"""How much earlier than by the detector the voice may have ended by its level; more would cut off soft endings."""
FALTERS = 0.995
"""Below this probability a frame without sound may be the beginning of the end: in mid-word a detector is surer."""
_LOWEST_EXIT = 0.01  # a detector seldom says exactly 0, so an exit threshold of 0 would never let go


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak."""

    start_ms: int
    """Backdated by `prefix_padding_ms`, but never into audio that an earlier utterance has taken."""


@dataclass(frozen=True, slots=True)
class SpeechStopped:
    """The user's turn is over: the utterance is the audio from `SpeechStarted.start_ms` to `end_ms`."""

    end_ms: int
    """Includes the silence waited for, as `audio_end_ms` of the protocol does."""
    voice_end_ms: int
    """Where the voice itself ended: what response latency is measured from."""
    reason: Literal["silence", "max_duration"] = "silence"


@dataclass(frozen=True, slots=True)
class Paused:
    """A short silence within speech: perhaps the end, so recognition may start on what there is up to `at_ms`."""

    at_ms: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """Speech went on after `Paused`: what was recognised ahead is not the whole utterance."""

    at_ms: int


Event: TypeAlias = SpeechStarted | SpeechStopped | Paused | Resumed


@dataclass(frozen=True, slots=True)
class VadSettings:
    """What `turn_detection` of type `server_vad` can set, and three durations of our own. Raises BadInput."""

    threshold: float = 0.5
    prefix_padding_ms: int = 300
    silence_duration_ms: int = 500
    min_speech_ms: int = 64
    """Voice without a gap before it counts as speech: a click or a cough's first frame interrupts nobody."""
    min_interruption_ms: int = 200
    """As `min_speech_ms`, while the avatar speaks: most coughs are over by then."""
    pause_ms: int = 40
    """Silence after which the turn may be over: an answer is begun on a guess."""
    max_duration_ms: int = 60_000
    """Longer utterances are cut here; the rest becomes the next one, without loss."""

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise BadInput(f"threshold must be over 0 and at most 1, not {self.threshold}", param="threshold")
        limits = {"prefix_padding_ms": 0, "silence_duration_ms": 1, "min_speech_ms": 1, "pause_ms": 1}
        limits["min_interruption_ms"] = 1
        limits["max_duration_ms"] = self.prefix_padding_ms + self.min_speech_ms
        for name, lowest in limits.items():
            if getattr(self, name) < lowest:
                raise BadInput(f"{name} must be at least {lowest}, not {getattr(self, name)}", param=name)


class ServerVad:
    """The turn detector of one session. All times are ms from the session's first sample."""

    def __init__(
        self, threshold: float = 0.5, prefix_padding_ms: int = 300, silence_duration_ms: int = 500, **others: int
    ) -> None:
        """`others` are further fields of `VadSettings`. Raises BadInput for a value out of range."""
        self._settings = VadSettings(threshold, prefix_padding_ms, silence_duration_ms, **others)
        self._frames = 0
        self._floor_ms = 0  # audio before this belongs to an earlier utterance, or was dropped
        self._start_ms: int | None = None
        self._voice_end_ms = 0  # by the detector
        self._loudness = Loudness()
        self._voiced = False
        self._onset_ms = 0
        self._onset = 0  # frames of voice in a row
        self._paused = False
        self._patience: int | None = None
        self.guarded = False
        """Whether the avatar speaks: then it takes `min_interruption_ms` to be heard."""

    @property
    def settings(self) -> VadSettings:
        """The settings in force."""
        return self._settings

    @property
    def now_ms(self) -> int:
        """Length of the audio heard so far."""
        return self._frames * FRAME_MS

    @property
    def speaking(self) -> bool:
        """Whether an utterance is open (started and not stopped)."""
        return self._start_ms is not None

    @property
    def voice_ms(self) -> int:
        """How long the open utterance lasts, up to the last voice; 0 when none is open."""
        return self._voice_end_ms - self._onset_ms if self.speaking else 0

    def configure(self, **changes: float) -> None:
        """Change settings from the next frame on, in mid-speech too. Raises BadInput and then changes nothing."""
        self._settings = replace(self._settings, **changes)  # type: ignore[arg-type]

    def expect(self, silence_ms: int) -> None:
        """Of the pause under way: after so much silence in all it is the end of the turn."""
        if self._paused:
            self._patience = silence_ms

    def reset(self) -> None:
        """Forget the utterance under way without an event; time goes on.

        For a buffer that the client commits or clears by hand: no later start reaches back before this moment.
        """
        self._close()
        self._voiced = False

    def push(self, probability: float, levels: Sequence[float] = ()) -> Event | None:
        """Take the next frame's probability of speech; gives the event that the frame completes, if any.

        `levels` are the frame's loudness in dB, block by block; without them silence begins where the detector says.
        """
        self._frames += 1
        settings = self._settings
        if probability >= settings.threshold:
            self._voiced = True
        elif not probability >= max(settings.threshold - HYSTERESIS, _LOWEST_EXIT):  # so that NaN is silence
            self._voiced = False
        self._loudness.push(levels, self.now_ms, FRAME_MS, voiced=self._voiced)
        if self._start_ms is None:
            return self._quiet(probability, settings)
        return self._speaking(self._start_ms, probability, settings)

    def _quiet(self, probability: float, settings: VadSettings) -> Event | None:
        # stricter than while speaking: residual echo hovers about the threshold and must not add up to a start
        self._onset = self._onset + 1 if probability >= settings.threshold else 0
        if self._onset == 0:
            self._loudness.forget()
        needed = max(settings.min_speech_ms, settings.min_interruption_ms if self.guarded else 0)
        if self._onset < _frames_in(needed):
            return None
        onset_ms = self.now_ms - self._onset * FRAME_MS
        self._onset_ms = onset_ms
        self._start_ms = max(self._floor_ms, onset_ms - settings.prefix_padding_ms)
        self._voice_end_ms = self.now_ms
        return SpeechStarted(self._start_ms)

    def _speaking(self, start_ms: int, probability: float, settings: VadSettings) -> Event | None:
        if self._voiced:
            self._voice_end_ms = self.now_ms
        silence = 0 if self._voiced else self.now_ms - self._end_ms()
        if silence and silence >= (settings.silence_duration_ms if self._patience is None else self._patience):
            return self._stop("silence")
        if self.now_ms - start_ms >= settings.max_duration_ms:
            return self._stop("max_duration")
        hush = self.now_ms - self._loudness.last_ms if probability < FALTERS else silence
        if not self._paused and max(silence, hush) >= settings.pause_ms:
            self._paused = True
            return Paused(self.now_ms)
        if self._paused and self._voiced and hush < FRAME_MS:
            self._paused, self._patience = False, None
            return Resumed(self.now_ms)
        return None

    def _end_ms(self) -> int:
        """Where the voice ended."""
        return max(self._voice_end_ms - MOST_LATE_MS, min(self._voice_end_ms, self._loudness.last_ms))

    def _stop(self, reason: Literal["silence", "max_duration"]) -> SpeechStopped:
        stopped = SpeechStopped(self.now_ms, self._end_ms(), reason)
        self._close()
        return stopped

    def _close(self) -> None:
        self._floor_ms = self.now_ms
        self._start_ms = None
        self._onset = 0
        self._paused, self._patience = False, None


def _frames_in(duration_ms: int) -> int:
    """Frames that last at least `duration_ms`."""
    return -(-duration_ms // FRAME_MS)

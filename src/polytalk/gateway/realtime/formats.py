"""Audio as it is on the wire, and as the dialogue has it: PCM16 at `SPEECH_RATE`."""

from typing import Any, Literal, TypeAlias, get_args

from polytalk.errors import BadInput
from polytalk.gateway.realtime.session_patch import AudioFormat
from polytalk.media import g711
from polytalk.media.pcm import silence
from polytalk.media.polyphase import QuickResampler
from polytalk.types import SPEECH_RATE

Format: TypeAlias = Literal["audio/pcm", "audio/pcmu", "audio/pcma"]
_LAWS: dict[Format, g711.Law] = {"audio/pcmu": "mu", "audio/pcma": "a"}
_TAIL = 0.01
"""Seconds; longer than the resampler looks ahead."""


def read_format(given: AudioFormat, param: str) -> Format:
    """Raises BadInput for another than those there are."""
    for known in get_args(Format):
        if given.type == known:
            rate = _rate(known)
            if given.rate not in (None, rate):
                raise BadInput(f"{known} has {rate} samples a second here, not {given.rate}", param=f"{param}.rate")
            coding: Format = known
            return coding
    raise BadInput(f"audio is {', '.join(get_args(Format))} here, not {given.type!r}", param=f"{param}.type")


def shown_format(coding: Format) -> dict[str, Any]:
    """As clients see it; telephone formats carry no rate."""
    return {"type": coding, "rate": SPEECH_RATE} if coding == "audio/pcm" else {"type": coding}


def _rate(coding: Format) -> int:
    return SPEECH_RATE if coding == "audio/pcm" else g711.RATE


class Microphone:
    """What one client says, piece by piece."""

    def __init__(self) -> None:
        self._format: Format = "audio/pcm"
        self._resampler = QuickResampler(g711.RATE, SPEECH_RATE)

    def decode(self, audio: bytes, coding: Format) -> bytes:
        """PCM16 at `SPEECH_RATE`."""
        if coding != self._format:
            self._format, self._resampler = coding, QuickResampler(g711.RATE, SPEECH_RATE)
        if coding == "audio/pcm":
            return audio
        return self._resampler.push(g711.decode(audio, _LAWS[coding]))


def decode_whole(audio: bytes, coding: Format) -> bytes:
    """A recording as PCM16 at `SPEECH_RATE`."""
    if coding == "audio/pcm":
        return audio
    resampler = QuickResampler(g711.RATE, SPEECH_RATE)
    whole = resampler.push(g711.decode(audio, _LAWS[coding]) + silence(_TAIL, g711.RATE))
    return whole[: len(audio) * SPEECH_RATE // g711.RATE * 2]


class Loudspeaker:
    """One answer's audio, piece by piece: as many samples come out, in the end, as went in."""

    def __init__(self, coding: Format) -> None:
        self.coding: Format = coding
        self._resampler = QuickResampler(SPEECH_RATE, g711.RATE)
        self._owed = 0.0

    def encode(self, pcm: bytes) -> bytes:
        """The part of the answer that this completes: 2 ms of it wait for what comes next."""
        if self.coding == "audio/pcm":
            return pcm
        coded = g711.encode(self._resampler.push(pcm), _LAWS[self.coding])
        self._owed += len(pcm) / 2 * g711.RATE / SPEECH_RATE - len(coded)
        return coded

    def finish(self) -> bytes:
        """The rest."""
        if self.coding == "audio/pcm" or self._owed < 1:
            return b""
        rest = g711.encode(self._resampler.push(silence(_TAIL, SPEECH_RATE)), _LAWS[self.coding])
        return rest[: round(self._owed)]

"""Sound as a stream of bytes that can be played while it is still made: mp3, opus, aac, flac, wav and bare PCM.

What is written cannot be changed any more, so sizes in headers say "not known"; players and decoders take that.
"""

import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Final, Literal, TypeAlias

import av
from av.audio.stream import AudioStream

from polytalk.media.pcm import samples
from polytalk.media.sound import CODED, wav_head
from polytalk.types import SPEECH_RATE

Form: TypeAlias = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
MEDIA_TYPES: Final[dict[Form, str]] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg; codecs=opus",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_UNKNOWN: Final = 0xFFFF_FFFF
_AAC: Final = ("adts", "aac", 64_000)
_OPTIONS: Final = {"flush_packets": "1"}
"""Else the first seconds of speech would wait for a buffer to fill."""


class _Sink:
    """Where FFmpeg writes; it can't seek here."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        """See io."""
        self._written += data
        return len(data)

    def take(self) -> bytes:
        """What was written since the last time."""
        taken = bytes(self._written)
        self._written.clear()
        return taken


class SoundStream:
    """PCM16 mono in, coded bytes out. Not for several threads at once."""

    def __init__(self, form: Form, tags: Mapping[str, str], rate: int = SPEECH_RATE) -> None:
        """`tags` are written where the form has a place for them: not in aac and pcm."""
        self._rate = rate
        self._samples = 0
        self._head = b""
        self._coder: AudioStream | None = None
        if form == "wav":
            head = wav_head(rate, tags)
            self._head = struct.pack("<4sI4s", b"RIFF", _UNKNOWN, b"WAVE") + head
            self._head += struct.pack("<4sI", b"data", _UNKNOWN)
        elif form != "pcm":
            container, codec, bitrate = _AAC if form == "aac" else CODED[f".{form}"]
            options = dict(_OPTIONS, page_duration="200000") if container == "ogg" else dict(_OPTIONS)
            self._sink = _Sink()
            self._container = av.open(self._sink, "w", format=container, options=options)
            self._coder = self._container.add_stream(codec, rate, layout="mono")  # type: ignore[assignment]
            if bitrate:
                self._coder.bit_rate = bitrate  # type: ignore[union-attr]
            kept = self._coder.metadata if container == "ogg" else self._container.metadata  # type: ignore[union-attr]
            kept.update(tags)

    def push(self, pcm: bytes) -> bytes:
        """What can be sent after this sound; may be empty. Raises BadInput for half a sample."""
        signal = samples(pcm)
        if self._coder is None:
            head, self._head = self._head, b""
            return head + pcm
        if len(signal):
            frame = av.AudioFrame.from_ndarray(signal.reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
            self._samples += len(signal)
            self._container.mux(self._coder.encode(frame))
        return self._sink.take()

    def finish(self) -> bytes:
        """The rest."""
        if self._coder is None:
            return self._head
        self._container.mux(self._coder.encode(None))
        self._container.close()
        return self._sink.take()

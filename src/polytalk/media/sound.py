"""Sound alone as a file: mp3, opus, flac by FFmpeg, and wav by us.

FFmpeg's wav has no place for a tag of our own: it writes only those that it knows. The form is simple (RIFF, Microsoft
and IBM, 1991; the `bext` chunk is EBU Tech 3285), so that half of a page writes what is needed.
"""

import struct
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Final

import av
from av.audio.stream import AudioStream

from polytalk.errors import BadInput
from polytalk.media.pcm import samples
from polytalk.media.whole import Seal, Target, WholeFile, WholeWriter
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE

SUFFIXES: Final = (".wav", ".mp3", ".opus", ".flac")
CODED: Final = {
    ".mp3": ("mp3", "libmp3lame", 96_000),
    ".opus": ("ogg", "libopus", 48_000),
    ".flac": ("flac", "flac", 0),
}
"""Suffix -> FFmpeg's names of container and encoder, and bits a second."""
_INFO: Final = {"comment": b"ICMT", "title": b"INAM", "AIGC": b"AIGC"}
"""Tags as chunks of LIST-INFO; a chunk's name has four characters, as AIGC happens to have."""
_LARGEST: Final = 2**32 - 2**16
"""Bytes that the 32-bit sizes of a WAV file can count."""


class SoundWriter(WholeWriter):
    """Writes PCM16 mono. A context manager: leaving it closes the file, or drops it if an exception passes."""

    def __init__(self, target: Target, suffix: str, rate: int, seal: Seal | None) -> None:
        self.rate = rate
        self.file = WholeFile(target, suffix, seal)
        self._closed = False

    @abstractmethod
    def write_audio(self, pcm: bytes) -> None:
        """Append sound. Raises BadInput for half a sample, SetupError when it can't be written."""

    @abstractmethod
    def finish(self) -> None:
        """Write what is left, and the header as it must be."""

    @abstractmethod
    def release(self) -> None:
        """Close what is open; may be called twice."""

    def close(self) -> None:
        """Put the file in its place. Safe to call twice."""
        if self._closed:
            return
        try:
            with self.file.explained():
                self.finish()
            self.release()
            self.file.deliver()
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop what was written; after `close`, do nothing."""
        self._closed = True
        self.release()
        self.file.drop()


class WavWriter(SoundWriter):
    """PCM16, with `bext` and LIST-INFO for what the file says of its making."""

    def __init__(
        self,
        target: Target,
        rate: int = SPEECH_RATE,
        metadata: Mapping[str, str] | None = None,
        *,
        seal: Seal | None = None,
    ) -> None:
        super().__init__(target, ".wav", rate, seal)
        self._head = wav_head(rate, metadata or {})
        self._bytes = 0
        with self.file.explained():
            self._out = self.file.part.open("wb")
            self._out.write(self._sized())

    def write_audio(self, pcm: bytes) -> None:
        """See SoundWriter. Raises BadInput beyond 4 GiB."""
        self._bytes += len(samples(pcm)) * SAMPLE_BYTES
        if self._bytes > _LARGEST:
            raise BadInput("a WAV file holds no more than 4 GiB, a day of speech; write an opus or flac file")
        with self.file.explained():
            self._out.write(pcm)

    def finish(self) -> None:
        """See SoundWriter."""
        self._out.seek(0)
        self._out.write(self._sized())

    def release(self) -> None:
        """See SoundWriter."""
        if hasattr(self, "_out"):
            with suppress(OSError):  # of a full disk, which was told already
                self._out.close()

    def _sized(self) -> bytes:
        data = struct.pack("<4sI", b"data", self._bytes)
        return (
            struct.pack("<4sI4s", b"RIFF", 4 + len(self._head) + len(data) + self._bytes, b"WAVE") + self._head + data
        )


class CodedWriter(SoundWriter):
    """mp3 (ID3), opus and flac (Vorbis comments)."""

    def __init__(
        self,
        target: Target,
        suffix: str,
        rate: int = SPEECH_RATE,
        metadata: Mapping[str, str] | None = None,
        *,
        seal: Seal | None = None,
    ) -> None:
        super().__init__(target, suffix, rate, seal)
        container, codec, bitrate = CODED[suffix]
        self._samples = 0
        with self.file.explained():
            self._container = av.open(str(self.file.part), "w", format=container)
            self._stream: AudioStream = self._container.add_stream(codec, rate, layout="mono")  # type: ignore[assignment]
            if bitrate:
                self._stream.bit_rate = bitrate
            # Ogg keeps tags with the stream, the others with the file.
            tags = self._stream.metadata if container == "ogg" else self._container.metadata
            tags.update(metadata or {})
            self._container.start_encoding()  # opens the file: whether it can be written is known now

    def write_audio(self, pcm: bytes) -> None:
        """See SoundWriter."""
        signal = samples(pcm)
        if not len(signal):
            return
        frame = av.AudioFrame.from_ndarray(signal.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self.rate, self._samples, Fraction(1, self.rate)
        self._samples += len(signal)
        with self.file.explained():
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """See SoundWriter."""
        self._container.mux(self._stream.encode(None))
        self._container.close()

    def release(self) -> None:
        """See SoundWriter."""
        if hasattr(self, "_container"):
            with suppress(OSError, av.FFmpegError):
                self._container.close()


def open_sound(
    target: Target, suffix: str, metadata: Mapping[str, str] | None = None, *, seal: Seal | None = None
) -> SoundWriter:
    """The writer for a suffix of `SUFFIXES`. Raises SetupError if the folder can't be written."""
    if suffix == ".wav":
        return WavWriter(target, metadata=metadata, seal=seal)
    return CodedWriter(target, suffix, metadata=metadata, seal=seal)


def wav_head(rate: int, metadata: Mapping[str, str]) -> bytes:
    """All chunks of a WAV file before the samples."""
    form = struct.pack("<HHIIHH", 1, 1, rate, rate * SAMPLE_BYTES, SAMPLE_BYTES, 8 * SAMPLE_BYTES)
    info = b"".join(_chunk(name, metadata[key].encode() + b"\0") for key, name in _INFO.items() if key in metadata)
    comment = metadata.get("comment", "").encode("ascii", "ignore")  # the standard allows no more
    bext = struct.pack("<256s32s32s10s8sQH", comment[:256], b"Polytalk", b"", b"", b"", 0, 1) + bytes(64 + 190)
    return (
        _chunk(b"fmt ", form)
        + (_chunk(b"bext", bext) if comment else b"")
        + (_chunk(b"LIST", b"INFO" + info) if info else b"")
    )


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack("<4sI", name, len(content)) + content + bytes(len(content) % 2)

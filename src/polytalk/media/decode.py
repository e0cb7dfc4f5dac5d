"""Any sound file that a user sends, as PCM16 mono. Bounded in bytes and seconds: a small file may unpack to days."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.pcm import duration
from polytalk.media.untrusted import SOUND, open_untrusted, opened
from polytalk.types import Seconds

MAX_SECONDS: Final = 600.0
MAX_BYTES: Final = 64 * 2**20
_RATES: Final = range(4_000, 768_001)
_STATES_LENGTH: Final = frozenset({"flac", "mov,mp4,m4a,3gp,3g2,mj2"})
"""Formats whose header states the true length, so that a file cut off can be told."""
_PLACEHOLDER: Final = 0x7FFF_0000
"""WAV sizes from here on stand for "not known", in files written into a pipe."""


def decode_audio(
    source: Path | bytes, rate: int, *, max_seconds: Seconds = MAX_SECONDS, max_bytes: int = MAX_BYTES
) -> bytes:
    """PCM16 mono at `rate` of the first sound in a file or its contents: wav, mp3, ogg, opus, m4a, flac, webm ...

    Raises BadInput, saying what was wrong: too big, too long, empty, no audio, cut off, broken, NaN.
    """
    with opened(source) as file:
        size = file.seek(0, io.SEEK_END)
        if size > max_bytes:
            raise BadInput(f"the file has {size / 2**20:.1f} MiB, over the limit of {max_bytes / 2**20:g}; send less")
        _check_wav(file, size)
        with open_untrusted(file) as container:
            if not container.streams.audio:
                raise BadInput("the file has no sound in it; send one with an audio track")
            return _decoded(container, container.streams.audio[0], rate, max_seconds)


def _check_wav(file: BinaryIO, size: int) -> None:
    """FFmpeg plays a WAV as far as it goes; whoever sent it should know that its end is missing."""
    file.seek(0)
    head = file.read(12)
    file.seek(0)
    if head[:4] == b"RIFF" and len(head) == 12:
        (stated,) = struct.unpack("<I", head[4:8])
        if size + 1 < stated + 8 < _PLACEHOLDER:  # a last padding byte is often forgotten
            raise BadInput(f"the WAV file was cut off: it has {size} bytes of {stated + 8}; send it again")


def _decoded(container: InputContainer, stream: AudioStream, rate: int, max_seconds: Seconds) -> bytes:
    if stream.codec_context is None or stream.codec_context.name not in SOUND:
        raise BadInput("the sound is coded in a way that is not known here; convert it to wav, mp3 or m4a")
    if stream.rate not in _RATES:
        raise BadInput(f"the file has {stream.rate} samples a second; use 4000 to 768000")
    # in 16 bit, FFmpeg mixes channels so that they can't overflow; in float it would leave that to us
    resampler = av.AudioResampler("s16", "mono", rate)
    pcm = bytearray()
    for frame in _frames(container, stream):
        for signal in _resampled(resampler, frame):
            pcm += signal.tobytes()
        if duration(pcm, rate) > max_seconds:
            raise BadInput(f"the sound is longer than {max_seconds:g} s; send a shorter piece")
    if not pcm:
        raise BadInput("the file has an audio track, but not one sample in it")
    stated = float(stream.duration * stream.time_base) if stream.duration and stream.time_base else 0.0
    heard = duration(pcm, rate)
    if container.format.name in _STATES_LENGTH and heard < 0.98 * stated - 0.25:
        raise BadInput(f"the file was cut off: {heard:.1f} s of {stated:.1f} s are there; send it again")
    return bytes(pcm)


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame | None]:
    """Decoded frames, then None. A broken packet here and there is skipped, as players do."""
    good = broken = 0
    for packet in container.demux(stream):
        try:
            yield from packet.decode()
            good += 1
        except av.FFmpegError:
            broken += 1
    if broken > 1 + good // 10:
        raise BadInput(f"the sound is broken: {broken} of {good + broken} packets can't be decoded; send it again")
    yield None


def _resampled(resampler: av.AudioResampler, frame: AudioFrame | None) -> Iterator[NDArray[np.int16]]:
    if frame is not None and frame.format.name.startswith(("flt", "dbl")) and np.isnan(frame.to_ndarray()).any():
        raise BadInput("the sound has samples that are not numbers (NaN); the program that made the file is broken")
    try:
        for resampled in resampler.resample(frame):
            yield resampled.to_ndarray()[0]
    except ValueError as error:
        raise BadInput("the sound changes its format in the middle; convert it to one format first") from error

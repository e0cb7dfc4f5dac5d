"""Small files of sound that would unpack to hours, or say of themselves what is not so; and what is said of each."""

import io
import json
import resource
import struct
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream

from polytalk.errors import BadInput
from polytalk.media.decode import decode_audio

RATE = 24_000
SECONDS = 10.0
"""That a recording may last, in these tests."""
ROOM = 192 << 20
"""Bytes that all of them may need."""


def silent(kind: str, codec: str, seconds: int = 12, layout: str = "mono") -> bytes:
    """What packs best."""
    target = io.BytesIO()
    with av.open(target, "w", format=kind) as container:
        stream = container.add_stream(codec, 48_000, layout=layout)
        assert isinstance(stream, AudioStream)
        nothing = np.zeros((1, 48_000 * len(stream.layout.channels)), np.int16)
        for second in range(seconds):
            frame = av.AudioFrame.from_ndarray(nothing, format="s16", layout=layout)
            frame.sample_rate, frame.pts = 48_000, second * 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def wav(
    channels: int = 1, rate: int = RATE, bits: int = 16, coding: int = 1, stated: int | None = None, data: int = 48_000
) -> bytes:
    """A header that says this, and as many bytes of data."""
    block = channels * bits // 8 & 0xFFFF
    told = struct.pack("<HHIIHH", coding, channels, rate, rate * block & 0xFFFF_FFFF, block, bits)
    size = data if stated is None else stated
    body = b"WAVEfmt " + struct.pack("<I", len(told)) + told + b"data" + struct.pack("<I", size) + bytes(data)
    return b"RIFF" + struct.pack("<I", len(body) if stated is None else stated) + body


def large_frames() -> bytes:
    """Apple's lossless, whose header says how much room a frame takes: 64 MiB, in this one."""
    data = bytearray(silent("ipod", "alac", 2))
    cookie = data.index(b"alac", data.index(b"alac") + 4)
    data[cookie + 8 : cookie + 12] = struct.pack(">I", 1 << 24)
    return bytes(data)


def patched(data: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    at = data.index(mark) + offset
    return data[:at] + value + data[at + len(value) :]


def bombs() -> Iterator[tuple[str, bytes]]:
    for kind, codec in (
        ("flac", "flac"),
        ("ogg", "libopus"),
        ("ipod", "aac"),
        ("mp3", "libmp3lame"),
        ("wav", "adpcm_ms"),
    ):
        yield f"too much {codec}", silent(kind, codec)
    yield "too much at 4 kHz", wav(rate=4_000, bits=8, data=48_000)
    yield "a sample a second", wav(rate=1)
    yield "no samples a second", wav(rate=0)
    yield "four billion samples a second", wav(rate=0xFFFF_FFFF)
    yield "no channel", wav(channels=0)
    yield "65535 channels", wav(channels=65_535)
    yield "4096 channels of 16 bits", wav(channels=4_096, data=1 << 20)
    yield "no bits", wav(bits=0)
    yield "an unknown code", wav(coding=0x7FFF)
    yield "a player's own code", silent("wav", "adpcm_yamaha", 2)
    yield "4 GB, it says", wav(stated=0x7000_0000)
    yield "frames of 64 MiB", large_frames()
    opus = silent("ogg", "libopus", 2)
    yield "255 channels of Opus", patched(opus, b"OpusHead", 9, b"\xff")


def refusals() -> dict[str, str]:
    """What is said of each; "" of one that was taken."""
    said: dict[str, str] = {}
    for name, data in bombs():
        try:
            decode_audio(data, RATE, max_seconds=SECONDS)
            said[name] = ""
        except BadInput as refused:
            said[name] = refused.message
    return said


if __name__ == "__main__":
    now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (now + ROOM, now + ROOM))
    print(json.dumps(refusals()))

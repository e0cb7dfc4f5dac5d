"""Users' sound files, whole and broken."""

import io
import struct
from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest
from av.audio.stream import AudioStream

from polytalk.errors import BadInput
from polytalk.media import pcm
from polytalk.media.decode import decode_audio
from polytalk.media.mp4 import Mp4Writer

RATE = 24_000


def tone(seconds: float, rate: int = RATE) -> bytes:
    return pcm.from_float(0.5 * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate))


def encoded(kind: str, codec: str, seconds: float = 2.0, layout: str = "mono") -> bytes:
    """The tone as a file, by way of FFmpeg."""
    target = io.BytesIO()
    with av.open(target, "w", format=kind) as container:
        stream = container.add_stream(codec, 48_000, layout=layout)
        assert isinstance(stream, AudioStream)
        signal = pcm.samples(tone(seconds, 48_000)).repeat(len(stream.layout.channels)).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(signal, format="s16", layout=layout)
        frame.sample_rate = 48_000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


def wav(samples: bytes, sample_format: int = 1, bits: int = 16, rate: int = RATE) -> bytes:
    layout = struct.pack("<HHIIHH", sample_format, 1, rate, rate * bits // 8, bits // 8, bits)
    chunks = b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", len(samples)) + samples
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WAVE" + chunks


def clip(seconds: float) -> bytes:
    """An MP4 with its index in front."""
    target = io.BytesIO()
    with Mp4Writer(target, 32, 32) as writer:
        writer.write_frame(np.zeros((32, 32, 3), np.uint8))
        writer.write_audio(tone(seconds))
    return target.getvalue()


def silent_flac(seconds: int) -> bytes:
    target = io.BytesIO()
    with av.open(target, "w", format="flac") as container:
        stream = container.add_stream("flac", 48_000, layout="mono")
        for _ in range(seconds):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.int16), format="s16", layout="mono")
            frame.sample_rate = 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return target.getvalue()


FILES = {
    "wav": ("wav", "pcm_s16le"),
    "wav, 24 bit": ("wav", "pcm_s24le"),
    "mp3": ("mp3", "libmp3lame"),
    "ogg": ("ogg", "libopus"),
    "m4a": ("ipod", "aac"),
    "flac": ("flac", "flac"),
    "webm": ("webm", "libopus"),
}


@pytest.mark.parametrize(("kind", "codec"), FILES.values(), ids=FILES)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_a_file_of_any_kind_is_heard(kind: str, codec: str, layout: str) -> None:
    signal = pcm.to_float(decode_audio(encoded(kind, codec, layout=layout), RATE))
    assert len(signal) / RATE == pytest.approx(2.0, abs=0.06)
    middle = signal[RATE // 2 : RATE * 3 // 2]
    spectrum = np.abs(np.fft.rfft(middle))
    assert np.argmax(spectrum) == 440
    assert np.sqrt(np.mean(middle**2)) == pytest.approx(0.5 / 2**0.5, rel=0.05)


def test_a_path_is_read_like_bytes(tmp_path: Path) -> None:
    file = tmp_path / "https:tone.wav"
    file.write_bytes(wav(tone(0.5)))
    assert decode_audio(file, RATE) == decode_audio(wav(tone(0.5)), RATE) == tone(0.5)


def test_a_wav_from_a_pipe_has_no_length_and_is_read_to_its_end() -> None:
    raw = wav(tone(0.5))
    piped = raw[:4] + b"\xff" * 4 + raw[8:40] + b"\xff" * 4 + raw[44:]
    assert decode_audio(piped, RATE) == tone(0.5)


def test_loud_float_samples_are_clipped() -> None:
    loud = wav(np.array([0, 4.0, -4.0, 0], "<f4").tobytes(), 3, 32)
    assert pcm.samples(decode_audio(loud, RATE)).tolist() == [0, 32767, -32768, 0]


def test_one_broken_packet_does_not_spoil_a_file() -> None:
    raw = bytearray(encoded("mp3", "libmp3lame"))
    raw[len(raw) // 2 : len(raw) // 2 + 40] = b"\xaa" * 40
    assert pcm.duration(decode_audio(bytes(raw), RATE), RATE) == pytest.approx(2.0, abs=0.3)


FLAC, M4A, CLIP = encoded("flac", "flac"), encoded("ipod", "aac"), clip(2.0)
BROKEN = {
    "empty": (b"", "empty"),
    "text": (b"Hello, this is a letter.\n" * 50, "no audio or video that can be read"),
    "noise": (np.random.default_rng(1).bytes(20_000), "no audio or video that can be read"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(500), "no audio or video that can be read"),
    "no samples": (wav(b""), "not one sample"),
    "wav cut off": (wav(tone(1.0))[:20_000], "cut off: it has 20000 bytes of 48044"),
    "flac cut off": (FLAC[: len(FLAC) // 2], r"cut off: 0\.\d s of 2\.0 s"),
    "m4a without index": (M4A[: len(M4A) // 2], "no index"),
    "m4a cut off": (CLIP[: len(CLIP) // 2], "cut off"),
    "not numbers": (wav(np.full(2400, np.nan, "<f4").tobytes(), 3, 32), "NaN"),
    "one sample a second": (wav(tone(0.1), rate=1), "1 samples a second"),
    "no sound": (encoded("matroska", "aac")[:200], "no audio or video that can be read|no sound"),
}


@pytest.mark.parametrize(("raw", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_with_its_reason(raw: bytes, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        decode_audio(raw, RATE)


@pytest.mark.parametrize(("kind", "codec"), FILES.values(), ids=FILES)
def test_damage_anywhere_is_heard_through_or_refused(kind: str, codec: str) -> None:
    whole, random = encoded(kind, codec, 0.3), np.random.default_rng(2)
    for _ in range(20):
        damaged = np.frombuffer(whole, np.uint8).copy()
        damaged[random.integers(0, len(whole), 8)] = random.integers(0, 256, 8)
        with suppress(BadInput):
            assert decode_audio(damaged.tobytes(), RATE, max_seconds=5)


def test_a_silent_film_is_refused() -> None:
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as container:
        stream = container.add_stream("libx264", 25)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    with pytest.raises(BadInput, match="no sound"):
        decode_audio(target.getvalue(), RATE)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"nothing\.wav: No such file"):
        decode_audio(tmp_path / "nothing.wav", RATE)


def test_a_small_file_that_unpacks_to_minutes_is_cut_off() -> None:
    bomb = silent_flac(30)
    assert len(bomb) < 30_000
    assert pcm.duration(decode_audio(bomb, RATE), RATE) == pytest.approx(30)
    with pytest.raises(BadInput, match="longer than 10 s"):
        decode_audio(bomb, RATE, max_seconds=10)
    with pytest.raises(BadInput, match="over the limit"):
        decode_audio(bomb, RATE, max_bytes=1000)


@pytest.mark.parametrize(
    "playlist",
    ["#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{file}\n#EXT-X-ENDLIST\n", "ffconcat version 1.0\nfile '{file}'\n"],
)
def test_a_playlist_reads_no_file_of_the_server(tmp_path: Path, playlist: str) -> None:
    secret = tmp_path / "secret.wav"
    secret.write_bytes(wav(tone(1.0)))
    upload = tmp_path / "upload.m3u8"
    upload.write_text(playlist.format(file=secret))
    with pytest.raises(BadInput):
        decode_audio(upload, RATE)

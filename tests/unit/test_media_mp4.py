"""Clips: written, read back, and compared."""

import io
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import pytest
from av.video.reformatter import Colorspace
from numpy.typing import NDArray

from polytalk.errors import BadInput, SetupError
from polytalk.media import pcm
from polytalk.media.labels import visible_label
from polytalk.media.mp4 import Mp4Writer
from polytalk.media.yuv import planes_of

FPS, WIDTH, HEIGHT = 25, 192, 128


def picture(index: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    waves = [np.sin(columns / 40 + index / 9), np.cos(rows / 50), np.sin((columns + rows) / 80 - index / 7)]
    return np.stack([127 + 90 * wave for wave in waves], -1).astype(np.uint8)


def beep(seconds: float, onset: float, rate: int) -> bytes:
    time = np.arange(round(seconds * rate)) / rate
    return pcm.from_float(0.4 * np.sin(2 * np.pi * 440 * time) * (time >= onset))


def pictures(clip: Path | io.BytesIO) -> list[av.VideoFrame]:
    with av.open(clip, "r") as container:
        return list(container.decode(video=0))


def sound(clip: Path | io.BytesIO) -> NDArray[np.float32]:
    """Decoded audio within the length that the file declares."""
    with av.open(clip, "r") as container:
        stream = container.streams.audio[0]
        assert stream.duration is not None
        frames = list(container.decode(stream))
        assert frames[0].pts == 0
        return np.concatenate([frame.to_ndarray()[0] for frame in frames])[: stream.duration]


@pytest.mark.parametrize("rate", [24_000, 48_000])
def test_a_clip_reads_back_as_it_was_written(tmp_path: Path, rate: int) -> None:
    clip = tmp_path / "clip.mp4"
    with Mp4Writer(clip, WIDTH, HEIGHT, FPS, rate, {"comment": "made", "OWN": "值"}) as writer:
        audio = beep(2.0, 0.5, rate)
        for index in range(2 * FPS):
            writer.write_frame(picture(index))
            writer.write_audio(audio[index * rate // FPS * 2 : (index + 1) * rate // FPS * 2])
        assert writer.duration == 2.0
    frames = pictures(clip)
    assert [frame.time for frame in frames] == [index / FPS for index in range(2 * FPS)]
    for index, frame in enumerate(frames):
        assert frame.colorspace == Colorspace.ITU709
        error = frame.to_ndarray(format="rgb24").astype(float) - picture(index)
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 36
    heard = sound(clip)
    assert len(heard) == 2 * rate
    assert np.argmax(np.abs(heard) > 0.05) / rate == pytest.approx(0.5, abs=0.005)
    with av.open(clip, "r") as container:
        assert container.metadata["comment"] == "made"
        assert container.metadata["OWN"] == "值"
        assert container.streams.video[0].start_time == container.streams.audio[0].start_time == 0


def test_a_clip_can_start_to_play_before_it_is_loaded(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    with Mp4Writer(clip, WIDTH, HEIGHT) as writer:
        writer.write_frame(picture(0))
    raw = clip.read_bytes()
    assert raw.index(b"moov") < raw.index(b"mdat")


@pytest.mark.parametrize(
    ("frames", "seconds", "length"), [(25, 0.0, 1.0), (25, 0.5, 1.0), (1, 1.013, 1.04), (10, 0.4, 0.4)]
)
def test_pictures_and_sound_end_together(tmp_path: Path, frames: int, seconds: float, length: float) -> None:
    clip = tmp_path / "clip.mp4"
    with Mp4Writer(clip, WIDTH, HEIGHT, FPS) as writer:
        writer.write_audio(beep(seconds, 0.0, 24_000))
        for index in range(frames):
            writer.write_frame(picture(index))
    assert len(pictures(clip)) == round(length * FPS)
    assert len(sound(clip)) == round(length * 24_000)


def test_a_clip_can_be_written_into_a_file_object() -> None:
    target = io.BytesIO()
    with Mp4Writer(target, WIDTH, HEIGHT) as writer:
        writer.write_frame(picture(0))
    target.seek(0)
    assert len(pictures(target)) == 1


def test_a_clip_is_sealed_when_it_is_whole_and_before_it_has_its_name(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"

    def seal(part: Path) -> None:
        assert not clip.exists()
        assert len(pictures(part)) == 1
        part.write_bytes(part.read_bytes() + b"sealed")

    with Mp4Writer(clip, WIDTH, HEIGHT, seal=seal) as writer:
        writer.write_frame(picture(0))
    assert clip.read_bytes().endswith(b"sealed")


def test_a_failed_clip_leaves_nothing(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"the old one")

    def failing_model() -> None:
        with Mp4Writer(clip, WIDTH, HEIGHT) as writer:
            writer.write_frame(picture(0))
            raise RuntimeError("the model failed")

    with pytest.raises(RuntimeError, match="model"):
        failing_model()
    with pytest.raises(BadInput, match="no picture"), Mp4Writer(clip, WIDTH, HEIGHT) as writer:
        writer.write_audio(bytes(4800))
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"the old one"]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (np.zeros((WIDTH, HEIGHT, 3), np.uint8), r"not uint8 \[192, 128, 3\]"),
        (np.zeros((HEIGHT, WIDTH, 4), np.uint8), r"not uint8 \[128, 192, 4\]"),
        (np.zeros((HEIGHT, WIDTH, 3), np.float32), "not float32"),
    ],
)
def test_a_wrong_frame_is_refused(tmp_path: Path, frame: NDArray[np.uint8], message: str) -> None:
    with Mp4Writer(tmp_path / "clip.mp4", WIDTH, HEIGHT) as writer:
        with pytest.raises(BadInput, match=message):
            writer.write_frame(frame)
        with pytest.raises(BadInput, match="whole samples"):
            writer.write_audio(b"odd")
        writer.write_frame(picture(0))
    assert len(pictures(tmp_path / "clip.mp4")) == 1


def test_impossible_clips_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="191x128"):
        Mp4Writer(tmp_path / "clip.mp4", 191, 128)
    with pytest.raises(BadInput, match="frames per second"):
        Mp4Writer(tmp_path / "clip.mp4", 192, 128, 0)
    with pytest.raises(BadInput, match="17000"):
        Mp4Writer(tmp_path / "clip.mp4", 192, 128, 25, 17_000)
    with pytest.raises(SetupError, match=r"nowhere/clip.mp4: No such file"):
        Mp4Writer(tmp_path / "nowhere" / "clip.mp4", 192, 128)


@contextmanager
def small_disk() -> Iterator[None]:
    """Files may have 20 kB, as if the disk then were full.

    Around the writing alone, not the test: pytest's own output may go to a file that is longer.
    """
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_full_disk_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)

    def long_clip() -> None:
        with Mp4Writer(tmp_path / "clip.mp4", WIDTH, HEIGHT) as writer:
            for index in range(50):
                writer.write_frame(np.roll(noise, index, 1))

    with small_disk(), pytest.raises(SetupError, match=r"clip\.mp4: .*free space"):
        long_clip()
    assert list(tmp_path.iterdir()) == []


def test_planes_are_written_as_they_are_and_labelled_without_touching_them(tmp_path: Path) -> None:
    label = visible_label(128, 128, "zh", "top-left")
    y, u, v = (np.full((side, side), level, np.uint8) for side, level in ((128, 60), (64, 128), (64, 128)))
    target = tmp_path / "planes.mp4"
    with Mp4Writer(target, 128, 128) as clip:
        for _ in range(5):
            clip.write_planes((y, u, v), label.on_planes())
        with pytest.raises(BadInput, match="128"):
            clip.write_planes((u, u, v))
    assert (int(y.max()), int(u.min())) == (60, 128)
    with av.open(str(target), "r") as container:
        shown = [planes_of(frame)[0].copy() for frame in container.decode(video=0)]
    assert len(shown) == 5
    assert all(abs(float(one[64:].mean()) - 60) < 2 for one in shown)
    assert min(int(one[4:20, 4:60].max()) for one in shown) > 180

"""WebM, GIF and sound alone: what is written reads back, marked."""

import io
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.dialogue.clips.exports import check_target
from polytalk.errors import BadInput, SetupError
from polytalk.media.decode import decode_audio
from polytalk.media.gif import LONGEST, GifWriter
from polytalk.media.marking import Marking, read_marking, read_tags
from polytalk.media.pcm import from_float, samples
from polytalk.media.sound import SUFFIXES, open_sound
from polytalk.media.webm import WebmWriter
from polytalk.types import SPEECH_RATE

MARKING = Marking("示例科技", "clip_7")
TONE = from_float(0.2 * np.sin(2 * np.pi * 300 * np.arange(SPEECH_RATE) / SPEECH_RATE).astype(np.float32))


def pictures(count: int, size: int = 64) -> list[NDArray[np.uint8]]:
    made: list[NDArray[np.uint8]] = []
    for number in range(count):
        picture = np.zeros((size, size, 3), np.uint8)
        picture[:, : 1 + number % size] = (250, 120, 10)
        made.append(picture)
    return made


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_sound_file_is_as_long_as_its_sound_and_says_that_it_is_generated(suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"voice{suffix}"
    with open_sound(file, suffix, MARKING.tags("zh", "sound")) as out:
        for start in range(0, len(TONE), 4_800):
            out.write_audio(TONE[start : start + 4_800])
    heard = samples(decode_audio(file, SPEECH_RATE)).astype(float)
    assert len(heard) == pytest.approx(SPEECH_RATE, abs=SPEECH_RATE // 50)
    assert np.sqrt(np.mean(heard**2)) == pytest.approx(np.sqrt(np.mean(samples(TONE).astype(float) ** 2)), rel=0.05)
    assert read_marking(file) == MARKING
    assert read_tags(file)["comment"].startswith("AI生成：本录音")


def test_a_wav_file_is_one_that_any_program_reads(tmp_path: Path) -> None:
    import wave

    file = tmp_path / "voice.wav"
    with open_sound(file, ".wav", MARKING.tags("en", "sound")) as out:
        out.write_audio(TONE)
    with wave.open(str(file)) as read:
        assert (read.getnchannels(), read.getsampwidth(), read.getframerate()) == (1, 2, SPEECH_RATE)
        assert read.readframes(read.getnframes()) == TONE
    content = file.read_bytes()
    assert int.from_bytes(content[4:8], "little") == len(content) - 8
    bext = content.index(b"bext") + 8
    assert content[bext : bext + 12] == b"AI-generated"


def test_a_webm_file_has_vp9_and_opus_from_sample_zero() -> None:
    target = io.BytesIO()
    with WebmWriter(target, 64, 64, 25, SPEECH_RATE, MARKING.tags()) as clip:
        for number, picture in enumerate(pictures(25)):
            clip.write_frame(picture)
            clip.write_audio(TONE[number * 1920 : (number + 1) * 1920])
    with av.open(io.BytesIO(target.getvalue()), "r") as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        assert (video.codec.canonical_name, sound.codec.canonical_name) == ("vp9", "opus")
        shown = [frame.time for frame in container.decode(video=0)]
    assert shown == pytest.approx([number / 25 for number in range(25)], abs=0.001)
    assert len(decode_audio(target.getvalue(), SPEECH_RATE)) == pytest.approx(len(TONE), abs=1_000)
    assert read_marking(target.getvalue()) == MARKING


def test_a_gif_keeps_its_colours_and_its_time(tmp_path: Path) -> None:
    file = tmp_path / "clip.gif"
    with GifWriter(file, 64, 64, 25, MARKING.tags()) as clip:
        for picture in pictures(25):
            clip.write_frame(picture)
            clip.write_audio(TONE)
    with av.open(str(file), "r") as container:
        frames = list(container.decode(video=0))
    assert [frame.pts for frame in frames] == [8 * number for number in range(13)]
    last = frames[-1].to_ndarray(format="rgb24")
    assert np.abs(last[32, 10].astype(int) - (250, 120, 10)).max() < 12
    assert read_marking(file) == MARKING


def test_a_gif_may_not_be_long_or_large(tmp_path: Path) -> None:
    file = tmp_path / "clip.gif"
    with GifWriter(file, 16, 16, 2) as clip:
        *fit, over = pictures(round(LONGEST) * 2 + 3, 16)
        for picture in fit:
            clip.write_frame(picture)
        with pytest.raises(BadInput, match="mp4"):
            clip.write_frame(over)
        clip.abort()
    with pytest.raises(BadInput, match="480"):
        GifWriter(file, 512, 512, 25)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_broken_off_sound_file_leaves_nothing(suffix: str, tmp_path: Path) -> None:
    def interrupted() -> None:
        with open_sound(tmp_path / f"voice{suffix}", suffix) as out:
            out.write_audio(TONE)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        interrupted()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_folder_that_is_not_there_is_named(suffix: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="nowhere"):
        open_sound(tmp_path / "nowhere" / f"voice{suffix}", suffix)


@pytest.mark.parametrize(
    ("name", "size", "word"),
    [
        ("clip.avi", 512, "mp4"),
        ("clip", 512, "webm"),
        ("clip.mp4", 301, "even"),
        ("clip.gif", 512, "480"),
        ("nowhere/clip.mp4", 512, "no folder .*nowhere"),
    ],
)
def test_a_target_that_cannot_be_written_is_told_first(name: str, size: int, word: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=word):
        check_target(tmp_path / name, size)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(BadInput, match="folder"):
        check_target(tmp_path / "folder.mp4", 512)

"""`polytalk render` makes a clip of a script, and goes on where it was broken off."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from polytalk.media.decode import decode_audio
from polytalk.media.loudness import CEILING, TARGET, measure
from polytalk.media.marking import read_marking
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE
from tests.e2e.conftest import Transcribe

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_script_becomes_a_clip_with_subtitles(polytalk: Run, tmp_path: Path, transcribe: Transcribe) -> None:
    (tmp_path / "script.txt").write_text("Good morning, everybody.\nWe sell old lamps.\n\nPlease come in.\n")
    (tmp_path / "clip.mp4").write_bytes(b"an older clip")
    done = polytalk(
        "render", "script.txt", "--out", "clip.mp4", "--subtitles", "srt", "--size", "256", "--label-place", "top-left"
    )
    assert done.returncode == 0, done.stderr
    clip = tmp_path / "clip.mp4"
    sound = decode_audio(clip, SPEECH_RATE)
    said = transcribe(sound)
    assert "morning" in said
    assert "lamps" in said
    assert "come in" in said
    heard = measure([sound])
    assert heard.integrated == pytest.approx(TARGET, abs=1.0)
    assert heard.peak <= CEILING
    subtitles = (tmp_path / "clip.srt").read_text()
    assert subtitles.count("-->") == 3
    assert "Please come in." in subtitles
    with av.open(str(clip), "r") as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) / 25 == pytest.approx(duration(sound, SPEECH_RATE), abs=0.1)
    corner = frames[-1][4:24, 4:90]
    assert corner.max() > 200  # letters
    assert corner.min() < 110  # on a plate
    assert read_marking(clip) is not None
    assert sorted(one.name for one in tmp_path.glob(".*.parts")) == []


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("missing.txt",), "missing.txt"),
        (("script.txt", "--out", "no/folder/clip.mp4"), "no/folder"),
    ],
)
def test_what_cannot_be_rendered_is_said_in_a_sentence(
    polytalk: Run, tmp_path: Path, arguments: tuple[str, ...], word: str
) -> None:
    (tmp_path / "script.txt").write_text("Hello.")
    done = polytalk("render", *arguments)
    assert done.returncode == 1, done.stdout
    assert word in done.stderr
    assert "Traceback" not in done.stderr

"""`polytalk ask` gives a clip that plays, sounds, moves, and says that it is AI-generated."""

import subprocess
import wave
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from polytalk.media.decode import decode_audio
from polytalk.media.marking import read_marking
from polytalk.types import SPEECH_RATE
from tests.e2e.conftest import Speak, Transcribe

Run = Callable[..., subprocess.CompletedProcess[str]]


def test_a_question_becomes_a_clip(polytalk: Run, tmp_path: Path, transcribe: Transcribe) -> None:
    done = polytalk("ask", "Polytalk makes faces talk.", "--out", "reply.mp4", POLYTALK_LLM__ENGINE="echo")
    assert done.returncode == 0, done.stderr
    clip = tmp_path / "reply.mp4"
    with av.open(str(clip)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, audio.codec_context.name) == ("h264", "aac")
        frames = np.stack([frame.to_ndarray(format="gray") for frame in container.decode(video=0)]).astype(np.float32)
    said = transcribe(decode_audio(clip, SPEECH_RATE))
    assert "talk" in said
    marking = read_marking(clip)
    assert marking is not None
    assert marking.generated
    mouth, hair = frames[:, 290:350, 200:312], frames[:, 60:100, 200:312]
    assert np.abs(np.diff(mouth, axis=0)).mean() > 3 * np.abs(np.diff(hair, axis=0)).mean()
    assert len(frames) / 25 == pytest.approx(len(decode_audio(clip, SPEECH_RATE)) / 2 / SPEECH_RATE, abs=0.15)


def test_a_recording_can_ask(polytalk: Run, tmp_path: Path, joe: Speak) -> None:
    with wave.open(str(tmp_path / "question.wav"), "wb") as file:
        file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
        file.writeframes(joe("Please tell me about bananas."))
    done = polytalk("ask", "--audio", "question.wav", "--avatar", "theo", "--no-label", POLYTALK_LLM__ENGINE="echo")
    assert done.returncode == 0, done.stderr
    assert "banana" in done.stdout
    assert (tmp_path / "reply.mp4").stat().st_size > 20_000


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        ((), "give a question"),
        (("  ",), "empty"),
        (("x" * 9000,), "8000"),
        (("Hi", "--audio", "q.wav"), "give a question"),
        (("--audio", "missing.wav"), "missing.wav"),
        (("Hi", "--avatar", "nobody"), "mira"),
        (("Hi", "--voice", "nobody"), "heart"),
        (("Hi", "--out", "no/such/folder/reply.mp4"), "no/such/folder"),
        (("Hi", "--size", "301"), "even"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(polytalk: Run, arguments: tuple[str, ...], word: str) -> None:
    done = polytalk("ask", *arguments, POLYTALK_LLM__ENGINE="echo")
    assert done.returncode == 1, done.stdout
    assert word in done.stderr
    assert "Traceback" not in done.stderr


def test_a_silent_recording_and_a_broken_one_are_told_apart(polytalk: Run, tmp_path: Path) -> None:
    with wave.open(str(tmp_path / "silent.wav"), "wb") as file:
        file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
        file.writeframes(bytes(2 * SPEECH_RATE))
    (tmp_path / "broken.wav").write_bytes(b"RIFF not a wave")
    silent = polytalk("ask", "--audio", "silent.wav", POLYTALK_LLM__ENGINE="echo")
    broken = polytalk("ask", "--audio", "broken.wav", POLYTALK_LLM__ENGINE="echo")
    assert silent.returncode == broken.returncode == 1
    assert "no speech" in silent.stderr
    assert "cut off" in broken.stderr
    assert not (tmp_path / "reply.mp4").exists()

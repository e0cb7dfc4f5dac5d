"""Clients made for another server work with this one when their base URL is changed, each in its own words."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clients.conftest import Run

SPOKEN = ["openai_realtime.py", "pipecat_bot.py", "livekit_session.py", "agents_voice.py", "agents_node/session.mjs"]


@pytest.mark.parametrize("example", SPOKEN)
def test_a_spoken_conversation_with_an_interruption(
    example: str, run: Run, recordings: list[str], listen: Callable[[Path], tuple[str, str]], tmp_path: Path
) -> None:
    reply = tmp_path / "reply.wav"
    printed = run(example, str(reply), *recordings)
    heard = [line.removeprefix("you: ").lower() for line in printed.splitlines() if line.startswith("you: ")]
    assert len(heard) == 2, printed
    assert "farmer" in heard[0]
    assert "what can you do" in heard[1]
    # The client's own view of the interruption: that it stopped what it played, or keeps only a part of it.
    assert re.search("^interrupted after [1-9][0-9]* ms$|^avatar \\(interrupted\\): .", printed, re.MULTILINE), printed
    answers = re.findall("^avatar.*?: (.*)$", printed, re.MULTILINE)
    assert "interrupt me" in answers[-1].lower(), printed
    assert len(answers[0]) < 200, f"the story was told to its end: {answers[0]}"
    told, answered = listen(reply)
    assert len(told.split()) > 2
    assert "interrupt" not in told
    assert "interrupt me" in answered


def test_text_speech_and_recordings(run: Run) -> None:
    printed = run("openai_chat.py", "What is the capital of France?")
    lines = dict(line.split(": ", 1) for line in printed.splitlines())
    assert {"mira", "gpt-4o", "tts-1", "whisper-1"} <= set(lines["models"].split())
    assert "Paris" in lines["whole"]
    assert lines["whole"].endswith("finished: stop")
    assert "Paris" in lines["streamed"]
    assert int(lines["streamed"].rpartition("tokens: ")[2]) > 0
    assert "capital of france" in lines["heard"].lower()


def test_streams_and_a_clip(run: Run, tmp_path: Path) -> None:
    printed = run("openai_sdk.py")
    assert "interrupt me" in printed
    assert "old lamps" in printed
    assert (tmp_path / "morning.mp4").read_bytes()[4:8] == b"ftyp"


def test_a_client_secret_opens_a_conversation(run: Run) -> None:
    printed = run("openai_client_secret.py")
    assert "secret: ek_" in printed
    assert "Paris" in printed


@pytest.mark.parametrize("example", ["openai_chat.py", "openai_realtime.py"])
def test_another_key_is_refused(example: str, run: Run, recordings: list[str]) -> None:
    with pytest.raises(AssertionError, match="401"):
        run(example, "reply.wav", *recordings, key="of-somebody-else")

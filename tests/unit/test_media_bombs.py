"""Small files of sound that would unpack to hours, or say of themselves what is not so: refused in little memory."""

import json
import subprocess
import sys

import httpx
import pytest

from polytalk.config import Limits
from tests.support import bombs
from tests.support.server import serving


@pytest.fixture(scope="module")
def said() -> dict[str, str]:
    """By a process that may have no more memory than it has, and a little."""
    done = subprocess.run(
        [sys.executable, "-m", bombs.__name__], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_each_is_refused_with_a_reason_in_little_memory(said: dict[str, str]) -> None:
    assert len(said) > 15
    assert not [name for name, reason in said.items() if not reason]


def test_what_would_last_too_long_is_told_so(said: dict[str, str]) -> None:
    for name, reason in said.items():
        if name.startswith("too much"):
            assert reason == "the sound is longer than 10 s; send a shorter piece", name


async def test_a_recording_that_unpacks_to_hours_is_refused_by_the_routes_that_take_one() -> None:
    bomb = bombs.silent("flac", "flac", 30)
    assert len(bomb) < 20_000
    limits = Limits(max_audio_seconds=bombs.SECONDS)
    async with serving(limits=limits) as server, httpx.AsyncClient(base_url=server.http) as http:
        for path, field in (("/v1/audio/transcriptions", "file"), ("/v1/videos", "audio")):
            form = {"model": "asr"} if field == "file" else {"prompt": "Title", "size": "128x128"}
            answer = await http.post(path, data=form, files={field: ("x.flac", bomb)})
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_value"), answer.text
            assert "longer than 10 s" in answer.json()["error"]["message"]

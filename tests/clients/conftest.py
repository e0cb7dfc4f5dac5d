"""One real server for all clients, their environment, and what a user says to each."""

import os
import subprocess
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from polytalk.types import SPEECH_RATE
from tests.support.process import Server, Speak, Transcribe

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
PYTHON = Path(__file__).parent / ".venv/bin/python"
NODE_MODULES = EXAMPLES / "agents_node/node_modules"
KEY = "the-shop-of-the-clients-tests"

Run = Callable[..., str]


@pytest.fixture(scope="session")
def clients() -> None:
    """The clients are installed; without them the tests are skipped, and in CI they fail."""
    if not (PYTHON.exists() and NODE_MODULES.exists()):
        why = "the clients are not installed: bash tests/clients/setup.sh"
        if os.environ.get("POLYTALK_REQUIRE_SERVICES"):
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture(scope="session")
def keyed_server(clients: None) -> Iterator[Server]:
    """A server that asks for a key, with the shipped models."""
    tenants = f'[{{"name": "shop", "token": "{KEY}"}}]'
    started = Server(POLYTALK_TENANTS=tenants)
    try:
        started.wait_ready()
        yield started
    finally:
        started.stop()


@pytest.fixture
def run(keyed_server: Server, tmp_path: Path) -> Run:
    """Run an example as its users do; gives what it printed."""

    def started(example: str, *arguments: str, key: str = KEY) -> str:
        command = ["node"] if example.endswith(".mjs") else [str(PYTHON), "-W", "error::SyntaxWarning"]
        done = subprocess.run(
            [*command, str(EXAMPLES / example), *arguments],
            cwd=tmp_path,
            env=os.environ | {"OPENAI_BASE_URL": f"{keyed_server.url}/v1", "OPENAI_API_KEY": key},
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return started


@pytest.fixture(scope="session")
def recordings(joe: Speak, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """A wish whose answer is long, and a question to interrupt it with, whose answer is known by heart."""
    folder, paths = tmp_path_factory.mktemp("said"), list[str]()
    for text in ("Tell me a long story about a farmer and a goose.", "What can you do?"):
        path = folder / f"{len(paths)}.wav"
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
            file.writeframes(joe(text))
        paths.append(str(path))
    return paths


@pytest.fixture
def listen(transcribe: Transcribe) -> Callable[[Path], tuple[str, str]]:
    """What is heard in a WAV file before its longest silence and after it, in lower case."""

    def heard(path: Path) -> tuple[str, str]:
        with wave.open(str(path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), np.int16)
        sounds = np.flatnonzero(samples)
        silence = int(np.argmax(np.diff(sounds)))
        ends, goes_on = int(sounds[silence]), int(sounds[silence + 1])
        return transcribe(samples[sounds[0] : ends].tobytes()), transcribe(samples[goes_on:].tobytes())

    return heard

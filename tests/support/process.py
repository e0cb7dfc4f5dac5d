"""Real servers with the real models, each once for the whole run, and speech to put to them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from urllib.error import URLError

import pytest

from polytalk.engines.asr.whisper import WhisperAsr
from polytalk.engines.tts.hibari import HibariTts
from polytalk.engines.tts.joe import JoeTts
from polytalk.errors import PolytalkError
from polytalk.media.pcm import resample
from polytalk.types import LISTEN_RATE, SPEECH_RATE, ListenWork, SpeakWork

READY_WITHIN = 60.0


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One `polytalk serve` process."""

    def __init__(self, **environment: str) -> None:
        self.port = free_port()
        self.avatars = Path(mkdtemp(prefix="polytalk-avatars-"))
        """Its avatars folder: what is put there is there at once."""
        own = {
            "POLYTALK_SERVER__PORT": str(self.port),
            "POLYTALK_AVATARS_FOLDER": str(self.avatars),
            "POLYTALK_CLIPS__FOLDER": str(self.avatars / ".clips"),
        }
        env = os.environ | own | environment
        self.process = subprocess.Popen(
            [sys.executable, "-m", "polytalk", "serve"],
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.ws = f"ws://127.0.0.1:{self.port}/v1/realtime"

    def wait_ready(self) -> None:
        """Block until /readyz says so."""
        deadline = time.monotonic() + READY_WITHIN
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail(f"the server ended at start:\n{self.process.communicate()[0]}")
            if self.status("/readyz") == 200:
                return
            time.sleep(0.1)
        pytest.fail(f"the server was not ready within {READY_WITHIN} s")

    def status(self, path: str) -> int:
        """HTTP status of a GET; 0 when nobody answers."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=5) as answer:
                return int(answer.status)
        except URLError as error:
            return int(getattr(error, "code", 0))
        except OSError:
            return 0

    def get(self, path: str) -> dict[str, object]:
        """The JSON at a path."""
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            body: dict[str, object] = json.load(answer)
            return body

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; gives exit code and what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        output, _ = self.process.communicate(timeout=20)
        shutil.rmtree(self.avatars, ignore_errors=True)
        return self.process.returncode, output


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The default server."""
    started = Server()
    try:
        started.wait_ready()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def guest() -> Iterator[socket.socket]:
    """Listens where another site may be, whose pages `echo_server` lets in."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture(scope="session")
def echo_server(guest: socket.socket) -> Iterator[Server]:
    """A server that says back what it heard, so that a test knows the answer's words."""
    origin = f"http://127.0.0.1:{guest.getsockname()[1]}"
    started = Server(POLYTALK_LLM__ENGINE="echo", POLYTALK_SERVER__ALLOWED_ORIGINS=f'["{origin}"]')
    try:
        started.wait_ready()
        yield started
    finally:
        started.stop()


Speak = Callable[[str], bytes]
Transcribe = Callable[[bytes], str]


@pytest.fixture(scope="session")
def heart() -> Iterator[Speak]:
    """Text to PCM16 at 24 kHz in the voice heart."""
    engine = HibariTts({})
    engine.load()
    yield lambda text: _speech(engine, text, "heart")
    engine.close()


@pytest.fixture(scope="session")
def joe() -> Iterator[Speak]:
    """Text to PCM16 at 24 kHz in the voice joe."""
    engine = JoeTts({})
    engine.load()
    yield lambda text: _speech(engine, text, "joe")
    engine.close()


@pytest.fixture(scope="session")
def transcribe() -> Iterator[Transcribe]:
    """PCM16 at 24 kHz to lower-case text."""
    engine = WhisperAsr({})
    engine.load()

    def hear(pcm: bytes) -> str:
        (heard,) = engine.run([ListenWork(resample(pcm, SPEECH_RATE, LISTEN_RATE))])
        if isinstance(heard, PolytalkError):
            raise heard
        return heard.text.lower()

    yield hear
    engine.close()


def _speech(engine: HibariTts | JoeTts, text: str, voice: str) -> bytes:
    (speech,) = engine.run([SpeakWork(text, voice)])
    if isinstance(speech, PolytalkError):
        raise speech
    return speech.audio

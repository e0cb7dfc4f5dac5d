"""The system's Chromium, with a recording for a microphone."""

import os
import shutil
import wave
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from polytalk.types import SPEECH_RATE
from tests.e2e.conftest import Server, Speak, echo_server, joe, server, transcribe

__all__ = ["Server", "echo_server", "joe", "server", "transcribe"]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]

OpenPage = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def chromium() -> str:
    """Path of the browser; without one the tests are skipped, and in CI they fail."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("POLYTALK_REQUIRE_SERVICES"):
            pytest.fail("Chromium is required here and not installed: apt-get install chromium")
        pytest.skip("Chromium is not installed: apt-get install chromium")
    return found


@pytest.fixture
def open_page(chromium: str, tmp_path: Path) -> OpenPage:
    """Open a page of a server; `microphone` is what the user says, after a second of silence.

    `switches` are more of the browser's own, `context` is the page's.
    """

    @contextmanager
    def opened(
        server: Server, microphone: bytes = b"", switches: tuple[str, ...] = (), **context: object
    ) -> Iterator[Page]:
        recording = tmp_path / "microphone.wav"
        with wave.open(str(recording), "wb") as file:
            file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
            file.writeframes(bytes(2 * SPEECH_RATE) + microphone + bytes(60 * SPEECH_RATE))
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=chromium,
                args=[*QUIET, *switches, f"--use-file-for-fake-audio-capture={recording}%noloop"],
            )
            page = browser.new_context(**context).new_page()  # type: ignore[arg-type]
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(server.url)
            yield page
            browser.close()
            assert not errors, errors

    return opened


@pytest.fixture(scope="session")
def question(joe: Speak) -> bytes:
    """A spoken question."""
    return joe("Hello, what is your name?")

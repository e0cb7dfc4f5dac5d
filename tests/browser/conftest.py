"""The system's Chromium, with a recording for a microphone."""

import os
import shutil
import wave
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from polytalk.types import SPEECH_RATE
from tests.support.process import Server, Speak

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


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Of a module: its loop runs in this thread, where other modules' tests run theirs."""
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="module")
def browser(chromium: str, playwright: Playwright) -> Iterator[Browser]:
    """For all pages of a module that want no microphone and no switches."""
    with playwright.chromium.launch(executable_path=chromium, args=QUIET) as launched:
        yield launched


@pytest.fixture
def open_page(chromium: str, playwright: Playwright, browser: Browser, tmp_path: Path) -> OpenPage:
    """Open a page of a server, at `path`, or a page of another `site`.

    `microphone` is what the user says, after a second of silence, `switches` are more of the browser's own: with either
    it is a browser of its own. `script` runs before the page's, `context` is the page's.
    """

    def listening(microphone: bytes, switches: tuple[str, ...]) -> Browser:
        recording = tmp_path / "microphone.wav"
        with wave.open(str(recording), "wb") as file:
            file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
            file.writeframes(bytes(2 * SPEECH_RATE) + microphone + bytes(60 * SPEECH_RATE))
        return playwright.chromium.launch(
            executable_path=chromium,
            args=[*QUIET, *switches, f"--use-file-for-fake-audio-capture={recording}%noloop"],
        )

    @contextmanager
    def opened(
        server: Server,
        microphone: bytes = b"",
        switches: tuple[str, ...] = (),
        path: str = "",
        site: str = "",
        script: str = "",
        **context: object,
    ) -> Iterator[Page]:
        own = listening(microphone, switches) if microphone or switches else None
        opening = (own or browser).new_context(**context)  # type: ignore[arg-type]
        try:
            page = opening.new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            if script:
                page.add_init_script(script)
            page.goto((site or server.url) + path)
            yield page
        finally:
            opening.close()
            if own is not None:
                own.close()
        assert not errors, errors

    return opened


@pytest.fixture(scope="session")
def question(joe: Speak) -> bytes:
    """A spoken question."""
    return joe("Hello, what is your name?")

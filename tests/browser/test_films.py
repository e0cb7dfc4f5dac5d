"""Video from the server in a real browser: it moves, keeps time, stops when interrupted, and gives way to the page."""

import asyncio
import base64
import io
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_page import LONG, eventually, mouth_range, type_in
from tests.support.process import Server
from tests.support.server import serving

FILMED = "polytalk.filmed() && polytalk.played() > 300"
SOCKETS = (
    "window.sockets = [];"
    "window.WebSocket = class extends WebSocket {"
    " constructor(...to) { super(...to); if (String(to[0]).includes('/media')) sockets.push(this); } };"
)
CONNECTED = "sockets.some(socket => socket.readyState === 1)"
PIXELS = """async (count) => {
    const video = document.querySelector("#film");
    const canvas = new OffscreenCanvas(64, 64);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const seen = [];
    for (let i = 0; i < count; i++) {
        context.drawImage(video, 0, 0, 64, 64);
        seen.push(btoa(String.fromCharCode(...context.getImageData(0, 0, 64, 64).data)));
        await new Promise(done => setTimeout(done, 60));
    }
    return seen;  // as text: number by number it would take a second a picture
}"""
LAG = """() => new Promise(done => {
    const video = document.querySelector("#film");
    const lags = [];
    setTimeout(() => done(lags), 2000);
    const look = (now, frame) => {
        lags.push(video.currentTime - frame.mediaTime);
        if (lags.length < 30) video.requestVideoFrameCallback(look);
        else done(lags);
    };
    video.requestVideoFrameCallback(look);
})"""
INTERRUPT = """() => new Promise(done => {
    const began = performance.now();
    document.querySelector("#interrupt").click();
    const look = () => {
        const quiet = document.querySelector("#film").paused && polytalk.state() !== "speaking";
        if (quiet || performance.now() - began > 2000) done(performance.now() - began);
        else setTimeout(look, 5);
    };
    look();
})"""


def pictures(page: Page, count: int = 15) -> np.ndarray[Any, np.dtype[np.float64]]:
    """[count, 64, 64, 3] of what the video shows."""
    seen = b"".join(map(base64.b64decode, page.evaluate(PIXELS, count)))
    return np.frombuffer(seen, np.uint8).reshape(count, 64, 64, 4)[..., :3].astype(float)


@contextmanager
def filming(open_page: OpenPage, server: Any, script: str = "") -> Iterator[Page]:
    """A page that is sent films: an answer that is asked for before their socket is open would be drawn by the page."""
    with open_page(server, path="?video=server", script=SOCKETS + script) as page:
        eventually(page, CONNECTED)
        yield page


@contextmanager
def scripted(reply: str) -> Iterator[SimpleNamespace]:
    """A server on scripted engines, on a loop of its own, whose insides a test may reach."""
    held = SimpleNamespace()
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        # signals reach the main thread alone, where the test is
        with patch("polytalk.gateway.server._Server.capture_signals", lambda _: nullcontext()):
            async with serving(reply) as server:
                held.runtime, held.url = server.runtime, server.http
                ready.set()
                await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(20)
        yield held
    finally:
        over.set()
        thread.join(20)


def test_the_picture_of_the_server_moves_and_keeps_time(echo_server: Server, open_page: OpenPage) -> None:
    with filming(open_page, echo_server) as page:
        type_in(page, LONG)
        eventually(page, FILMED, 30)
        lags = page.evaluate(LAG)
        assert len(lags) > 10
        assert np.median(lags) < 0.08
        seen = pictures(page)
        assert seen.mean() > 20
        lower = seen[:, 32:50, 20:44]  # where the mouth is
        assert np.abs(np.diff(lower, axis=0)).mean(axis=(1, 2, 3)).max() > 2
        expect(page.get_by_text("one two", exact=False).first).to_be_visible()


def test_an_interrupted_film_stops_at_once_and_the_next_one_plays(open_page: OpenPage) -> None:
    with scripted("word " * 60) as server, filming(open_page, server) as page:
        type_in(page, "Hello.")
        eventually(page, FILMED, 20)
        assert page.evaluate(INTERRUPT) < 200
        position = page.evaluate("document.querySelector('#film').currentTime")
        page.wait_for_timeout(400)
        assert page.evaluate("document.querySelector('#film').currentTime") == position
        type_in(page, "And now?")
        eventually(page, FILMED, 20)
        assert page.evaluate("document.querySelector('#film').currentTime") > position


def test_without_room_for_pictures_the_page_draws_and_shows_them_again_later(open_page: OpenPage) -> None:
    with scripted("word " * 20) as server, filming(open_page, server) as page:
        type_in(page, "One.")
        eventually(page, FILMED, 20)
        eventually(page, "polytalk.state() === 'ready'", 20)
        demand = server.runtime.gate.demand
        demand.encoding, before = 1e3, demand.encoding
        type_in(page, "Two.")
        eventually(page, "polytalk.state() === 'speaking' && polytalk.played() > 300", 20)
        assert not page.evaluate("polytalk.filmed()")
        assert mouth_range(page) > 0.1
        eventually(page, "polytalk.state() === 'ready'", 20)
        demand.encoding = before
        type_in(page, "Three.")
        eventually(page, FILMED, 20)


def grey(page: Page) -> np.ndarray[Any, np.dtype[np.float64]]:
    """What the stage shows now, as the user sees it, without the captions."""
    left, top, width, height = page.evaluate(
        "(() => { const box = document.querySelector('#film').getBoundingClientRect();"
        " return [box.x, box.y, box.width, box.height]; })()"
    )
    shot = page.screenshot(clip={"x": max(0, left), "y": max(0, top), "width": width, "height": height * 0.6})
    return np.asarray(Image.open(io.BytesIO(shot)).convert("L").resize((96, 64)), float)


def test_between_films_the_face_lives_in_others_and_never_goes_black(echo_server: Server, open_page: OpenPage) -> None:
    with filming(open_page, echo_server) as page:
        eventually(page, "polytalk.resting() === 'idle'", 40)
        eventually(page, "document.querySelectorAll('#rest video').length === 3", 40)
        page.wait_for_timeout(800)
        resting = [grey(page) for _ in range(4)]
        assert max(np.abs(one - resting[0]).mean() for one in resting) > 0.02, "it is alive"
        type_in(page, "Hello there.")
        seen, states = list(resting), list[list[object]]()
        while len(states) < 120 and not (any(state[0] for state in states) and states[-1][1:] == ["idle", "ready"]):
            states.append(page.evaluate("[polytalk.filmed(), polytalk.resting(), polytalk.state()]"))
            seen.append(grey(page))
        assert any(state[0] for state in states), "a film was seen"
        assert states[-1][1] == "idle", "and the face at rest after it"
        levels = [float(one.mean()) for one in seen]
        assert min(levels) > 0.9 * max(levels), "never black, and never without the face"
        assert max(np.abs(after - before).mean() for before, after in pairwise(seen)) < 15, "no jump"


@pytest.mark.parametrize(("missing", "codec"), [("vp09", "avc1"), ("avc1", "vp09")])
def test_a_browser_is_sent_what_it_plays(echo_server: Server, open_page: OpenPage, missing: str, codec: str) -> None:
    script = (
        "window.opened = [];"
        "const plays = MediaSource.isTypeSupported.bind(MediaSource);"
        f"MediaSource.isTypeSupported = (mime) => !mime.includes({missing!r}) && plays(mime);"
        "const add = MediaSource.prototype.addSourceBuffer;"
        "MediaSource.prototype.addSourceBuffer = function (mime) {"
        " opened.push(mime); return add.call(this, mime); };"
    )
    with filming(open_page, echo_server, script) as page:
        type_in(page, LONG)
        eventually(page, FILMED, 30)
        assert codec in page.evaluate("opened[0]")
        seen = pictures(page)
        assert seen.mean() > 20
        assert np.abs(np.diff(seen[:, 32:50, 20:44], axis=0)).mean(axis=(1, 2, 3)).max() > 2


def test_films_return_after_their_socket_was_lost(open_page: OpenPage) -> None:
    with scripted("word " * 40) as server, filming(open_page, server) as page:
        type_in(page, "One.")
        eventually(page, FILMED, 20)
        page.evaluate("sockets[0].close()")
        eventually(page, "polytalk.state() === 'ready'", 20)
        eventually(page, "sockets.length === 2 && sockets[1].readyState === 1", 20)
        type_in(page, "Two.")
        eventually(page, FILMED, 20)


def test_who_draws_is_chosen_and_remembered(open_page: OpenPage) -> None:
    with scripted("word " * 20) as server, open_page(server, script=SOCKETS) as page:
        page.get_by_role("button", name=re.compile("Avatar and voice")).click()
        page.get_by_text("Video from the server").click()
        page.keyboard.press("Escape")
        eventually(page, CONNECTED)
        type_in(page, "Hello.")
        eventually(page, FILMED, 20)
        page.reload()
        eventually(page, CONNECTED)
        type_in(page, "Hello again.")
        eventually(page, FILMED, 20)

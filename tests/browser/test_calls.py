"""The example of a call over WebRTC, as a page of another origin, in a real browser with the real models."""

import base64
import io
import socket
import threading
import wave
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from polytalk.types import SPEECH_RATE
from tests.browser.conftest import OpenPage
from tests.browser.test_page import LONG, SPEAKS, eventually, mouth_range, turn_microphone_on, type_in
from tests.support.process import Server, Speak

EXAMPLE = Path(__file__).parents[2] / "examples/webrtc"
WATCH = """
window.seen = [];
const create = RTCPeerConnection.prototype.createDataChannel;
RTCPeerConnection.prototype.createDataChannel = function (...given) {
    const channel = create.apply(this, given);
    window.peer = this;
    channel.addEventListener("message", ({ data }) => {
        const event = JSON.parse(data);
        seen.push({ type: event.type, at: performance.now(), text: event.transcript ?? event.error?.message ?? "" });
    });
    return channel;
};
window.count = (type) => seen.filter(event => event.type === type).length;
window.record = () => {
    const recorder = new MediaRecorder(new MediaStream(document.querySelector("video").srcObject.getAudioTracks()));
    window.parts = [];
    recorder.ondataavailable = ({ data }) => parts.push(data);
    recorder.start();
    window.recorder = recorder;
};
window.interject = async (wave) => {
    const bytes = Uint8Array.from(atob(wave), character => character.charCodeAt(0));
    const context = new AudioContext();
    const source = new AudioBufferSourceNode(context, { buffer: await context.decodeAudioData(bytes.buffer) });
    const way = context.createMediaStreamDestination();
    source.connect(way);
    await peer.getSenders()[0].replaceTrack(way.stream.getAudioTracks()[0]);
    source.start();
};
window.recorded = () => new Promise(done => {
    recorder.onstop = async () => {
        const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
        done(btoa(bytes.reduce((text, byte) => text + String.fromCharCode(byte), "")));
    };
    recorder.stop();
});
"""
ENERGY = """async () => {
    for (const report of (await peer.getStats()).values())
        if (report.type === "inbound-rtp" && report.kind === "audio") return report.totalAudioEnergy;
}"""
TOLD = """(() => {
    const begun = seen.findLastIndex(event => event.type === "output_audio_buffer.started");
    const before = seen.slice(0, begun).findLast(event => event.type === "input_audio_buffer.speech_stopped");
    return (seen[begun].at - before.at) / 1000;
})()"""
"""Seconds from the end of a turn, as the server told it, to the answer to it."""
PIXELS = """async ([which, count]) => {
    const video = document.querySelector(which);
    const canvas = new OffscreenCanvas(48, 48);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const seen = [];
    for (let i = 0; i < count; i++) {
        context.drawImage(video, 0, 0, 48, 48);
        seen.push(btoa(String.fromCharCode(...context.getImageData(0, 0, 48, 48).data)));
        await new Promise(done => setTimeout(done, 80));
    }
    return seen;  // as text: number by number it would take a second a picture
}"""


@pytest.fixture(scope="module")
def site(guest: socket.socket) -> Iterator[str]:
    """The example's folder, as another origin."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    address = guest.getsockname()
    server = ThreadingHTTPServer(address, partial(Quiet, directory=str(EXAMPLE)), bind_and_activate=False)
    server.socket.close()
    server.socket = guest
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{address[1]}"
    server.shutdown()
    thread.join()


def sound(page: Page) -> bytes:
    """What the page recorded, PCM16 at `SPEECH_RATE`."""
    with av.open(io.BytesIO(base64.b64decode(page.evaluate("recorded()"))), "r") as container:
        resampler = av.AudioResampler("s16", "mono", SPEECH_RATE)
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    return b"".join(frame.to_ndarray().astype("<i2").tobytes() for frame in frames)


def wav(pcm: bytes) -> bytes:
    """A file of it."""
    written = io.BytesIO()
    with wave.open(written, "wb") as file:
        file.setparams((1, 2, SPEECH_RATE, 0, "NONE", ""))
        file.writeframes(pcm)
    return written.getvalue()


def energy(page: Page) -> float:
    """Of what is played in 400 ms from now on."""
    before = float(page.evaluate(ENERGY))
    page.wait_for_timeout(400)
    return float(page.evaluate(ENERGY)) - before


def changes(page: Page, video: str = "video") -> float:
    """How much the picture changes from moment to moment, at most."""
    shown = b"".join(map(base64.b64decode, page.evaluate(PIXELS, [video, 12])))
    seen = np.frombuffer(shown, np.uint8).reshape(12, 48, 48, 4)[..., :3].astype(float)
    assert seen.mean() > 20
    return float(np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2, 3)).max())


def test_a_page_of_another_origin_asks_hears_sees_and_interrupts(
    site: str, echo_server: Server, open_page: OpenPage, joe: Speak, transcribe: Callable[[bytes], str]
) -> None:
    stop = joe("Please stop talking now, I have another question for you.")
    with open_page(echo_server, joe("The sun is very warm today."), site=site, script=WATCH) as page:
        page.fill("#server", echo_server.url)
        page.click("#call")
        eventually(page, "count('session.created') === 1", 15)
        page.evaluate("record()")
        eventually(page, "count('output_audio_buffer.started') === 1", 20)
        assert changes(page) > 0.5
        eventually(page, "count('output_audio_buffer.stopped') === 1", 20)
        heard = transcribe(sound(page))
        assert "sun is very warm" in heard
        eventually(page, "document.querySelector('#said').textContent.includes('warm')", 5)
        assert page.evaluate("document.querySelector('video').videoWidth") == 512

        page.fill("#text", LONG)
        page.press("#text", "Enter")
        eventually(page, "count('output_audio_buffer.started') === 2", 20)
        page.wait_for_timeout(700)
        loud = max(energy(page) for _ in range(2))
        page.evaluate("wave => interject(wave)", base64.b64encode(wav(stop)).decode())
        eventually(page, "count('output_audio_buffer.cleared') === 1", 30)
        for _ in range(10):  # what the browser has held back, which it stretches when packets come unevenly
            if energy(page) < loud / 20:
                break
            assert page.evaluate("count('output_audio_buffer.started')") == 2, "silent before the next answer"
        else:
            pytest.fail("it went on after it was interrupted")
        assert page.evaluate("count('conversation.item.truncated')") == 1
        page.click("#hangup")
        eventually(page, "peer.connectionState === 'closed'", 5)
        errors = page.evaluate("seen.filter(event => event.type === 'error').map(event => event.text)")
        assert errors == []


def test_another_page_watches_the_call_and_reads_what_is_said(
    site: str, echo_server: Server, open_page: OpenPage
) -> None:
    with open_page(echo_server, bytes(2), site=site, script=WATCH) as page:
        page.fill("#server", echo_server.url)
        page.click("#call")
        eventually(page, "count('session.created') === 1", 15)
        call = page.locator("#said li").first.inner_text().partition(": ")[2]
        viewer = page.context.new_page()
        viewer.add_init_script(WATCH)
        viewer.goto(f"{site}/watch.html")
        viewer.fill("#call", call)
        viewer.click("#watch")
        eventually(viewer, "document.querySelector('video').videoWidth === 512", 15)
        page.fill("#text", LONG)
        page.press("#text", "Enter")
        eventually(page, "count('output_audio_buffer.started') === 1", 20)
        assert changes(viewer) > 0.5
        assert viewer.evaluate(ENERGY) > 0
        eventually(viewer, "document.querySelector('#said').textContent.includes('one two')", 20)
        page.click("#hangup")
        eventually(viewer, "document.querySelector('#leave').disabled", 10)


def test_the_page_talks_over_webrtc_when_its_address_says_so(
    echo_server: Server, open_page: OpenPage, question: bytes
) -> None:
    with open_page(echo_server, question, path="?connection=webrtc", script=WATCH) as page:
        eventually(page, "count('session.created') === 1", 15)
        turn_microphone_on(page)
        eventually(page, SPEAKS, 20)
        assert mouth_range(page) > 0.1
        assert not page.evaluate("polytalk.streamed()")
        expect(page.get_by_text("what is your name", exact=False).first).to_be_visible(timeout=15_000)
        assert page.evaluate(ENERGY) > 0
        told, measured = page.evaluate(TOLD), page.evaluate("polytalk.latency()")
        # 300 ms of silence ended the turn, and what is received is heard a little after it was sent
        assert 0.25 < measured - told < 1.2
        page.get_by_role("button", name="Interrupt").click()
        eventually(page, "polytalk.state() !== 'speaking'", 1)
        eventually(page, "count('output_audio_buffer.cleared') + count('output_audio_buffer.stopped') > 0", 5)
        turn_microphone_on(page)  # off
        type_in(page, "And now in writing.")
        eventually(page, SPEAKS, 20)
        assert page.evaluate("count('error')") == 0


def test_connection_and_video_are_chosen_in_the_page_and_kept(echo_server: Server, open_page: OpenPage) -> None:
    with open_page(echo_server) as page:
        eventually(page, "polytalk.state() === 'ready'", 15)
        assert page.evaluate("polytalk.transport()") == "websocket"
        choose(page, "WebRTC")
        eventually(page, "polytalk.transport() === 'webrtc' && polytalk.state() === 'ready'", 15)
        assert not page.evaluate("polytalk.streamed()")
        choose(page, "Video from the server")
        eventually(page, "polytalk.streamed()", 20)
        assert page.evaluate("document.querySelector('#live').videoWidth") == 512
        expect(page.get_by_text("AI-generated")).to_be_visible()
        type_in(page, LONG)
        eventually(page, SPEAKS, 20)
        assert changes(page, "#live") > 0.5
        expect(page.get_by_text("one two", exact=False).first).to_be_visible()
        page.get_by_role("button", name="Interrupt").click()
        eventually(page, "polytalk.state() !== 'speaking'", 1)
        page.reload()
        eventually(page, "polytalk.streamed()", 20)
        choose(page, "WebSocket")
        eventually(page, "polytalk.transport() === 'websocket' && polytalk.state() === 'ready'", 15)
        assert not page.evaluate("polytalk.streamed()")


def choose(page: Page, what: str) -> None:
    """In the sheet of settings."""
    page.locator("#choose").click()
    page.locator("#chooser label", has=page.get_by_text(what, exact=True)).click()
    page.keyboard.press("Escape")


def test_where_no_call_gets_through_the_conversation_goes_on_over_a_socket(
    echo_server: Server, open_page: OpenPage
) -> None:
    deaf = """
        const set = RTCPeerConnection.prototype.setRemoteDescription;
        RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
            return set.call(this, { type, sdp: sdp.replace(/a=ice-pwd:.*/g, "a=ice-pwd:" + "x".repeat(24)) });
        };
    """
    with open_page(echo_server, path="?connection=webrtc", script=deaf, locale="zh-CN") as page:
        expect(page.get_by_text("已改用 WebSocket", exact=False)).to_be_visible(timeout=15_000)
        eventually(page, "polytalk.transport() === 'websocket' && polytalk.state() === 'ready'", 10)
        type_in(page, "Is it still you?")
        eventually(page, SPEAKS, 20)

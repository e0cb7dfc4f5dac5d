"""The example of a call over WebRTC, as a page of another origin, in a real browser with the real models."""

import base64
import io
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
from tests.e2e.conftest import Server, Speak

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
PIXELS = """async (count) => {
    const video = document.querySelector("video");
    const canvas = new OffscreenCanvas(48, 48);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    const seen = [];
    for (let i = 0; i < count; i++) {
        context.drawImage(video, 0, 0, 48, 48);
        seen.push([...context.getImageData(0, 0, 48, 48).data]);
        await new Promise(done => setTimeout(done, 80));
    }
    return seen;
}"""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    """The example's folder, on a port of its own."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(EXAMPLE)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def called(site: str) -> Iterator[Server]:
    """A server that says back what it heard, and lets the site's pages in."""
    started = Server(POLYTALK_LLM__ENGINE="echo", POLYTALK_SERVER__ALLOWED_ORIGINS=f'["{site}"]')
    try:
        started.wait_ready()
        yield started
    finally:
        started.stop()


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


def changes(page: Page) -> float:
    """How much the picture changes from moment to moment, at most."""
    seen = np.array(page.evaluate(PIXELS, 12), float).reshape(12, 48, 48, 4)[..., :3]
    assert seen.mean() > 20
    return float(np.abs(np.diff(seen, axis=0)).mean(axis=(1, 2, 3)).max())


def test_a_page_of_another_origin_asks_hears_sees_and_interrupts(
    site: str, called: Server, open_page: OpenPage, joe: Speak, transcribe: Callable[[bytes], str]
) -> None:
    stop = joe("Please stop talking now, I have another question for you.")
    with open_page(called, joe("The sun is very warm today.")) as page:
        page.add_init_script(WATCH)
        page.goto(site)
        page.fill("#server", called.url)
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
        loud = energy(page)
        page.evaluate("wave => interject(wave)", base64.b64encode(wav(stop)).decode())
        eventually(page, "count('output_audio_buffer.cleared') === 1", 30)
        page.wait_for_timeout(400)  # what the browser has held back, which it stretches when packets come unevenly
        assert energy(page) < loud / 20
        assert page.evaluate("count('conversation.item.truncated')") == 1
        page.click("#hangup")
        eventually(page, "peer.connectionState === 'closed'", 5)
        errors = page.evaluate("seen.filter(event => event.type === 'error').map(event => event.text)")
        assert errors == []


def test_the_page_itself_talks_over_webrtc_when_its_address_says_so(
    called: Server, open_page: OpenPage, question: bytes
) -> None:
    with open_page(called, question) as page:
        page.add_init_script(WATCH)
        page.goto(f"{called.url}?connection=webrtc")
        eventually(page, "count('session.created') === 1", 15)
        turn_microphone_on(page)
        eventually(page, SPEAKS, 20)
        assert mouth_range(page) > 0.1
        expect(page.get_by_text("what is your name", exact=False).first).to_be_visible(timeout=15_000)
        assert page.evaluate(ENERGY) > 0
        page.get_by_role("button", name="Interrupt").click()
        eventually(page, "polytalk.state() !== 'speaking'", 1)
        eventually(page, "count('output_audio_buffer.cleared') + count('output_audio_buffer.stopped') > 0", 5)
        type_in(page, "And now in writing.")
        eventually(page, SPEAKS, 20)
        assert page.evaluate("count('error')") == 0

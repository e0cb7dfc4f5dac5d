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
PIXELS = """async (count) => {
    const video = document.querySelector("video");
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


def changes(page: Page) -> float:
    """How much the picture changes from moment to moment, at most."""
    shown = b"".join(map(base64.b64decode, page.evaluate(PIXELS, 12)))
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


def test_the_page_itself_talks_over_webrtc_when_its_address_says_so(
    echo_server: Server, open_page: OpenPage, question: bytes
) -> None:
    with open_page(echo_server, question, path="?connection=webrtc", script=WATCH) as page:
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

"""A client that calls over WebRTC: aiortc at its end, a voice for a microphone."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from typing import Any

import httpx
import numpy as np
from aiortc import MediaStreamTrack, RTCDataChannel, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame, VideoFrame
from numpy.typing import NDArray

from tests.support.protocol import Wire, check_event
from tests.support.server import SOON

RATE = 48_000
STEP = RATE // 50


async def offered() -> str:
    """An offer that can be taken: with sound, pictures and a data channel."""
    peer = RTCPeerConnection()
    peer.addTransceiver("audio")
    peer.addTransceiver("video", direction="recvonly")
    peer.createDataChannel("oai-events")
    text = str((await peer.createOffer()).sdp)
    await peer.close()
    return text


class Microphone(MediaStreamTrack):
    """Silence, until something is said."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._words: NDArray[np.int16] = np.zeros(0, np.int16)
        self._sent = 0
        self._began = 0.0

    def say(self, seconds: float, level: int = 8_000) -> None:
        """A tone: a constant level would not survive the codec."""
        tone = np.sin(2 * np.pi * 300 * np.arange(round(seconds * RATE)) / RATE) * level
        self._words = np.concatenate([self._words, tone.astype(np.int16)])

    async def recv(self) -> AudioFrame:
        """20 ms, when they are due."""
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(self._began + self._sent / RATE - loop.time())
        part, self._words = self._words[:STEP], self._words[STEP:]
        signal = np.pad(part, (0, STEP - len(part)))
        frame = AudioFrame.from_ndarray(signal.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._sent, Fraction(1, RATE)
        self._sent += STEP
        return frame


class Caller:
    """One call. What it gets is noted with the moment at which it came."""

    def __init__(self) -> None:
        self.microphone = Microphone()
        self.peer = RTCPeerConnection()
        self.channel: RTCDataChannel | None = None
        self.got: list[Wire] = []
        self.sounds: list[tuple[float, int, NDArray[np.int16]]] = []
        """Moment, RTP timestamp and samples of each frame of sound."""
        self.pictures: list[tuple[float, int, NDArray[np.uint8]]] = []
        """Of each picture, with its Y' plane."""
        self.location = ""
        self._noted = asyncio.Event()
        self._takers: list[asyncio.Task[None]] = []

    async def offer(self, *, video: bool = False, microphone: bool = True, events: bool = True) -> str:
        """An SDP; connects nothing yet."""
        self.peer.on("track", lambda track: self._takers.append(asyncio.ensure_future(self._take(track))))
        if microphone:
            self.peer.addTrack(self.microphone)
        else:
            self.peer.addTransceiver("audio", direction="recvonly")
        if video:
            self.peer.addTransceiver("video", direction="recvonly")
        if events:
            self.channel = self.peer.createDataChannel("oai-events")
            self.channel.on("message", self._note)
        await self.peer.setLocalDescription(await self.peer.createOffer())
        return str(self.peer.localDescription.sdp)

    async def accept(self, answer: httpx.Response) -> None:
        """Connect by what the server answered."""
        assert answer.status_code == 201, answer.text
        self.location = answer.headers["location"]
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))

    def send(self, kind: str, **fields: Any) -> None:
        """One event."""
        assert self.channel is not None
        self.channel.send(json.dumps({"type": kind, **fields}))

    def asks(self, text: str = "Is it?") -> None:
        """A question in writing."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
        self.send("conversation.item.create", item=item)
        self.send("response.create")

    def all(self, kind: str) -> list[Wire]:
        """Every event of a type so far."""
        return [wire for wire in self.got if wire["type"] == kind]

    @property
    def kinds(self) -> list[str]:
        """The types of all events so far."""
        return [wire["type"] for wire in self.got]

    async def until(self, kind: str, count: int = 1) -> Wire:
        """Wait for the `count`-th event of a type since the beginning."""
        async with asyncio.timeout(SOON):
            while len(found := self.all(kind)) < count:
                self._noted.clear()
                await self._noted.wait()
        return found[count - 1]

    def level(self, since: float = 0.0) -> float:
        """How loud it was from a moment on: the mean of what was heard."""
        heard = [np.abs(samples.astype(float)).mean() for at, _, samples in self.sounds if at >= since]
        return float(np.mean(heard)) if heard else 0.0

    async def close(self) -> None:
        """Hang up."""
        await self.peer.close()
        for taker in self._takers:
            taker.cancel()
        await asyncio.gather(*self._takers, return_exceptions=True)

    def _note(self, message: str) -> None:
        wire = json.loads(message)
        check_event(wire)
        self.got.append(wire | {"at": asyncio.get_running_loop().time()})
        self._noted.set()

    async def _take(self, track: MediaStreamTrack) -> None:
        try:
            while True:
                frame = await track.recv()
                now = asyncio.get_running_loop().time()
                if isinstance(frame, AudioFrame):
                    self.sounds.append((now, frame.pts or 0, frame.to_ndarray().reshape(-1, 2)[:, 0].astype(np.int16)))
                elif isinstance(frame, VideoFrame):
                    self.pictures.append((now, frame.pts or 0, frame.to_ndarray(format="gray").astype(np.uint8)))
        except MediaStreamError:
            pass


@asynccontextmanager
async def calling(http: str, **offer: Any) -> AsyncIterator[Caller]:
    """Call a server, and wait until the session is there."""
    caller = Caller()
    async with httpx.AsyncClient(base_url=http) as client:
        text = await caller.offer(**offer)
        sent = await client.post("/v1/realtime/calls", content=text, headers={"content-type": "application/sdp"})
        await caller.accept(sent)
    try:
        if caller.channel is not None:
            await caller.until("session.created")
        yield caller
    finally:
        await caller.close()

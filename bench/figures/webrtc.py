"""What a second of a call over WebRTC costs the server process, and what encoding once saves.

Engines cost nothing; drawing happens in processes of its own and is not counted. Clients are aiortc in this process.
"""

import asyncio
import json
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from fractions import Fraction
from types import TracebackType
from typing import Any

import httpx
import numpy as np
from aiortc import RTCPeerConnection, RTCRtpSender, RTCSessionDescription
from aiortc.codecs import get_encoder
from aiortc.contrib.media import MediaBlackhole
from aiortc.mediastreams import AudioStreamTrack
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from av.packet import Packet

from bench.figures import orchestration
from bench.plan import Plan
from bench.report import Figure, Row
from bench.scripted import QUESTION
from bench.server import Server, serving
from polytalk.media.fragments import Encoding
from polytalk.media.units import UnitWriter
from polytalk.types import Pictures, Seconds

CALLS = 4
VIEWERS = 8
QUIET: Seconds = 6.0
WARM: Seconds = 4.0
"""For the face at rest to be drawn, once."""
SIZE = 512
SETTINGS: Mapping[str, str] = {**orchestration.SETTINGS, "LIMITS__QUEUE_TURNS": "60"}


class Call:
    """One, or one who watches the call `of` somebody else."""

    def __init__(self, server: Server, codec: str | None, of: "Call | None" = None) -> None:
        self._http = server.url.replace("ws:", "http:")
        self._codec = codec
        self._of = of
        self.location = ""
        self._peer = RTCPeerConnection()
        self._hole = MediaBlackhole()
        self._events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def __aenter__(self) -> "Call":
        peer = self._peer
        if self._of is None:
            peer.addTrack(AudioStreamTrack())
        else:
            peer.addTransceiver("audio", direction="recvonly")
        if self._codec is not None:
            wanted = [one for one in RTCRtpSender.getCapabilities("video").codecs if self._codec in one.mimeType]
            peer.addTransceiver("video", direction="recvonly").setCodecPreferences(wanted)
        self._channel = peer.createDataChannel("oai-events")
        self._channel.on("message", lambda text: self._events.put_nowait(json.loads(text)))
        peer.on("track", self._take)
        await peer.setLocalDescription(await peer.createOffer())
        async with httpx.AsyncClient(base_url=self._http, trust_env=False) as client:
            headers = {"content-type": "application/sdp"}
            where = "/v1/realtime/calls" if self._of is None else f"{self._of.location}/viewers"
            answer = await client.post(where, content=peer.localDescription.sdp, headers=headers)
        answer.raise_for_status()
        self.location = answer.headers["location"]
        await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
        await self._hole.start()
        if self._of is None:
            await self.until("session.created")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._hole.stop()
        await self._peer.close()

    async def until(self, kind: str) -> None:
        """Wait for an event."""
        while (await self._events.get())["type"] != kind:
            pass

    async def answered(self) -> Seconds:
        """Ask in writing; how long the answer was heard."""
        content = [{"type": "input_text", "text": QUESTION}]
        for event in (
            {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": content}},
            {"type": "response.create"},
        ):
            self._channel.send(json.dumps(event))
        await self.until("output_audio_buffer.started")
        began = time.monotonic()
        await self.until("output_audio_buffer.stopped")
        return time.monotonic() - began

    def _take(self, track: Any) -> None:
        self._hole.addTrack(track)


def measure(plan: Plan) -> Figure:
    """Silent and answering, the voice alone and with pictures."""
    rows: list[Row] = []
    with serving(SETTINGS) as server:
        for name, codec in (("voice alone", None), ("VP8", "VP8"), ("H.264", "H264")):
            silent, answering = asyncio.run(_calls(server, codec))
            rows += [
                _row(f"a second of a silent call, {name}", silent),
                _row(f"a second of an answer, {name}", answering),
            ]
        for name, codec in (("voice alone", None), ("VP8", "VP8"), ("H.264", "H264")):
            silent, answering = asyncio.run(_viewers(server, codec))
            rows += [
                _row(f"a second of one more who watches a silent call, {name}", silent),
                _row(f"a second of one more who watches an answer, {name}", answering),
            ]
    for codec in ("vp8", "h264"):
        encoded, packed = _pictures(codec)
        rows += [
            _row(f"a second of pictures encoded, {codec}", encoded),
            _row(f"the same made packets for one more who watches, {codec}", packed),
        ]
    notes = [
        f"{CALLS} calls at once, clients in another process of the same machine.",
        f"One more who watches: an eighth of what {VIEWERS} add to one call.",
        "Answers are those of every call at the same time, and their pictures are drawn elsewhere.",
    ]
    return Figure("webrtc", "The server's own CPU time for a call over WebRTC", "", rows, notes)


def _row(what: str, seconds: Seconds) -> Row:
    return {"what": what, "CPU ms": round(seconds * 1000, 2)}


async def _calls(server: Server, codec: str | None) -> tuple[Seconds, Seconds]:
    """CPU seconds for a second of one call: silent, answering."""
    async with AsyncExitStack() as stack:
        calls = [await stack.enter_async_context(Call(server, codec)) for _ in range(CALLS)]
        await asyncio.sleep(WARM if codec else 1.0)
        cpu, began = server.cpu_seconds(), time.monotonic()
        await asyncio.sleep(QUIET)
        silent = (server.cpu_seconds() - cpu) / (time.monotonic() - began) / CALLS
        cpu = server.cpu_seconds()
        heard = await asyncio.gather(*(call.answered() for call in calls))
        return silent, (server.cpu_seconds() - cpu) / sum(heard)


async def _viewers(server: Server, codec: str | None) -> tuple[Seconds, Seconds]:
    """CPU seconds that one more who watches adds to a second of a call: silent, answering."""
    async with Call(server, codec) as call, AsyncExitStack() as stack:
        await asyncio.sleep(WARM if codec else 1.0)
        alone = await _costs(server, call)
        for _ in range(VIEWERS):
            await stack.enter_async_context(Call(server, codec, call))
        await asyncio.sleep(1.0)
        silent, answering = (b - a for a, b in zip(alone, await _costs(server, call), strict=True))
        return silent / VIEWERS, answering / VIEWERS


async def _costs(server: Server, call: Call) -> tuple[Seconds, Seconds]:
    cpu, began = server.cpu_seconds(), time.monotonic()
    await asyncio.sleep(QUIET)
    silent = (server.cpu_seconds() - cpu) / (time.monotonic() - began)
    cpu = server.cpu_seconds()
    heard = await call.answered()
    return silent, (server.cpu_seconds() - cpu) / heard


def _pictures(codec: Any) -> tuple[Seconds, Seconds]:
    """CPU seconds to encode 25 pictures, and to packetise them for a peer."""
    base = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8).repeat(SIZE // 8, 0).repeat(SIZE // 8, 1)
    moving = b"".join(np.roll(base, index, 0).tobytes() for index in range(25))
    writer = UnitWriter(Encoding(SIZE, SIZE, codec), 25)
    began = time.process_time()
    units = writer.push(b"", Pictures(memoryview(moving), SIZE, SIZE))
    encoded = time.process_time() - began
    packer = get_encoder(RTCRtpCodecParameters(mimeType=f"video/{codec}", clockRate=90_000, payloadType=96))
    began = time.process_time()
    for index, unit in enumerate(units):
        packet: Packet[Any] = Packet(unit.data)
        packet.pts, packet.time_base = index * 3_600, Fraction(1, 90_000)
        packer.pack(packet)
    return encoded, time.process_time() - began

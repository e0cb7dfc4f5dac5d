"""aiortc as this server uses it: one peer connection that answers an offer, and is watched until it ends."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from aiortc import (
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCRtpSender,
    RTCRtpTransceiver,
    RTCSessionDescription,
)
from aiortc.exceptions import InternalError, InvalidStateError, OperationError
from aiortc.jitterbuffer import JitterBuffer

from polytalk.config import WebRtcSettings
from polytalk.errors import BadInput, Shed
from polytalk.gateway.webrtc.cast import Cast, Kind, Tap
from polytalk.gateway.webrtc.ears import Ears, EarsQueue
from polytalk.gateway.webrtc.line import CallLine
from polytalk.gateway.webrtc.offer import INVALID, Offer
from polytalk.gateway.webrtc.ports import confine
from polytalk.gateway.webrtc.reassembly import bound
from polytalk.gateway.webrtc.reports import Reports
from polytalk.gateway.webrtc.tracks import PacketTrack
from polytalk.schedule.congestion import Congestion, Quality
from polytalk.types import Seconds

log = logging.getLogger(__name__)

LOOK_EVERY: Final[Seconds] = 1.0
MOST_CHANNELS: Final = 16
"""One is used, and the others are closed again; whoever opens more wants something else than a call."""
_REFUSED = (
    *(OperationError, InternalError, InvalidStateError),
    *(ValueError, AssertionError, KeyError, IndexError, AttributeError, StopIteration),
)


class Peer:
    """One client's end of a call."""

    def __init__(
        self,
        settings: WebRtcSettings,
        cast: Cast,
        line: CallLine,
        steps: Sequence[Quality] = (Quality.FULL, Quality.SOUND),
        bear: Callable[[Quality], None] = lambda quality: None,
    ) -> None:
        """`steps` are what can be sent to this client, best first; `bear` is told what its network bears."""
        self._settings = settings
        self._steps = steps
        self._bear = bear
        self._cast = cast
        self._line = line
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=_servers(settings)))
        self._taps: list[Tap] = []
        self._eye: Tap | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._connected = asyncio.Event()
        self._channels = 0
        """That the client has opened."""

    async def answer(self, offer: Offer, *, pictures: bool) -> str:
        """The SDP that answers. Raises BadInput for an offer that the library refuses, Shed without a free port."""
        connection = self._connection
        connection.on("connectionstatechange", self._changed)
        connection.on("datachannel", self._open)
        voice = PacketTrack(self._tap("audio"))
        sound = connection.addTransceiver(voice, direction="sendrecv" if offer.speaks else "sendonly")
        opus = [codec for codec in RTCRtpSender.getCapabilities("audio").codecs if codec.mimeType == "audio/opus"]
        sound.setCodecPreferences(opus)
        if offer.video:
            screen = connection.addTransceiver("video", direction="sendonly" if pictures else "inactive")
            if offer.codecs:
                known = RTCRtpSender.getCapabilities("video").codecs
                wanted = (f"video/{offer.codecs[0]}", "video/rtx")
                screen.setCodecPreferences([codec for codec in known if codec.mimeType.lower() in wanted])
        try:
            await self._agree(offer, sound, voice, screen if offer.video and pictures else None)
        except _REFUSED as error:
            raise BadInput(f"this offer can't be answered: {error}", code=INVALID, param="sdp") from None
        text = str(connection.localDescription.sdp)
        if "a=candidate:" not in text:
            raise Shed("no UDP port is free for another call; try again soon", retry_after=10.0)
        self._tasks.append(asyncio.create_task(self._watch()))
        return text

    async def _agree(
        self, offer: Offer, sound: RTCRtpTransceiver, voice: PacketTrack, screen: RTCRtpTransceiver | None
    ) -> None:
        """`screen` shows pictures, if any are wanted. Raises what the library does for an offer beyond it."""
        connection = self._connection
        await connection.setRemoteDescription(RTCSessionDescription(offer.sdp, "offer"))
        if screen is not None:
            eye = self._eye = self._tap("video")
            picture = PacketTrack(eye)
            screen.sender.replaceTrack(picture)
            screen.sender._send_keyframe = partial(self._cast.want_key, eye)  # type: ignore[method-assign]  # packets are passed on
            reports = Reports(Congestion(self._steps), time.monotonic, self._adapt)
            reports.follow(sound.sender, lambda: voice.taken)
            reports.follow(screen.sender, lambda: picture.taken)
        for transceiver in connection.getTransceivers():
            confine(transceiver.receiver.transport.transport.iceGatherer, self._settings)
            if transceiver.kind == "audio" and offer.speaks:
                self._listen(transceiver.receiver)
        if connection.sctp is not None:
            confine(connection.sctp.transport.transport.iceGatherer, self._settings)
            bound(connection.sctp, self._lose)
        await connection.setLocalDescription(await connection.createAnswer())

    async def connected(self) -> None:
        """Wait until both ends speak to each other, or the client is gone."""
        await self._connected.wait()

    async def close(self) -> None:
        """Part. Safe to call twice."""
        for tap in self._taps:
            self._cast.leave(tap)
        self._eye = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(ConnectionError, AttributeError):  # of a section that was not agreed on there is no transport
            await self._connection.close()

    def _tap(self, kind: Kind) -> Tap:
        tap = self._cast.tap(kind)
        self._taps.append(tap)
        return tap

    def _adapt(self, quality: Quality) -> None:
        if self._eye is None:
            return
        log.info("a client's network bears %s", quality.name.lower())
        if quality is Quality.SOUND:
            self._cast.leave(self._eye)
        else:
            self._cast.resume(self._eye)
        self._bear(quality)

    def _changed(self) -> None:
        state = self._connection.connectionState
        if state == "connected":
            self._connected.set()
        elif state in ("failed", "closed"):
            self._lose()

    def _open(self, channel: RTCDataChannel) -> None:
        self._channels += 1
        if self._channels > MOST_CHANNELS:
            self._lose()
        self._line.open(channel)

    def _listen(self, receiver: Any) -> None:
        """Sound is decoded as it comes. The library holds it back for 80 ms, so that it plays evenly; nobody plays it
        here, and turns end sooner."""
        ears = Ears(self._line.hear)
        receiver._RTCRtpReceiver__decoder_queue = EarsQueue(ears)
        receiver._RTCRtpReceiver__jitter_buffer = JitterBuffer(capacity=16, prefetch=0)
        self._tasks.append(asyncio.create_task(ears.run()))

    def hang_up(self) -> None:
        """End the call."""
        self._lose()

    def _lose(self) -> None:
        self._line.lose()
        self._connected.set()

    async def _watch(self) -> None:
        """A client that vanished says nothing any more, not even reports of what it received."""
        received, since = -1, asyncio.get_running_loop().time()
        await self._connected.wait()
        while True:
            await asyncio.sleep(min(LOOK_EVERY, self._settings.silence_seconds / 4))
            now, count = asyncio.get_running_loop().time(), await self._received()
            if count != received:
                received, since = count, now
            elif now - since > self._settings.silence_seconds:
                self._lose()
                return

    async def _received(self) -> int:
        report = await self._connection.getReceivers()[0].getStats()
        return sum(one.packetsReceived for one in report.values() if one.type == "transport")


def _servers(settings: WebRtcSettings) -> list[RTCIceServer]:
    return [
        RTCIceServer(
            list(server.urls), server.username, server.credential.get_secret_value() if server.credential else None
        )
        for server in settings.ice_servers
    ]

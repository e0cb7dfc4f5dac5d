"""A call as the protocol's engine sees it: events on a data channel, sound from a track, in the order they came."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Final

import msgspec
from aiortc import InvalidStateError, RTCDataChannel

from polytalk.dialogue.ids import new_id
from polytalk.errors import BadInput
from polytalk.gateway.realtime.line import Frame, Heard, LineLost
from polytalk.gateway.realtime.wires import error_event
from polytalk.types import Seconds

CHANNEL: Final = "oai-events"
MOST_FRAMES: Final = 1_000
"""That wait for a session: 20 s of sound. Beyond, sound is left out, and a flood of events ends the call."""
MOST_BUFFERED: Final = 256 << 10
"""Bytes that wait in the channel before the next event waits too."""
MOST_MESSAGE: Final = 60 << 10
"""Bytes of one message: what every client takes is 64 KiB."""
PATIENCE: Seconds = 1.0
"""For the last words of a call."""


class CallLine:
    """One call's."""

    def __init__(self, *, events: bool) -> None:
        """`events`: whether the client has a data channel at all."""
        self._events = events
        self.overheard: Callable[[str], None] = lambda text: None
        """Called with each event that the client is sent, or would be if it had a channel."""
        self._frames: asyncio.Queue[Frame | None] = asyncio.Queue(MOST_FRAMES)
        self._channel: RTCDataChannel | None = None
        self._opened = asyncio.Event()
        self._low = asyncio.Event()
        self.lost = asyncio.Event()
        """Set when the client is gone."""

    def hear(self, pcm: bytes) -> None:
        """Sound of the client's track."""
        with suppress(asyncio.QueueFull):  # the session is far behind
            self._frames.put_nowait(Heard(pcm))

    def open(self, channel: RTCDataChannel) -> None:
        """The client opened a data channel; another one than ours, or a second, is closed again."""
        if channel.label != CHANNEL or self._channel is not None:
            channel.close()
            return
        self._channel = channel
        channel.bufferedAmountLowThreshold = MOST_BUFFERED // 2
        channel.on("message", self._take)
        channel.on("bufferedamountlow", self._low.set)
        channel.on("close", self.lose)
        self._opened.set()

    def lose(self) -> None:
        """The client is gone."""
        if not self.lost.is_set():
            self.lost.set()
            with suppress(asyncio.QueueFull):
                self._frames.put_nowait(None)

    async def receive(self) -> Frame:
        """See Line."""
        frame = None if self.lost.is_set() else await self._frames.get()
        if frame is None:
            raise LineLost
        return frame

    async def send(self, text: str) -> None:
        """See Line. Without a data channel the client does not want to know."""
        self.overheard(text)
        if not self._events:
            return
        await self._opened.wait()
        assert self._channel is not None
        for message in fitting(text):
            while self._channel.bufferedAmount > MOST_BUFFERED:
                self._low.clear()
                await self._low.wait()
            try:
                self._channel.send(message)
            except (InvalidStateError, ConnectionError, ValueError):
                raise LineLost from None

    async def close(self, code: int, reason: str) -> None:
        """Say why, as far as it gets through; whoever owns the peer closes it."""
        if self._channel is None or self.lost.is_set():
            return
        ends = error_event(BadInput(reason, code="session_expired" if code == 1001 else "connection_closed"))
        with suppress(LineLost, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.send(msgspec.json.encode(ends).decode())
                while self._channel.bufferedAmount:
                    await asyncio.sleep(0.02)

    def _take(self, message: str | bytes) -> None:
        try:
            self._frames.put_nowait(message)
        except asyncio.QueueFull:
            self.lose()


def fitting(text: str) -> Iterator[str]:
    """An event as messages that every client takes: a long delta as several, whatever else is too long as an error."""
    if len(text) * 4 <= MOST_MESSAGE or len(text.encode()) <= MOST_MESSAGE:
        yield text
        return
    wire = msgspec.json.decode(text)
    delta = wire.get("delta")
    if not isinstance(delta, str):
        error = BadInput(
            f"an event {wire.get('type')} of {len(text)} characters does not fit a data channel", code="event_too_large"
        )
        yield msgspec.json.encode(error_event(error)).decode()
        return
    step = MOST_MESSAGE // 8  # a character has up to 6 bytes in JSON, and the rest of the event needs some
    for at in range(0, len(delta), step):
        part = wire | {"delta": delta[at : at + step], "event_id": new_id("event")}
        yield msgspec.json.encode(part).decode()

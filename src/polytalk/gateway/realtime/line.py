"""A client's end of a conversation, whatever it travels on: frames come in, events go out, and both ends may part."""

import asyncio
from contextlib import suppress
from typing import Protocol, TypeAlias

from msgspec import Struct
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from polytalk.types import Seconds

PATIENCE: Seconds = 2.0
"""For a line to close."""


class Heard(Struct, frozen=True):
    """What a microphone said that has a way of its own to the server."""

    audio: bytes
    """PCM16 mono at `SPEECH_RATE`."""


Frame: TypeAlias = str | bytes | Heard
"""A text frame, a binary one, or sound."""


class LineLost(Exception):
    """The client is gone."""


class Line(Protocol):
    """One client's."""

    async def receive(self) -> Frame:
        """The next frame. Raises LineLost."""
        ...

    async def send(self, text: str) -> None:
        """One event; waits while the client reads slowly. Raises LineLost."""
        ...

    async def close(self, code: int, reason: str) -> None:
        """End it from this side; `code` is a WebSocket's. Does nothing when it is gone already."""
        ...


class SocketLine:
    """A WebSocket that was accepted."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> Frame:
        """See Line."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise LineLost
        text = message.get("text")
        return text if text is not None else message.get("bytes") or b""

    async def send(self, text: str) -> None:
        """See Line."""
        try:
            await self._socket.send_text(text)
        except WebSocketDisconnect:
            raise LineLost from None

    async def close(self, code: int, reason: str) -> None:
        """See Line."""
        if self._socket.client_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, OSError):  # it may be gone by now
                await asyncio.wait_for(self._socket.close(code, reason), PATIENCE)

"""`GET /v1/realtime/media?session=`: a session's films, on a socket of their own.

Large frames there don't hold up what must be quick here, and who reads them too slowly loses them and not the call.
"""

import asyncio
from contextlib import suppress

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from polytalk.gateway.auth import Auth
from polytalk.gateway.problems import problem
from polytalk.gateway.realtime.media_line import MediaFeeds, MediaLine
from polytalk.types import Seconds

SUBPROTOCOL = "polytalk.media"
TOKEN_SUBPROTOCOL = "polytalk.token."
"""How browsers, which can't set headers on a WebSocket, send the token; addresses end up in logs."""
CLOSE_DONE = 1001
CLOSE_TOO_SLOW = 1013
PATIENCE: Seconds = 2.0
"""For a socket to close."""


class MediaEndpoint:
    """Refuses before the upgrade, with a real HTTP status, or serves until either end leaves."""

    def __init__(self, feeds: MediaFeeds, auth: Auth) -> None:
        self._feeds = feeds
        self._auth = auth

    async def serve(self, socket: WebSocket) -> None:
        """One handshake."""
        if (refusal := await self._auth.pass_by(socket)) is not None:
            await socket.send_denial_response(refusal)
            return
        feed = self._feeds.find(socket.query_params.get("session", ""), _token(socket))
        if feed is None:
            self._auth.failed(socket)
            text = "there is no such session, or this is not its token; both are in session.updated, under avatar.media"
            await socket.send_denial_response(problem(401, text, "invalid_media_token"))
            return
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        line = feed.attach()
        try:
            await _carry(socket, line)
        finally:
            feed.detach(line)


async def _carry(socket: WebSocket, line: MediaLine) -> None:
    async def write() -> None:
        with suppress(WebSocketDisconnect, OSError):
            while True:
                frame = await line.get()
                await (socket.send_text(frame) if isinstance(frame, str) else socket.send_bytes(frame))

    async def read() -> None:
        """A client has nothing to say here; its leaving is noticed."""
        with suppress(WebSocketDisconnect):
            while (await socket.receive())["type"] != "websocket.disconnect":
                pass

    tasks = [asyncio.create_task(write()), asyncio.create_task(read()), asyncio.create_task(line.ended.wait())]
    try:
        over, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in over:
        task.result()  # a defect of our own is not swallowed
    if line.ended.is_set() and socket.client_state is WebSocketState.CONNECTED:
        code = CLOSE_TOO_SLOW if "slowly" in line.reason else CLOSE_DONE
        with suppress(RuntimeError, OSError):  # it may be gone by now
            await asyncio.wait_for(socket.close(code, line.reason), PATIENCE)


def _token(socket: WebSocket) -> str:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = socket.scope.get("subprotocols", [])
    return next((name.removeprefix(TOKEN_SUBPROTOCOL) for name in offered if name.startswith(TOKEN_SUBPROTOCOL)), "")

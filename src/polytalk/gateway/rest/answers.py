"""How an answer leaves: while the client is there, in pieces as they are made, and no slower than it reads them."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Send

from polytalk.types import Seconds

T = TypeVar("T")
SLOW: Seconds = 30.0
"""So long a client may read nothing of a stream; then it is dropped, and what is made for it with it."""
UNBUFFERED = {"cache-control": "no-cache", "x-accel-buffering": "no"}
"""So that proxies pass on what they get."""


class Json(Response):
    """A msgspec Struct, or anything that msgspec encodes."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """See Response."""
        return msgspec.json.encode(content)


async def while_there(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of some work, which is cancelled when the client goes away: then raises ClientDisconnect."""
    task, gone = asyncio.ensure_future(work), asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ClientDisconnect
        return task.result()
    finally:
        for each in (task, gone):
            each.cancel()
        await asyncio.gather(task, gone, return_exceptions=True)


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


class Streamed(StreamingResponse):
    """A body as it is made. What makes it ends with the client, or when the client reads too slowly."""

    def __init__(self, body: AsyncGenerator[bytes, None], media_type: str, headers: Mapping[str, str] = {}) -> None:
        super().__init__(body, media_type=media_type, headers={**UNBUFFERED, **headers})
        self._body = body

    async def stream_response(self, send: Send) -> None:
        """See StreamingResponse."""
        async with aclosing(self._body) as pieces:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            async for piece in pieces:
                try:
                    async with asyncio.timeout(SLOW):
                        await send({"type": "http.response.body", "body": piece, "more_body": True})
                except TimeoutError:
                    raise ClientDisconnect from None
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def streamed(
    request: Request, body: AsyncGenerator[bytes, None], media_type: str, headers: Mapping[str, str] = {}
) -> Streamed:
    """A stream that has begun: what goes wrong before its first piece is still an answer with a status."""
    try:
        first = await while_there(request, _first(body))
    except BaseException:
        await body.aclose()
        raise
    return Streamed(_whole(first, body), media_type, headers)


async def _first(body: AsyncGenerator[bytes, None]) -> bytes:
    return await anext(body, b"")


async def _whole(first: bytes, rest: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
    async with aclosing(rest):
        yield first
        async for piece in rest:
            yield piece


def event(what: Any) -> bytes:
    """A server-sent event whose data is JSON."""
    return b"data: " + msgspec.json.encode(what) + b"\n\n"

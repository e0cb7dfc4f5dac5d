"""A server of somebody else's on loopback, whose answer each test chooses."""

import json
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

Handler = Callable[[Request], Awaitable[Response]]
DONE = b"data: [DONE]\n\n"


class Peer:
    """Notes every request."""

    def __init__(self) -> None:
        self.handler: Handler | None = None
        self.requests: list[dict[str, Any]] = []
        self.gone = threading.Event()
        """Set when a client left before the end."""
        self.release = threading.Event()

    async def answer(self, request: Request) -> Response:
        """As the test's handler does."""
        kind = request.headers.get("content-type", "")
        if kind.startswith("multipart"):
            mail = message_from_bytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + await request.body())
            body: dict[str, Any] = {}
            for part in mail.walk():
                if (name := part.get_param("name", header="content-disposition")) is not None:
                    content = part.get_payload(decode=True)
                    assert isinstance(content, bytes)
                    body[str(name)] = content if part.get_filename() else content.decode()
        else:
            body = await request.json()
        self.requests.append({"path": request.url.path, "key": request.headers.get("authorization"), **body})
        assert self.handler is not None
        return await self.handler(request)


@contextmanager
def peering() -> Iterator[tuple[Peer, str]]:
    """The server, and its base URL."""
    peer = Peer()
    app = Starlette(routes=[Route("/v1/{path:path}", peer.answer, methods=["POST"])])
    listener = socket.create_server(("127.0.0.1", 0))
    runner = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=runner.run, args=([listener],))
    thread.start()
    yield peer, f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    peer.release.set()
    runner.should_exit = True
    thread.join()
    listener.close()


def streams(
    *parts: bytes, kind: str = "text/event-stream", then: Callable[[], Awaitable[None]] | None = None
) -> Handler:
    """An answer in parts."""

    async def send() -> AsyncIterator[bytes]:
        for part in parts:
            yield part
        if then is not None:
            await then()

    async def handler(_: Request) -> Response:
        return StreamingResponse(send(), media_type=kind)

    return handler


def event(body: object) -> bytes:
    """A server-sent event."""
    return f"data: {json.dumps(body)}\n\n".encode()


def delta(text: str, finish: str | None = None) -> bytes:
    """A piece of a chat completion."""
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}]})

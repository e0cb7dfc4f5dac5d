"""An HTTP client that costs the machine little: keep-alive connections, one request at a time on each.

The libraries' clients take about half a millisecond of a core for a request; at hundreds a second on the cores that
the servers need too, that would be what is measured.
"""

import asyncio
from typing import Any

import msgspec

from polytalk.errors import EngineFailed, Shed

Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Http:
    """Connections to one server on this machine."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._idle: list[Connection] = []

    async def post(self, path: str, body: dict[str, Any]) -> None:
        """Raises Shed for 429 and 503, EngineFailed for other failures."""
        status = await self._post(path, msgspec.json.encode(body))
        if status in (429, 503):
            raise Shed(f"{path} answered {status}", retry_after=1.0)
        if status != 200:
            raise EngineFailed(f"{path} answered {status}")

    async def close(self) -> None:
        """Hang up."""
        while self._idle:
            self._idle.pop()[1].close()
        await asyncio.sleep(0)

    async def _post(self, path: str, content: bytes) -> int:
        if self._idle:
            try:
                return await self._exchange(self._idle.pop(), path, content)
            except (OSError, asyncio.IncompleteReadError):
                pass  # the server had hung up on a connection that was idle for long
        try:
            return await self._exchange(await asyncio.open_connection("127.0.0.1", self._port), path, content)
        except (OSError, asyncio.IncompleteReadError) as error:
            raise EngineFailed(f"the server hung up: {error}") from None

    async def _exchange(self, connection: Connection, path: str, content: bytes) -> int:
        reader, writer = connection
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
        )
        try:
            writer.write(head.encode() + b"\r\n\r\n" + content)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            await self._skip_body(reader, answer)
        except BaseException:
            writer.close()
            raise
        if b"connection: close" in answer:
            writer.close()
        else:
            self._idle.append(connection)
        return int(answer.split(b" ", 2)[1])

    @staticmethod
    async def _skip_body(reader: asyncio.StreamReader, head: bytes) -> None:
        if b"transfer-encoding: chunked" in head:
            while size := int(await reader.readline(), 16):
                await reader.readexactly(size + 2)
            await reader.readline()
        else:
            length = head.partition(b"content-length:")[2].split(b"\r\n", 1)[0]
            await reader.readexactly(int(length or 0))

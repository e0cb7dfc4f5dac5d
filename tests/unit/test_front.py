"""Connections of whom nobody knows anything yet: too many, too slow, too large, or meant to keep the server busy."""

import asyncio
import os
import struct
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode

from polytalk.config import ServerSettings
from polytalk.gateway import front
from polytalk.gateway.front import BITE, HEAD_BYTES, MOST_FRAGMENTS, MOST_PINGS, MOST_PIPELINED, Hall, Socket
from tests.support.server import SOON, Server, serving

GET = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
UPGRADE = (
    b"GET /v1/realtime HTTP/1.1\r\nhost: localhost\r\nupgrade: websocket\r\nconnection: upgrade\r\n"
    b"sec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)


@asynccontextmanager
async def opened(server: Server) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    host, _, port = server.host.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def the_end(reader: asyncio.StreamReader) -> bytes:
    """What still comes until the server closes."""
    try:
        async with asyncio.timeout(SOON):
            return await reader.read()
    except ConnectionResetError:
        return b""


async def code_at_the_end(client: ClientConnection) -> int | None:
    """With which the server closes."""
    with suppress(ConnectionClosed):
        async with asyncio.timeout(SOON):
            while True:
                await client.recv()
    return client.close_code


# --- how many ------------------------------------------------------------------------------------------------------


def test_an_address_has_so_many_connections_and_others_still_come() -> None:
    hall = Hall(ServerSettings(max_connections=5, max_connections_per_address=2, trusted_proxies=("10.0.0.0/8",)))
    assert [hall.enter("8.8.8.8") for _ in range(3)] == [True, True, False]
    assert hall.enter("9.9.9.9")
    assert [hall.enter(one) for one in ("127.0.0.1", "10.0.0.1", "::1")] == [True, True, False], "five in all"
    assert not hall.enter("7.7.7.7")
    hall.leave("8.8.8.8")
    assert [hall.enter("8.8.8.8") for _ in range(2)] == [True, False]
    hall.leave("10.0.0.1")
    assert hall.enter("127.0.0.1")


def test_a_network_that_is_one_client_s_counts_as_one() -> None:
    hall = Hall(ServerSettings(max_connections_per_address=2))
    assert [hall.enter(f"2001:db8::{n}") for n in (1, 2, 3)] == [True, True, False]
    assert hall.enter("2001:db8:0:1::1")
    hall.leave("2001:db8::1")
    assert hall.enter("2001:db8::4")


async def test_one_connection_too_many_is_closed_and_a_place_that_is_left_is_free() -> None:
    async with serving(server=ServerSettings(max_connections=2)) as server:
        async with opened(server), connect(server.ws), opened(server) as (reader, late):
            late.write(GET + b"\r\n")
            assert await the_end(reader) == b""
        async with asyncio.timeout(SOON), httpx.AsyncClient() as http:
            while True:
                try:
                    assert (await http.get(f"{server.http}/healthz")).status_code == 200
                    break
                except httpx.TransportError:
                    await asyncio.sleep(0.01)


# --- heads of requests ---------------------------------------------------------------------------------------------

SLOW: dict[str, bytes] = {
    "nothing": b"",
    "half a head": GET,
    "a line break": b"\r\n",
    "half of another": GET + b"\r\n" + GET,
}


@pytest.mark.parametrize("sent", SLOW.values(), ids=SLOW)
async def test_a_head_that_does_not_come_ends_the_connection(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.1)
    async with serving() as server, opened(server) as (reader, writer):
        writer.write(sent)
        began = time.monotonic()
        assert (b"200 OK" in await the_end(reader)) is (b"\r\n\r\n" in sent)
        assert time.monotonic() - began < 3, "an idle connection has 5 s"


async def test_a_line_break_does_not_hold_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.1)
    async with serving() as server, opened(server) as (reader, writer):
        writer.write(GET + b"\r\n")
        await reader.readuntil(b"}")
        writer.write(b"\r\n")
        began = time.monotonic()
        await the_end(reader)
        assert time.monotonic() - began < 3


async def test_a_request_that_takes_long_to_answer_is_not_broken_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.05)
    async with serving() as server, httpx.AsyncClient() as http:
        server.llm.first = 0.3
        asked = {"model": "llm", "messages": [{"role": "user", "content": "Hi"}]}
        assert (await http.post(f"{server.http}/v1/chat/completions", json=asked)).status_code == 200


async def test_a_socket_outlives_the_time_for_a_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "HEAD_SECONDS", 0.05)
    async with serving() as server, connect(server.ws) as client:
        with suppress(TimeoutError):
            async with asyncio.timeout(0.3):
                while True:
                    await client.recv()  # an event or two, and never the end
        async with asyncio.timeout(SOON):
            await (await client.ping())


@pytest.mark.parametrize("ends", [b"", b"\r\n\r\n"], ids=["without an end", "whole"])
@pytest.mark.parametrize("begins", [b"GET /?", GET + b"x: "], ids=["address", "header"])
async def test_a_head_that_is_too_large_is_refused(begins: bytes, ends: bytes) -> None:
    async with serving() as server, opened(server) as (reader, writer):
        writer.write(begins + b"x" * (HEAD_BYTES + 1) + (ends and b" HTTP/1.1" * (b"?" in begins) + ends))
        assert (await the_end(reader)).startswith(b"HTTP/1.1 431 ")


async def test_requests_that_pile_up_behind_one_end_the_connection() -> None:
    body = b'{"model": "llm", "messages": [{"role": "user", "content": "Hi"}]}'
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    async with serving() as server, opened(server) as (reader, writer):
        server.llm.first = 3600.0
        writer.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        writer.write((GET + b"\r\n") * (MOST_PIPELINED + 2))
        assert await the_end(reader) == b""
        async with asyncio.timeout(SOON):
            while server.runtime.gate.admission.leases:
                await asyncio.sleep(0.01)


# --- sockets -------------------------------------------------------------------------------------------------------


async def test_nothing_is_unpacked_for_a_client_that_offers_to_pack() -> None:
    async with serving() as server, connect(server.ws, extensions=[ClientPerMessageDeflateFactory()]) as client:
        assert client.protocol.extensions == []
        client.transport.write(b"\xc1\x81mask\x00")  # with the bit that says that it is packed
        assert await code_at_the_end(client) == 1002


async def test_a_message_in_pieces_is_one_and_one_of_too_many_pieces_ends_the_call() -> None:
    async with serving() as server, connect(server.ws) as client:
        await client.send(['{"type": "conver', "", 'sation.item.delete", "item_id": "x"}'])
        async with asyncio.timeout(SOON):
            while "item_not_found" not in str(await client.recv()):
                pass
        empty = masked(Opcode.TEXT)[:1].replace(b"\x81", b"\x01") + masked(Opcode.TEXT)[1:]
        client.transport.write(empty + (b"\x00" + empty[1:]) * MOST_FRAGMENTS)
        assert await code_at_the_end(client) == 1009


class Wire(asyncio.Transport):
    """The server's end of a connection whose client reads nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.reading = True
        self.closed = False
        self.socket: Any = None

    def write(self, data: Any) -> None:
        self.written += data
        if self.socket is not None and len(self.written) > 1 << 16:
            self.socket.pause_writing()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


class Echo:
    """An application that notes what it gets, as soon as it may."""

    def __init__(self) -> None:
        self.got: list[Any] = []
        self.may = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while True:
            await self.may.wait()
            self.got.append(await receive())


async def socket_of(app: Echo) -> tuple[Socket, Wire, ServerState]:
    config = uvicorn.Config(app, ws=Socket, ws_per_message_deflate=False, log_config=None, lifespan="off")
    config.load()
    state, wire = ServerState(), Wire()
    socket = Socket(config, state, {})
    wire.socket = socket
    socket.connection_made(wire)
    socket.data_received(UPGRADE)
    while b"101" not in wire.written:
        await asyncio.sleep(0)
    return socket, wire, state


async def done(state: ServerState) -> None:
    for task in state.tasks:
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)


def masked(opcode: Opcode, data: bytes = b"") -> bytes:
    return Frame(opcode, data).serialize(mask=True)


async def test_a_flood_of_frames_is_parsed_by_the_bite_and_others_have_their_turn() -> None:
    socket, wire, state = await socket_of(Echo())
    before = len(wire.written)
    ping = masked(Opcode.PING)
    socket.data_received(ping * 20_000)
    assert not wire.reading
    turns = 0
    while len(wire.written) - before < 2 * 20_000:
        assert len(wire.written) - before <= 2 * (turns + 1) * (BITE // len(ping) + 1)
        await asyncio.sleep(0)
        turns += 1
    assert wire.reading
    await done(state)


async def test_what_came_waits_until_the_application_takes_it_and_none_is_lost() -> None:
    app = Echo()
    socket, wire, state = await socket_of(app)
    frames = [masked(Opcode.TEXT, b"%d" % number + b" " * 50) for number in range(2_000)]
    socket.data_received(b"".join(frames))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not wire.reading
    assert socket.queue.qsize() < 2 * BITE // len(frames[0])
    app.may.set()
    while len(app.got) < 1_000:
        await asyncio.sleep(0)
    socket.connection_lost(None)
    while len(app.got) < 2_001:
        await asyncio.sleep(0)
    assert [int(one["text"]) for one in app.got[:-1]] == list(range(2_000))
    assert app.got[-1]["type"] == "websocket.disconnect"
    await done(state)


async def test_who_pings_and_reads_no_answers_is_read_no_more_until_he_does() -> None:
    socket, wire, state = await socket_of(Echo())
    ping = masked(Opcode.PING, os.urandom(125))
    for _ in range(1_000):
        if wire.reading:
            socket.data_received(ping)
    assert not wire.reading
    assert len(wire.written) < (1 << 16) + (MOST_PINGS + 4) * 200
    wire.written.clear()
    socket.resume_writing()
    assert wire.reading
    await done(state)


async def test_a_frame_larger_than_any_event_is_refused_by_its_header() -> None:
    async with serving() as server, connect(server.ws) as client:
        client.transport.write(b"\x81\xff" + struct.pack("!Q", 1 << 40) + b"mask")
        assert await code_at_the_end(client) == 1009

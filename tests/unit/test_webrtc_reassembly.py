"""Messages that a client begins and never ends."""

import asyncio
from types import SimpleNamespace
from typing import Any

import httpx
from aiortc.rtcsctptransport import SCTP_DATA_FIRST_FRAG, DataChunk, InboundStream

from polytalk.gateway.webrtc.peer import MOST_CHANNELS
from polytalk.gateway.webrtc.reassembly import COUNT_EVERY, MOST_CHUNKS, SLACK, bound
from tests.support.caller import calling
from tests.support.server import SOON, serving

WINDOW = 1 << 20


class Association:
    """As much of the library's as keeps pieces."""

    lost: int = 0

    def __init__(self) -> None:
        self._advertised_rwnd = WINDOW
        self._inbound_streams: dict[int, InboundStream] = {}
        bound(self, self.lose)

    def lose(self) -> None:
        self.lost += 1

    async def _receive_data_chunk(self, chunk: Any) -> None:
        self._inbound_streams.setdefault(chunk.stream_id, InboundStream()).add_chunk(chunk)
        self._advertised_rwnd -= len(chunk.user_data)


def piece(number: int, data: bytes, stream: int = 0) -> Any:
    return SimpleNamespace(tsn=number, user_data=data, stream_id=stream)


async def test_what_the_window_has_room_for_is_kept_and_more_ends_the_call() -> None:
    one = Association()
    for number in range(1, 1 + WINDOW // 1024):
        await one._receive_data_chunk(piece(number, bytes(1024)))
    assert one.lost == 0
    for number in range(2_000, 2_000 + 10 * SLACK // 1024):
        await one._receive_data_chunk(piece(number, bytes(1024)))
    assert one.lost == 1
    assert sum(len(chunk.user_data) for chunk in one._inbound_streams[0].reassembly) <= WINDOW + SLACK + 1024


async def test_crumbs_in_many_streams_end_the_call() -> None:
    one = Association()
    for number in range(1, 2 * MOST_CHUNKS):
        await one._receive_data_chunk(piece(number, b"x", stream=number % 100))
    assert one.lost == 1
    assert sum(len(stream.reassembly) for stream in one._inbound_streams.values()) <= MOST_CHUNKS + COUNT_EVERY


async def test_a_piece_of_nothing_ends_the_call() -> None:
    one = Association()
    await one._receive_data_chunk(piece(1, b""))
    assert one.lost == 1


async def test_a_real_client_that_ends_no_message_is_hung_up_on() -> None:
    async with serving() as server, calling(server.http) as caller:
        sctp = caller.peer.sctp
        assert sctp is not None
        for _ in range(3 * WINDOW // 1_000):
            chunk = DataChunk(flags=SCTP_DATA_FIRST_FRAG)
            chunk.tsn, chunk.stream_id, chunk.stream_seq = sctp._local_tsn, 1, 1
            chunk.protocol, chunk.user_data = 51, bytes(1_000)
            sctp._local_tsn = (sctp._local_tsn + 1) % (1 << 32)
            try:
                await sctp._send_chunk(chunk)
            except ConnectionError:
                break
            await asyncio.sleep(0)  # or packets are lost on the way
        async with asyncio.timeout(SOON):
            while caller.peer.connectionState != "closed":
                await asyncio.sleep(0.02)


async def test_a_client_that_opens_channel_after_channel_is_hung_up_on() -> None:
    async with serving() as server, calling(server.http) as caller:
        for number in range(MOST_CHANNELS + 1):
            caller.peer.createDataChannel(f"{number}")
        async with asyncio.timeout(SOON):
            while caller.peer.connectionState != "closed":
                await asyncio.sleep(0.02)
        async with httpx.AsyncClient() as http:
            assert (await http.post(f"{server.http}{caller.location}/hangup")).status_code == 404

"""A server that is told to end lets nobody in, finishes what is under way, and does not wait forever."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from polytalk.config import ServerSettings
from tests.support.server import SOON, Server, serving

LONG = "On and on it goes. " * 6
"""Some two seconds to say."""


async def told_to_end(server: Server) -> None:
    """As a supervisor tells it, once it is noticed."""
    os.kill(os.getpid(), signal.SIGTERM)
    async with asyncio.timeout(SOON), httpx.AsyncClient() as http:
        while (await http.get(f"{server.http}/readyz")).json()["status"] != "draining":
            await asyncio.sleep(0.01)


async def event(client: ClientConnection, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(SOON):
        while (found := json.loads(await client.recv()))["type"] != kind:
            pass
    return dict(found)


async def test_a_turn_under_way_is_finished_and_nothing_new_begins() -> None:
    async with serving(reply=LONG) as server, httpx.AsyncClient(base_url=server.http) as http:
        idle = await connect(server.ws)
        client = await connect(server.ws)
        await client.send('{"type": "response.create"}')
        await event(client, "response.output_audio.delta")
        await told_to_end(server)
        asked = {"model": "llm", "messages": [{"role": "user", "content": "Hi"}]}
        refused = await http.post("/v1/chat/completions", json=asked)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
        assert refused.headers["retry-after"] == "5"
        await idle.send('{"type": "response.create"}')
        late = (await event(idle, "response.done"))["response"]
        assert late["status_details"]["error"]["code"] == "at_capacity"
        assert (await event(client, "response.done"))["response"]["status"] == "completed"
        for each in (client, idle):
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(_to_the_end(each), SOON)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012


async def _to_the_end(client: ClientConnection) -> None:
    while True:
        await client.recv()


@pytest.mark.parametrize("again", [False, True])
async def test_what_takes_too_long_is_broken_off_and_a_second_signal_ends_the_wait(again: bool) -> None:
    seconds = 60.0 if again else 0.2
    async with serving(reply=LONG * 20, server=ServerSettings(drain_seconds=seconds)) as server:
        client = await connect(server.ws)
        await client.send('{"type": "response.create"}')
        await event(client, "response.output_audio.delta")
        if again:
            await told_to_end(server)
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(ConnectionClosed):
            await asyncio.wait_for(_to_the_end(client), SOON)
        assert client.close_code == 1012

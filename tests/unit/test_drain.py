"""A server that is told to end lets nobody in, finishes what is under way, and does not wait forever."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from polytalk.config import ClipSettings, ServerSettings, Settings, StoreSettings
from polytalk.store.store import opened
from tests.support.caller import Caller, calling
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


async def test_a_call_a_turn_and_a_clip_under_way_each_end_as_they_should(tmp_path: Path) -> None:
    """The call's answer and the socket's are finished, the call is hung up and the socket told to come back; the clip
    is made by the next process."""
    settings: dict[str, Any] = {
        "store": StoreSettings(url=SecretStr(f"sqlite:///{tmp_path}/store.db")),
        "clips": ClipSettings(folder=tmp_path / "clips"),
        "server": ServerSettings(drain_seconds=30.0),
    }
    async with opened(Settings(**settings)):
        pass
    async with serving(reply=LONG, **settings) as server, httpx.AsyncClient(base_url=server.http) as http:
        server.synthesise.delay = 3600.0
        ordered = await http.post("/v1/videos", json={"prompt": "Hi.", "size": "128x128"})
        video = f"/v1/videos/{ordered.json()['id']}"
        async with asyncio.timeout(SOON):
            while not server.synthesise.busy:
                await asyncio.sleep(0.01)
        client = await connect(server.ws)
        async with calling(server.http) as caller:
            await client.send('{"type": "response.create"}')
            caller.asks()
            await event(client, "response.output_audio.delta")
            await caller.until("output_audio_buffer.started")
            await told_to_end(server)
            again = Caller()
            sdp = {"content-type": "application/sdp"}
            refused = await http.post("/v1/realtime/calls", content=await again.offer(), headers=sdp)
            await again.close()
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "not_ready")
            assert (await event(client, "response.done"))["response"]["status"] == "completed"
            assert (await caller.until("response.done"))["response"]["status"] == "completed"
            with suppress(ConnectionClosed):
                await asyncio.wait_for(_to_the_end(client), SOON)
            assert client.close_code == 1012
            async with asyncio.timeout(SOON):
                while caller.peer.connectionState != "closed":
                    await asyncio.sleep(0.02)
    async with serving(**settings) as server, httpx.AsyncClient(base_url=server.http) as http:
        async with asyncio.timeout(SOON):
            while (found := (await http.get(video)).json()).get("status") != "completed":
                await asyncio.sleep(0.05)
        assert float(found["seconds"]) > 0

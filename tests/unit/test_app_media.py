"""The media socket on a real port: who gets it, who does not, and that it goes when the call goes."""

import asyncio
import json
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from polytalk.media.boxes import samples
from tests.support.server import SOON, Server, serving
from tests.unit.test_app import events_until

AVATAR = {"output_protocol": "media", "video": {"resolution": {"width": 64, "height": 64}}}


async def asked(client: ClientConnection) -> dict[str, str]:
    """Ask for a media socket; where it is."""
    update = {"type": "session.update", "session": {"type": "realtime", "avatar": AVATAR}}
    await client.send(json.dumps(update))
    *_, updated = await events_until(client, "session.updated")
    where: dict[str, str] = updated["session"]["avatar"]["media"]
    return where


def media(server: Server, where: dict[str, str], token: str | None = None) -> Any:
    offered = [Subprotocol("polytalk.media"), Subprotocol(f"polytalk.token.{token or where['token']}")]
    return connect(f"ws://{server.host}{where['url']}", subprotocols=offered)


async def drain(socket: ClientConnection) -> None:
    while True:
        await socket.recv()


async def test_a_wrong_token_is_refused_before_the_upgrade() -> None:
    async with serving() as server, connect(server.ws) as client:
        where = await asked(client)
        for token in ("wrong", "x"):
            with pytest.raises(InvalidStatus) as refused:
                async with media(server, where, token):
                    pass
            assert refused.value.response.status_code == 401
        with pytest.raises(InvalidStatus) as refused:
            async with media(server, {"url": "/v1/realtime/media?session=sess_none", "token": where["token"]}):
                pass
        assert refused.value.response.status_code == 401


async def test_an_answer_comes_as_a_film_and_the_socket_ends_with_the_call() -> None:
    async with serving() as server, connect(server.ws) as client:
        where = await asked(client)
        async with media(server, where) as film, asyncio.timeout(SOON):
            assert film.subprotocol == "polytalk.media"
            for event in (
                {"type": "conversation.item.create", "item": {"role": "user", "content": [TEXT]}},
                {"type": "response.create"},
            ):
                await client.send(json.dumps(event))
            begun = json.loads(await film.recv())
            assert begun["type"] == "media.begin"
            init, first = await film.recv(), await film.recv()
            assert init[4:8] == b"ftyp"
            assert {part.track for part in samples(first)} == {1, 2}
            await events_until(client, "response.done")
            await client.close()
            with pytest.raises(ConnectionClosed) as closed:
                await drain(film)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1001
            assert "over" in closed.value.rcvd.reason


TEXT = {"type": "input_text", "text": "Is it?"}

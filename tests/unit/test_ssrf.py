"""No address that a tenant sends is called, looked up or followed, wherever it stands."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import msgspec
import pytest
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from websockets.asyncio.client import connect

from polytalk.config import ClipSettings
from polytalk.engines.base import CHAT_EXTRAS
from polytalk.engines.remote import Remote, RemoteOptions
from polytalk.errors import BadInput, EngineFailed
from polytalk.gateway.rest.chat import wanted_of
from polytalk.gateway.rest.chat_types import ChatRequest
from tests.support.peer import peering
from tests.support.photographs import CONSENT, face, pretend_model
from tests.support.server import SOON, Server, serving


class Victim:
    """Something inside, which only the server reaches."""

    def __init__(self) -> None:
        self.called = 0
        self.url = ""

    async def answer(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.called += 1
        writer.close()


@pytest.fixture
async def victim() -> AsyncIterator[Victim]:
    found = Victim()
    listener = await asyncio.start_server(found.answer, "127.0.0.1", 0)
    found.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}/x.wav"
    async with listener:
        yield found


def chats(url: str) -> list[dict[str, Any]]:
    """Bodies for chat."""
    parts: list[dict[str, Any]] = [
        {"type": "image_url", "image_url": {"url": url}},
        {"type": "input_audio", "input_audio": {"data": url, "format": "wav"}},
        {"type": "file", "file": {"file_url": url}},
        {"type": "input_image", "image_url": url},
    ]
    plain = {"model": "llm", "messages": [{"role": "user", "content": "Hi"}]}
    return [
        *({"model": "llm", "messages": [{"role": "user", "content": [part]}]} for part in parts),
        plain | {"tools": [{"type": "mcp", "server_url": url, "server_label": "x"}]},
        plain | {"response_format": {"type": "json_schema", "json_schema": {"schema": {"$ref": url}}}},
        *(plain | {name: url} for name in ("base_url", "webhook", "callback_url", "api_base")),
        plain | {"model": url},
    ]


def sessions(url: str) -> list[dict[str, Any]]:
    """What a session may be given."""
    return [
        {"tools": [{"type": "mcp", "server_url": url, "server_label": "x"}]},
        {"avatar": {"character": "mira", "video": {"background": {"image_url": url}}}},
        {"avatar": {"character": url, "ice_servers": [{"urls": [url.replace("http", "turn")]}]}},
        {"prompt": {"id": url}},
        {"audio": {"output": {"voice": url}}},
        {"audio": {"input": {"transcription": {"model": url}}}},
        {"webhook": url, "base_url": url, "llm": {"base_url": url}},
    ]


PLAYLISTS = (
    "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{url}\n#EXT-X-ENDLIST\n",
    "ffconcat version 1.0\nfile '{url}'\n",
    '<?xml version="1.0"?><MPD><Period><AdaptationSet><BaseURL>{url}</BaseURL></AdaptationSet></Period></MPD>',
    '<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
    "v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n",
    "{url}",
)


async def refused_or_done(server: Server, url: str) -> None:
    """Everything with the address in it, by HTTP."""
    async with httpx.AsyncClient(base_url=server.http, headers={"referer": url, "x-forwarded-host": url}) as http:
        for body in chats(url):
            assert (await http.post("/v1/chat/completions", json=body)).status_code < 500
        for body in ({"voice": url}, {"instructions": url}, {"input": url}, {"url": url}):
            asked = {"model": "tts", "input": "Hi."} | body
            assert (await http.post("/v1/audio/speech", json=asked)).status_code < 500
        for session in sessions(url):
            assert (await http.post("/v1/realtime/client_secrets", json={"session": session})).status_code < 500
        for playlist in PLAYLISTS:
            text = playlist.format(url=url)
            for path, field, form in (
                ("/v1/audio/transcriptions", "file", {"model": "asr", "url": url}),
                ("/v1/videos", "audio", {"prompt": "Title"}),
                ("/v1/avatars", "image", {"name": "Ann", "consent": CONSENT}),
            ):
                answer = await http.post(path, data=form, files={field: ("x.m3u8", text.encode())})
                assert 400 <= answer.status_code < 500, (path, answer.text)
        for path, field in (
            ("/v1/audio/transcriptions", "file"),
            ("/v1/avatars", "image"),
            ("/v1/avatars", "image_url"),
        ):
            answer = await http.post(path, data={"name": "Ann", "consent": CONSENT, "model": "asr", field: url})
            assert 400 <= answer.status_code < 500, (path, answer.text)
        for field in ("audio", "input_reference", "background", "model", "voice"):
            answer = await http.post("/v1/videos", data={"prompt": "Hi.", field: url})
            assert 400 <= answer.status_code < 500, (field, answer.text)
        said = await http.post("/v1/videos", json={"prompt": f'<audio src="{url}"/> {url}', "size": "128x128"})
        assert said.status_code in (200, 400)


async def test_no_address_in_a_request_is_called(victim: Victim, tmp_path: Any) -> None:
    pretend_model(tmp_path / "cache", face(gap=0.05))
    folders = {"cache_folder": tmp_path / "cache", "avatars_folder": tmp_path / "avatars"}
    clips = ClipSettings(folder=tmp_path / "clips", at_once=0)
    async with serving(clips=clips, **folders) as server:
        await refused_or_done(server, victim.url)
    assert victim.called == 0
    async with httpx.AsyncClient() as http:  # it would have noticed
        with pytest.raises(httpx.TransportError):
            await http.get(victim.url)
    assert victim.called == 1


async def test_no_address_in_a_conversation_is_called(victim: Victim) -> None:
    url = victim.url
    items = [{"type": "input_image", "image_url": url}, {"type": "input_file", "file_url": url}]
    async with serving() as server, connect(server.ws) as client:
        for session in sessions(url):
            await client.send(json.dumps({"type": "session.update", "session": {"type": "realtime"} | session}))
        for item in items:
            created = {"type": "message", "role": "user", "content": [item]}
            await client.send(json.dumps({"type": "conversation.item.create", "item": created}))
        for playlist in PLAYLISTS:
            audio = {"type": "input_audio_buffer.append", "audio": playlist.format(url=url)}
            await client.send(json.dumps(audio))
        await client.send('{"type": "input_audio_buffer.clear"}')
        async with asyncio.timeout(SOON):
            while json.loads(await client.recv())["type"] != "input_audio_buffer.cleared":
                pass
    assert victim.called == 0


def test_no_engine_is_asked_to_call_an_address() -> None:
    """Some servers of models do, for tools that name one."""
    for kind in ("mcp", "web_search", "", None):
        body = {"model": "x", "messages": [{"role": "user", "content": "Hi"}], "tools": [{"type": kind}]}
        asked = msgspec.convert(body, ChatRequest)
        with pytest.raises(BadInput) as refused:
            wanted_of(asked, 100, CHAT_EXTRAS)
        assert refused.value.param == "tools[0].type"


async def test_an_engine_s_server_that_sends_us_elsewhere_is_not_followed(victim: Victim) -> None:
    with peering() as (peer, base):

        async def elsewhere(_: Request) -> Response:
            return RedirectResponse(victim.url, 307)

        peer.handler = elsewhere
        remote = Remote(RemoteOptions(base_url=base, model="x", retries=0), "llm")
        remote.open()
        with pytest.raises(EngineFailed):
            async with remote.post("chat/completions", {}):
                pass
        assert len(peer.requests) == 1
        remote.close()
    assert victim.called == 0

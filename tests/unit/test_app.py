"""The gateway on a real port: its routes, who it refuses and how, and a conversation with the openai package."""

import asyncio
import base64
import json
import socket
from contextlib import closing, suppress
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from pydantic import SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from polytalk.config import Limits, ServerSettings, TenantSettings
from polytalk.errors import ConfigError
from polytalk.gateway.server import bind
from polytalk.media.pcm import silence
from polytalk.types import SPEECH_RATE
from tests.support.server import SOON, Server, serving
from tests.support.sound import voice


async def events_until(client: ClientConnection, kind: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(SOON):
        while not found or found[-1]["type"] != kind:
            found.append(json.loads(await client.recv()))
    return found


async def refusal(server: Server, query: str = "", **headers: str) -> tuple[int, dict[str, Any], httpx.Headers]:
    """How a handshake is refused."""
    with pytest.raises(InvalidStatus) as refused:
        async with connect(server.ws + query, additional_headers=headers):
            pass
    response = refused.value.response
    return (
        response.status_code,
        json.loads(response.body or b"")["error"],
        httpx.Headers(list(response.headers.raw_items())),
    )


# --- refusals ------------------------------------------------------------------------------------------------------


async def test_refusals_come_before_the_upgrade_and_say_why() -> None:
    async with serving() as server:
        status, error, _ = await refusal(server, origin="https://evil.example")
        assert (status, error["code"]) == (403, "origin_not_allowed")
        status, error, _ = await refusal(server, query="?model=nobody")
        assert (status, error["code"]) == (404, "model_not_found")
        assert "mira" in error["message"]


async def test_a_full_server_refuses_with_the_time_to_come_back_and_a_place_that_is_left_is_free() -> None:
    async with serving(limits=Limits(max_sessions=1)) as server:
        async with connect(server.ws) as client:
            await events_until(client, "session.created")
            status, error, headers = await refusal(server)
            assert (status, error["code"], error["type"]) == (503, "at_capacity", "server_error")
            assert 1 <= int(headers["retry-after"]) <= 120
        async with asyncio.timeout(SOON):
            while server.runtime.gate.admission.leases:
                await asyncio.sleep(0)
        for _ in range(3):  # each takes the place that the one before gave back
            async with connect(server.ws) as client:
                await events_until(client, "session.created")
            await until_left(server)


async def until_left(server: Server) -> None:
    """Wait until the server has noticed that its client is gone."""
    async with asyncio.timeout(SOON), httpx.AsyncClient() as http:
        while "polytalk_sessions 0" not in (await http.get(f"{server.http}/metrics")).text:
            await asyncio.sleep(0)


async def test_a_server_that_still_starts_says_so() -> None:
    async with serving(ready=False) as server, httpx.AsyncClient() as http:
        assert (await http.get(f"{server.http}/healthz")).json() == {"status": "ok"}
        starting = await http.get(f"{server.http}/readyz")
        assert (starting.status_code, starting.json()["status"]) == (503, "starting")
        status, error, headers = await refusal(server)
        assert (status, error["code"], headers["retry-after"]) == (503, "not_ready", "5")


def test_a_port_that_is_taken_is_an_error_that_names_another() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"can't listen on 127.0.0.1:{port}.*--port {port + 1}"):
            bind(ServerSettings(port=port))


# --- routes --------------------------------------------------------------------------------------------------------


async def test_what_there_is_to_choose_from() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        avatars = (await http.get("/v1/avatars")).json()["data"]
        assert avatars[0]["id"] == "mira"
        assert {avatar["id"] for avatar in avatars} == {"mira", "theo"}
        assert {avatar["voice"] for avatar in avatars} <= {"vera", "wei"}
        bundle = await http.get(avatars[0]["bundle"])
        assert bundle.headers["content-type"] == "application/json"
        assert bundle.json()
        voices = (await http.get("/v1/voices")).json()["data"]
        assert [voice["id"] for voice in voices] == ["vera", "wei"]
        models = (await http.get("/v1/models")).json()["data"]
        assert [model["id"] for model in models[:5]] == ["mira", "theo", "llm", "tts", "asr"]
        assert {"avatar-1", "tts-1", "whisper-1"} <= {model["id"] for model in models}
        assert (await http.get("/readyz")).json()["status"] == "ready"


PROBLEMS = [
    ("GET", "/v1/nothing", 404, "not_found"),
    ("GET", "/v1/avatars/nobody/bundle", 404, "model_not_found"),
    ("POST", "/v1/voices", 405, "method_not_allowed"),
    ("GET", "/%2e%2e/app.py", 404, "not_found"),
]


async def test_errors_have_the_one_body() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        for method, path, status, code in PROBLEMS:
            answer = await http.request(method, path)
            assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
            assert set(answer.json()["error"]) == {"message", "type", "param", "code"}


async def test_every_route_but_the_page_and_what_watches_it_wants_the_key() -> None:
    tenant = TenantSettings(name="acme", token=SecretStr("secret-of-acme"))
    async with serving(tenants=(tenant,)) as server, httpx.AsyncClient(base_url=server.http) as http:
        for path in ("/v1/models", "/v1/voices", "/v1/avatars", "/v1/avatars/mira/bundle", "/ops/bank"):
            assert (await http.get(path)).status_code == 401
        status, error, _ = await refusal(server)
        assert (status, error["code"]) == (401, "invalid_api_key")
        for path in ("/", "/healthz", "/readyz", "/metrics"):
            assert (await http.get(path)).status_code == 200
        http.headers["authorization"] = "Bearer secret-of-acme"
        for path in ("/v1/models", "/v1/voices", "/v1/avatars", "/v1/avatars/mira/bundle"):
            assert (await http.get(path)).status_code == 200
        assert (await http.get("/ops/bank")).status_code == 403
        async with connect(
            server.ws, subprotocols=[Subprotocol("realtime"), Subprotocol("openai-insecure-api-key.secret-of-acme")]
        ) as client:
            assert client.subprotocol == "realtime"
            await events_until(client, "session.created")


async def test_preflights_of_listed_origins_are_answered() -> None:
    asked = {"access-control-request-method": "POST", "access-control-request-headers": "authorization,content-type"}
    settings = ServerSettings(allowed_origins=("https://app.example",))
    async with serving(ready=False, server=settings) as server, httpx.AsyncClient(base_url=server.http) as http:
        answer = await http.options("/v1/avatars", headers=asked | {"origin": "https://app.example"})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, "https://app.example")
        assert "x-openai-agents-sdk" in answer.headers["access-control-allow-headers"].lower()
        seen = await http.get("/v1/voices", headers={"origin": "https://app.example"})
        assert "location" in seen.headers["access-control-expose-headers"].lower()
        stray = await http.options("/v1/avatars", headers=asked | {"origin": "https://evil.example"})
        assert "access-control-allow-origin" not in stray.headers


async def test_the_page_is_served_with_headers_that_guard_it() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        page = await http.get("/")
        assert page.headers["content-type"].startswith("text/html")
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        assert page.headers["cache-control"] == "no-cache"
        assert "content-security-policy" in (await http.get("/v1/nothing")).headers


# --- conversations -------------------------------------------------------------------------------------------------


NAMES = {"": "mira", "theo": "theo", "gpt-realtime": "mira", "gpt-4o-realtime-preview-2025": "mira", "avatar-1": "mira"}


async def test_clients_find_an_avatar_under_the_names_they_know() -> None:
    async with serving() as server:
        for name, avatar in NAMES.items():
            async with connect(f"{server.ws}?model={name}" if name else server.ws) as client:
                [created] = await events_until(client, "session.created")
                assert created["session"]["model"] == avatar


async def test_of_the_subprotocols_offered_realtime_is_chosen() -> None:
    async with serving() as server:
        offered: list[Any] = ["openai-beta.realtime-v1", "openai-insecure-api-key.ek_1", "realtime"]
        async with connect(server.ws, subprotocols=offered) as client:
            assert client.subprotocol == "realtime"
        async with connect(server.ws) as client:
            assert client.subprotocol is None


async def test_the_openai_package_holds_a_conversation() -> None:
    async with serving(reply="Yes, I can hear you.") as server:
        sdk = AsyncOpenAI(api_key="none", base_url=f"{server.http}/v1", websocket_base_url=f"ws://{server.host}/v1")
        async with asyncio.timeout(SOON), sdk.realtime.connect(model="mira") as connection:
            await connection.session.update(session={"type": "realtime", "audio": {"output": {"voice": "alloy"}}})
            said = voice(0.5) + silence(0.7, SPEECH_RATE)
            for at in range(0, len(said), 9_600):
                chunk = base64.b64encode(said[at : at + 9_600]).decode()
                await connection.input_audio_buffer.append(audio=chunk)
            audio, text = b"", ""
            async for event in connection:
                match event.type:
                    case "response.output_audio.delta":
                        audio += base64.b64decode(event.delta)
                    case "response.output_audio_transcript.delta":
                        text += event.delta
                    case "response.done":
                        assert event.response.status == "completed"
                        break
                    case "error":
                        pytest.fail(event.error.message)
            assert text == "Yes, I can hear you."
            assert len(audio) == pytest.approx(5 * 0.05 * SPEECH_RATE * 2, abs=2 * 960)
        await sdk.close()


async def test_what_a_client_sends_wrong_is_answered_and_the_conversation_goes_on() -> None:
    async with serving() as server, connect(server.ws) as client:
        await events_until(client, "session.created")
        for frame in ("{", b"\x00", "x" * ((1 << 20) + 1), '{"type": "nonsense"}'):
            await client.send(frame)
            assert len(await events_until(client, "error")) == 1
        await client.send('{"type": "response.create"}')
        assert (await events_until(client, "response.done"))[-1]["response"]["status"] == "completed"


async def test_a_client_that_vanishes_leaves_no_work_behind() -> None:
    async with serving(reply="On and on and on it goes. " * 100) as server:
        async with connect(server.ws) as client:
            await client.send('{"type": "response.create"}')
            await events_until(client, "response.output_audio.delta")
            client.transport.abort()
        await until_left(server)
        assert server.runtime.gate.admission.leases == {}


async def test_a_client_that_does_not_read_is_cut_off() -> None:
    async with serving(limits=Limits(outbox_events=10)) as server:
        client = await connect(server.ws)
        content = [{"type": "input_text", "text": "x" * 8_000}]
        item = {"id": "long", "type": "message", "role": "user", "content": content}
        await client.send(json.dumps({"type": "conversation.item.create", "item": item}))
        client.transport.pause_reading()
        with suppress(ConnectionClosed):
            for _ in range(4_000):  # until what comes back has filled the pipes and the outbox
                await client.send('{"type": "conversation.item.retrieve", "item_id": "long"}')
        await until_left(server)
        client.transport.abort()


async def test_a_server_that_ends_says_goodbye_to_those_who_talk() -> None:
    async with serving() as server:
        client = await connect(server.ws)
        await events_until(client, "session.created")
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(client.recv(), SOON)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012

"""A server with keys: administered over HTTP, talked to with client secrets, and what it remembers of that."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from openai import AsyncOpenAI
from openai.types.realtime import RealtimeSessionCreateRequestParam
from pydantic import SecretStr
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from polytalk.config import Settings, TenantSettings
from polytalk.gateway.app import create_app
from polytalk.gateway.status import Status
from polytalk.store.store import Store, opened
from tests.support.server import SOON, Server, serving
from tests.unit.test_app import events_until


@asynccontextmanager
async def house(settings: Settings, **more: Any) -> AsyncIterator[tuple[Server, httpx.AsyncClient, Store]]:
    """A server, a client with the first key, which is an admin's, and its store as a command has it."""
    async with opened(settings) as store:
        if not store.database.sqlite:
            async with store.database.writing() as connection:
                await connection.exec_driver_sql(
                    "TRUNCATE keys, tenants, avatars, client_secrets, sessions, turns, audit"
                )
        _, value = await store.keys.create("default", "the first", ("admin", "realtime", "avatars"))
        bearer = {"authorization": f"Bearer {value}"}
        async with (
            serving(store=settings.store, **more) as server,
            httpx.AsyncClient(base_url=server.http, headers=bearer) as http,
        ):
            yield server, http, store


async def made(http: httpx.AsyncClient, path: str, **body: Any) -> dict[str, Any]:
    answer = await http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def code_of(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_tenants_and_keys_are_administered_and_all_of_it_is_noted(store_settings: Settings) -> None:
    async with house(store_settings) as (server, http, _):
        tenant = await made(http, "/v1/admin/tenants", name="acme", tier="vip", entitlement=0.5)
        assert (tenant["tier"], tenant["source"]) == ("vip", "store")
        assert server.runtime.bank.accounts["acme"].entitlement == 0.5, "at once, here"
        key = await made(http, "/v1/admin/keys", tenant="acme", label="shop", expires_in=3600)
        bearer = {"authorization": f"Bearer {key.pop('value')}"}
        assert (key["tenant"], key["valid"], key["revoked_at"]) == ("acme", True, None)
        assert (await http.get("/v1/models", headers=bearer)).status_code == 200
        assert code_of(await http.get("/v1/admin/keys", headers=bearer)) == (403, "insufficient_scope")
        listed = (await http.get("/v1/admin/keys", params={"tenant": "acme"})).json()["data"]
        assert [one["id"] for one in listed] == [key["id"]]
        assert "digest" not in listed[0]
        changed = await http.patch(
            "/v1/admin/tenants/acme", json={"ceiling": 0.75, "limits": {"requests_per_minute": 900}}
        )
        assert (changed.json()["ceiling"], changed.json()["tier"]) == (0.75, "vip")
        new = await made(http, f"/v1/admin/keys/{key['id']}/rotate")
        assert code_of(await http.get("/v1/models", headers=bearer)) == (401, "invalid_api_key")
        bearer = {"authorization": f"Bearer {new['value']}"}
        assert (await http.get("/v1/models", headers=bearer)).status_code == 200
        assert (await http.delete(f"/v1/admin/keys/{new['id']}")).json()["valid"] is False
        assert code_of(await http.get("/v1/models", headers=bearer)) == (401, "invalid_api_key")
        assert (await http.delete("/v1/admin/tenants/acme")).json()["deleted"] is True
        assert (await http.get("/v1/admin/keys", params={"tenant": "acme"})).json()["data"] == []
        noted = (await http.get("/v1/admin/audit")).json()["data"]
        actions = ["tenant.remove", "key.revoke", "key.rotate", "tenant.change", "key.create", "tenant.add"]
        assert [act["action"] for act in noted] == actions
        first = (await http.get("/v1/admin/keys")).json()["data"][0]["id"]
        assert {(act["actor"], act["address"]) for act in noted} == {(first, "127.0.0.1")}
        assert noted[4]["details"]["tenant"] == "acme"
        assert "pt_" not in str([act["details"] for act in noted]).replace(new["id"], "")
        assert [act["action"] for act in (await http.get("/v1/admin/audit?limit=1")).json()["data"]] == actions[:1]


FAULTS = [
    ("POST", "tenants", {"name": "a b"}, 400, "invalid_value"),
    ("POST", "tenants", {"name": "default"}, 400, "invalid_value"),
    ("POST", "tenants", {"name": "rich", "entitlement": 99}, 400, "invalid_value"),
    ("POST", "tenants", {"name": "x", "tier": "gold"}, 400, "invalid_value"),
    ("POST", "tenants", {"name": "x", "colour": "red"}, 400, "invalid_value"),
    ("PATCH", "tenants/nobody", {}, 404, "tenant_not_found"),
    ("DELETE", "tenants/nobody", None, 404, "tenant_not_found"),
    ("POST", "keys", {"tenant": "nobody"}, 404, "tenant_not_found"),
    ("POST", "keys", {"tenant": "default", "scopes": ["everything"]}, 400, "invalid_value"),
    ("POST", "keys", {"tenant": "default", "expires_in": -1}, 400, "invalid_value"),
    ("DELETE", "keys/pt_000000000000", None, 404, "key_not_found"),
    ("GET", "sessions/sess_none", None, 404, "session_not_found"),
    ("DELETE", "sessions", None, 400, "invalid_value"),
    ("GET", "audit?limit=1000", None, 400, "invalid_value"),
    ("GET", "audit?before=yesterday", None, 400, "invalid_value"),
]


async def test_what_an_operator_can_not_do_is_said_and_not_noted(store_settings: Settings) -> None:
    async with house(store_settings) as (_, http, store):
        for method, path, body, status, code in FAULTS:
            answer = await http.request(method, f"/v1/admin/{path}", json=body)
            assert code_of(answer) == (status, code), (path, answer.text)
        assert await store.audit.page() == []


async def hold(client: ClientConnection) -> dict[str, Any]:
    """The session as it begins."""
    return dict((await events_until(client, "session.created"))[0]["session"])


def offers(value: str) -> list[Subprotocol]:
    return [Subprotocol("realtime"), Subprotocol(f"openai-insecure-api-key.{value}")]


async def test_a_browser_talks_with_a_client_secret_and_what_it_presets(store_settings: Settings) -> None:
    """Made with the openai package, as a tenant's server does."""
    async with house(store_settings) as (server, http, store):
        first = http.headers["authorization"].removeprefix("Bearer ")
        session: RealtimeSessionCreateRequestParam = {
            "type": "realtime",
            "model": "theo",
            "instructions": "Be brief.",
            "output_modalities": ["text"],
        }
        async with AsyncOpenAI(api_key=first, base_url=f"{server.http}/v1") as openai:
            secret = await openai.realtime.client_secrets.create(
                expires_after={"anchor": "created_at", "seconds": 30},
                session=session,
                extra_headers={"OpenAI-Safety-Identifier": "ann"},
            )
            assert secret.value.startswith("ek_")
            assert secret.session.type == "realtime"
            assert (secret.session.model, secret.session.instructions) == ("theo", "Be brief.")
            assert 20 < secret.expires_at - store.now() <= 30
        async with connect(f"{server.ws}?model=mira", subprotocols=offers(secret.value)) as client:
            assert client.subprotocol == "realtime"
            shown = await hold(client)
            assert (shown["model"], shown["instructions"]) == ("theo", "Be brief.")
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Who are you?"}]}
            await client.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await client.send('{"type": "response.create"}')
            await events_until(client, "response.done")
        bearer = {"authorization": f"Bearer {secret.value}"}
        for method, path in (
            ("POST", "/v1/realtime/client_secrets"),
            ("POST", "/v1/chat/completions"),
            ("GET", "/v1/admin/keys"),
        ):
            assert code_of(await http.request(method, path, headers=bearer, json={})) == (403, "insufficient_scope")
        assert (await http.get("/v1/avatars/mira/bundle", headers=bearer)).status_code == 200
        record = await remembered(http)
        assert (record["tenant"], record["user"], record["avatar"], record["turns"]) == ("default", "ann", "theo", 1)
        (turn,) = (await http.get(f"/v1/admin/sessions/{record['id']}")).json()["turns"]
        assert (turn["user_text"], turn["answer_text"], turn["heard_text"]) == (
            "Who are you?",
            "Yes, it is.",
            "Yes, it is.",
        )
        assert (await http.delete("/v1/admin/sessions?tenant=default&user=ann")).json()["deleted"] == 1
        assert (await http.get("/v1/admin/sessions")).json()["data"] == []
        assert [act["action"] for act in (await http.get("/v1/admin/audit")).json()["data"]] == [
            "sessions.delete",
            "session.read",
        ]


async def remembered(http: httpx.AsyncClient) -> dict[str, Any]:
    """The one session that is kept, once it is over."""
    async with asyncio.timeout(SOON):
        while True:
            found = (await http.get("/v1/admin/sessions")).json()["data"]
            if found and found[0]["ended_at"]:
                return dict(found[0])
            await asyncio.sleep(0.01)


WRONG_SECRETS = [
    ({"expires_after": {"anchor": "created_at", "seconds": 5}}, "expires_after.seconds"),
    ({"expires_after": {"anchor": "now", "seconds": 60}}, "expires_after.anchor"),
    ({"session": {"type": "transcription"}}, "session.type"),
    ({"session": {"model": 7}}, "session.model"),
    ({"session": {"audio": {"output": {"speed": 9}}}}, "session.audio.output.speed"),
]


async def test_a_client_secret_that_can_not_be_used_is_refused_when_it_is_made() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        for body, param in WRONG_SECRETS:
            answer = await http.post("/v1/realtime/client_secrets", json=body)
            assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
        answer = await http.post("/v1/realtime/client_secrets", json={"session": {"model": "nobody"}})
        assert code_of(answer) == (404, "model_not_found")


async def test_client_secrets_work_on_this_machine_without_keys_and_a_wrong_one_does_not() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        answer = await http.post("/v1/realtime/client_secrets", json={"session": {"model": "theo"}})
        value = answer.json()["value"]
        async with connect(server.ws, subprotocols=offers(value)) as client:
            assert (await hold(client))["model"] == "theo"
        wrong = value[:-1] + ("A" if value[-1] != "A" else "B")
        with pytest.raises(InvalidStatus) as refused:
            async with connect(server.ws, subprotocols=offers(wrong)):
                pass
        assert refused.value.response.status_code == 401


async def test_nothing_is_written_down_where_the_settings_say_so(tmp_path: Any) -> None:
    settings = Settings.model_validate({"store": {"url": f"sqlite:///{tmp_path}/s.db", "transcript_days": 0}})
    async with house(settings) as (server, http, store):
        async with connect(server.ws, additional_headers={"authorization": http.headers["authorization"]}) as client:
            await hold(client)
        await store.writer.drain(1.0)
        assert (await http.get("/v1/admin/sessions")).json()["data"] == []


async def test_a_database_that_is_lost_is_told_and_ends_no_conversation(tmp_path: Any) -> None:
    settings = Settings.model_validate({"store": {"url": f"sqlite:///{tmp_path}/s.db"}})
    async with house(settings) as (server, http, store):
        assert (await http.get("/readyz")).json()["store"] == "ok"
        async with connect(server.ws, additional_headers={"authorization": http.headers["authorization"]}) as client:
            await hold(client)
            async with store.database.writing() as connection:
                await connection.exec_driver_sql("ALTER TABLE meta RENAME TO gone")
                await connection.exec_driver_sql("ALTER TABLE turns RENAME TO gone_too")
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Who are you?"}]}
            await client.send(json.dumps({"type": "conversation.item.create", "item": item}))
            await client.send('{"type": "response.create"}')
            await events_until(client, "response.done")
            async with asyncio.timeout(SOON):
                while (await http.get("/readyz")).json()["store"] == "ok":
                    await asyncio.sleep(0.01)
            assert (await http.get("/readyz")).status_code == 200
            assert "polytalk_store_up 0.0" in (await http.get("/metrics")).text
            assert (await http.get("/v1/models")).status_code == 200, "its key is known"


OPEN = {"/", "/healthz", "/readyz", "/metrics", "/openapi.json"}
"""What anybody may ask for who reaches the port."""


async def test_there_is_no_route_that_forgot_to_ask_for_a_key() -> None:
    """Each route there is, whoever added it: without a key, and without a body that it would have read."""
    tenant = TenantSettings(name="acme", token=SecretStr("secret-of-acme"))
    async with serving(tenants=(tenant,)) as server, httpx.AsyncClient(base_url=server.http) as http:
        routes = create_app(server.runtime, Status()).routes
        asked = 0
        for route in routes:
            if not isinstance(route, Route | WebSocketRoute) or route.path in OPEN:
                continue
            path = re.sub(r"\{\w+(:\w+)?\}", "mira", route.path)
            if isinstance(route, WebSocketRoute):
                with pytest.raises(InvalidStatus) as refused:
                    async with connect(f"ws://{server.host}{path}"):
                        pass
                assert refused.value.response.status_code == 401, path
                continue
            for method in route.methods or ():
                answer = await http.request(method, path)
                assert answer.status_code == 401, (method, path, answer.text)
                assert (answer.headers["www-authenticate"], answer.headers["x-request-id"] != "") == ("Bearer", True)
                asked += 1
        assert asked > 40

"""Avatars of tenants: their own to them, and not there for others, whichever way they are asked for."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from polytalk.avatar.library import Library
from polytalk.config import Settings, StoreSettings, TenantSettings
from polytalk.store.store import opened
from tests.support.photographs import face, pretend_model, put
from tests.support.server import serving
from tests.unit.test_avatar_making import finished, send

TENANTS = tuple(TenantSettings(name=name, token=SecretStr(f"secret-of-{name}")) for name in ("acme", "other"))
ACME, OTHER = ({"authorization": f"Bearer secret-of-{name}"} for name in ("acme", "other"))


@pytest.fixture
async def folders(tmp_path: Path) -> dict[str, Any]:
    """A server of two tenants, one of whom has an avatar; no face that it is given can be used."""
    pretend_model(tmp_path / "cache", face(gap=0.4))
    store = StoreSettings(url=SecretStr(f"sqlite:///{tmp_path}/store.db"))
    put(Library(tmp_path / "avatars"), "secretary")
    async with opened(Settings(store=store)) as ours:
        await ours.owners.claim("secretary", "acme")
    folders = {"cache_folder": tmp_path / "cache", "avatars_folder": tmp_path / "avatars"}
    return {**folders, "tenants": TENANTS, "store": store}


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


async def test_a_tenants_avatar_is_its_own(folders: dict[str, Any]) -> None:
    async with (
        serving(**folders) as server,
        httpx.AsyncClient(base_url=server.http, headers=ACME) as acme,
        httpx.AsyncClient(base_url=server.http, headers=OTHER) as other,
    ):
        assert code(await send(other, id="secretary")) == (409, "avatar_exists"), "the one thing that tells of it"
        for path in ("", "/bundle", "/files/portrait.png", "/export"):
            assert code(await other.get(f"/v1/avatars/secretary{path}")) == (404, "model_not_found"), path
        assert code(await other.delete("/v1/avatars/secretary")) == (404, "model_not_found")
        for path in ("/v1/avatars", "/v1/models"):
            assert "secretary" not in (await other.get(path)).text
            assert "secretary" in (await acme.get(path)).text
        asked = {"model": "secretary", "messages": [{"role": "user", "content": "Hi"}]}
        refused = await other.post("/v1/chat/completions", json=asked)
        assert code(refused) == (404, "model_not_found")
        wrong = await other.post("/v1/chat/completions", json=asked | {"model": "nobody"})
        assert "secretary" not in wrong.text
        with pytest.raises(InvalidStatus) as closed:
            async with connect(f"{server.ws}?model=secretary", additional_headers=OTHER):
                pass
        assert closed.value.response.status_code == 404
        assert b"secretary," not in (closed.value.response.body or b"")
        async with connect(server.ws, additional_headers=OTHER) as client:
            await client.recv()
            avatar = {"character": "secretary"}
            await client.send(json.dumps({"type": "session.update", "session": {"type": "realtime", "avatar": avatar}}))
            error = json.loads(await client.recv())["error"]
            assert error["param"] == "session.avatar.character"
            assert "secretary" not in error["message"].partition(";")[2]
        async with connect(f"{server.ws}?model=secretary", additional_headers=ACME) as client:
            assert json.loads(await client.recv())["session"]["model"] == "secretary"
        assert (await acme.delete("/v1/avatars/secretary")).json()["deleted"] is True
        assert (await send(other, id="secretary")).status_code == 202, "the name is free again"


async def test_what_is_everybodys_is_seen_by_all_and_removed_by_operators(folders: dict[str, Any]) -> None:
    async with serving(**folders) as server, httpx.AsyncClient(base_url=server.http, headers=ACME) as acme:
        assert (await acme.get("/v1/avatars/theo")).status_code == 200
        assert code(await acme.delete("/v1/avatars/theo")) == (403, "avatar_shared")
        assert code(await acme.delete("/v1/avatars/nobody")) == (404, "model_not_found")


async def test_what_is_being_made_and_what_could_not_be_is_told_to_its_tenant_alone(folders: dict[str, Any]) -> None:
    async with (
        serving(**folders) as server,
        httpx.AsyncClient(base_url=server.http, headers=ACME) as acme,
        httpx.AsyncClient(base_url=server.http, headers=OTHER) as other,
    ):
        assert (await send(acme, id="boss")).status_code == 202
        assert code(await other.get("/v1/avatars/boss")) == (404, "model_not_found")
        assert (await finished(acme, "boss"))["status"] == "failed"
        assert code(await other.get("/v1/avatars/boss")) == (404, "model_not_found")
        assert code(await other.delete("/v1/avatars/boss")) == (404, "model_not_found")
        assert code(await send(other, id="boss")) == (409, "avatar_exists")
        assert (await acme.delete("/v1/avatars/boss")).status_code == 200
        assert (await send(other, id="boss")).status_code == 202

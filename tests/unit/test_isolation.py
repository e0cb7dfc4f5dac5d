"""What is a tenant's is not there for another one: every route with an id in its path, whoever added it."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from starlette.routing import Route
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from polytalk.avatar.library import Library
from polytalk.config import ClipSettings, Settings, StoreSettings, TenantSettings
from polytalk.gateway.app import create_app
from polytalk.gateway.status import Status
from polytalk.store.store import opened
from tests.support.caller import Caller
from tests.support.photographs import put
from tests.support.server import Server, serving

TENANTS = tuple(TenantSettings(name=name, token=SecretStr(f"secret-of-{name}")) for name in ("acme", "other"))
ACME, OTHER = ({"authorization": f"Bearer secret-of-{name}"} for name in ("acme", "other"))
OPERATORS = "/v1/admin/"
"""Their routes show everything, and take a scope that tenants' keys don't have."""
FILES = {"name": "portrait.png", "viewer": "rtc_nobody"}
"""Parts of a path that are nobody's by themselves."""


class Estate:
    """What acme has: ids by the route's own words for them."""

    def __init__(self, server: Server, ids: dict[str, str]) -> None:
        self.server = server
        self.ids = ids

    def path(self, route: Route, *, real: bool) -> str:
        """The route with an id of acme's, or with one that nobody has."""

        def id_of(match: "re.Match[str]") -> str:
            name = match[1]
            if name in FILES:
                return FILES[name]
            key = f"{route.path[: match.start()]}*"
            assert key in self.ids, f"{route.path}: say in this test whose {name} is"
            return self.ids[key] if real else self.ids[key][:-4] + "zzzz"

        return re.sub(r"\{(\w+)(?::\w+)?\}", id_of, route.path)


@pytest.fixture
async def estate(tmp_path: Path) -> AsyncIterator[Estate]:
    """A server on which acme has one of everything."""
    store = StoreSettings(url=SecretStr(f"sqlite:///{tmp_path}/store.db"))
    put(Library(tmp_path / "avatars"), "secretary")
    async with opened(Settings(store=store)) as ours:
        await ours.owners.claim("secretary", "acme")
        key, _ = await ours.keys.create("acme", "", ("realtime",))
    clips = ClipSettings(folder=tmp_path / "clips", at_once=0)
    async with (
        serving(avatars_folder=tmp_path / "avatars", tenants=TENANTS, store=store, clips=clips) as server,
        httpx.AsyncClient(base_url=server.http, headers=ACME) as acme,
    ):
        video = (await acme.post("/v1/videos", json={"prompt": "Hi.", "size": "128x128"})).json()["id"]
        caller = Caller()
        sdp = {"content-type": "application/sdp"}
        called = await acme.post("/v1/realtime/calls", content=await caller.offer(), headers=sdp)
        ids = {
            "/v1/avatars/*": "secretary",
            "/v1/models/*": "secretary",
            "/v1/videos/*": video,
            "/v1/realtime/calls/*": called.headers["location"].rpartition("/")[2],
            "/v1/admin/tenants/*": "acme",
            "/v1/admin/keys/*": key.id,
            "/v1/admin/sessions/*": "sess_of_acme",
        }
        yield Estate(server, ids)
        await caller.close()


def told(answer: httpx.Response, path: str) -> tuple[int, str]:
    """All that an answer tells; the client's own words are none of it."""
    body = answer.text
    for word in sorted(path.split("/"), key=len, reverse=True):
        body = body.replace(word, "…") if len(word) > 6 else body
    return answer.status_code, body


def routes_with_ids(server: Server) -> list[tuple[str, Route]]:
    app = create_app(server.runtime, Status())
    routes = [route for route in app.routes if isinstance(route, Route) and "{" in route.path]
    return [(method, route) for route in routes for method in sorted((route.methods or set()) - {"HEAD"})]


async def test_no_route_tells_a_tenant_that_anothers_is_there(estate: Estate) -> None:
    routes = routes_with_ids(estate.server)
    assert len(routes) > 15
    async with httpx.AsyncClient(base_url=estate.server.http, headers=OTHER) as other:
        for method, route in routes:
            real, guessed = estate.path(route, real=True), estate.path(route, real=False)
            body: dict[str, Any] = {"json": {}} if method in ("POST", "PATCH") else {}
            refused = await other.request(method, real, **body)
            expected = 403 if route.path.startswith(OPERATORS) else 404
            assert refused.status_code == expected, (method, real, refused.text)
            never = await other.request(method, guessed, **body)
            assert told(refused, real) == told(never, guessed), (method, real)
            if expected == 403:
                assert refused.json()["error"]["code"] == "insufficient_scope"


async def test_all_of_it_is_there_for_whose_it_is(estate: Estate) -> None:
    """Or else the ids of the other test would prove nothing."""
    last = sorted(routes_with_ids(estate.server), key=lambda one: (one[0] == "DELETE", "hangup" in one[1].path))
    async with (
        httpx.AsyncClient(base_url=estate.server.http, headers=ACME) as acme,
        httpx.AsyncClient(base_url=estate.server.http, headers=OTHER) as other,
    ):
        for method, route in last:
            path = estate.path(route, real=True)
            if not route.path.startswith(OPERATORS) and "{viewer}" not in route.path:
                refused = told(await other.request(method, path), path)
                assert told(await acme.request(method, path), path) != refused, (method, path)


async def test_no_list_names_what_is_anothers(estate: Estate) -> None:
    async with httpx.AsyncClient(base_url=estate.server.http, headers=OTHER) as other:
        for route in create_app(estate.server.runtime, Status()).routes:
            if isinstance(route, Route) and "{" not in route.path and "GET" in (route.methods or ()):
                text = (await other.get(route.path)).text
                if route.path != "/metrics":  # which is for operators
                    assert not [one for one in estate.ids.values() if one != "acme" and one in text], route.path


async def test_no_socket_tells_either(estate: Estate) -> None:
    for query in ("?model={}", "/media?session={}"):
        answers = []
        for name in ("secretary", "secretzzzz"):
            with pytest.raises(InvalidStatus) as refused:
                async with connect(estate.server.ws + query.format(name), additional_headers=OTHER):
                    pass
            response = refused.value.response
            answers.append((response.status_code, (response.body or b"").decode().replace(name, "…")))
        assert answers[0] == answers[1], query

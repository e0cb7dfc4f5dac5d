"""The document of the routes: it has all of them, names nothing that is not there, and answers are as it says."""

import asyncio
import re
from typing import Any

import httpx
import msgspec
from starlette.routing import Route, WebSocketRoute

from polytalk.config import Limits
from polytalk.gateway.app import create_app
from polytalk.gateway.described import DESCRIBED
from polytalk.gateway.problems import Problem
from polytalk.gateway.status import Status
from tests.support.server import SOON, Server, serving
from tests.unit.test_rest_audio import RECORDING
from tests.unit.test_rest_chat import HI


async def fetched(server: Server) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=server.http) as http:
        answer = await http.get("/openapi.json")
        assert answer.headers["content-type"] == "application/json"
        return dict(answer.json())


async def test_every_route_is_in_it_and_what_is_described_is_a_route() -> None:
    async with serving() as server:
        found = await fetched(server)
        routes = create_app(server.runtime, Status()).routes
    http = {(method, route.path) for route in routes if isinstance(route, Route) for method in route.methods or ()}
    sockets = {("GET", route.path) for route in routes if isinstance(route, WebSocketRoute)}
    wanted = {(method, route) for method, route in http | sockets if method != "HEAD"}
    told = {(method.upper(), path) for path, methods in found["paths"].items() for method in methods}
    assert told == {(method, re.sub(r":\w+\}", "}", path)) for method, path in wanted}
    assert set(DESCRIBED) <= http, "described, and not there"
    assert found["openapi"].startswith("3.1")


def places(value: Any) -> set[str]:
    """All references in it."""
    if isinstance(value, list):
        return {place for one in value for place in places(one)}
    if not isinstance(value, dict):
        return set()
    own = {value["$ref"]} if "$ref" in value else set()
    return own | {place for one in value.values() for place in places(one)}


async def test_what_it_refers_to_is_there_and_the_types_are_those_that_read() -> None:
    async with serving() as server:
        found = await fetched(server)
    schemas = found["components"]["schemas"]
    assert {place.removeprefix("#/components/schemas/") for place in places(found)} <= set(schemas)
    asked = schemas["ChatRequest"]
    assert asked["required"] == ["model", "messages"]
    assert asked["properties"]["temperature"]["anyOf"][0] == {"type": "number", "minimum": 0, "maximum": 2}
    form = found["paths"]["/v1/audio/transcriptions"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert {"file", "model", "timestamp_granularities[]"} <= set(form["schema"]["properties"])


ASKED: list[tuple[str, str, dict[str, Any], int]] = [
    ("GET", "/healthz", {}, 200),
    ("GET", "/readyz", {}, 200),
    ("GET", "/metrics", {}, 200),
    ("GET", "/openapi.json", {}, 200),
    ("GET", "/ops/bank", {}, 200),
    ("GET", "/ops/bank?entries=x", {}, 400),
    ("GET", "/v1/models", {}, 200),
    ("GET", "/v1/models/mira", {}, 200),
    ("GET", "/v1/models/nobody", {}, 404),
    ("GET", "/v1/voices", {}, 200),
    ("POST", "/v1/chat/completions", {"json": {"model": "llm", "messages": HI}}, 200),
    ("POST", "/v1/chat/completions", {"json": {"model": "llm"}}, 400),
    ("POST", "/v1/chat/completions", {"json": {"model": "x", "messages": HI}}, 404),
    ("POST", "/v1/chat/completions", {"json": {"model": "x" * 3_000}}, 413),
    ("POST", "/v1/chat/completions", {"data": {"model": "llm"}}, 415),
    ("POST", "/v1/audio/speech", {"json": {"model": "tts", "input": "Hi."}}, 200),
    ("POST", "/v1/audio/speech", {"json": {"model": "tts", "input": "***"}}, 400),
    ("POST", "/v1/audio/transcriptions", {"data": {"model": "asr"}, "files": {"file": RECORDING}}, 200),
    ("POST", "/v1/audio/transcriptions", {"data": {"model": "no"}, "files": {"file": RECORDING}}, 404),
    ("POST", "/v1/audio/transcriptions", {"data": {"model": "asr"}, "files": {"file": bytes(900_000)}}, 413),
    ("POST", "/v1/audio/translations", {}, 400),
    ("POST", "/v1/videos", {"json": {"prompt": "Hi."}}, 429),
    ("POST", "/v1/videos", {"json": {"prompt": ""}}, 400),
    ("GET", "/v1/videos", {}, 200),
    ("GET", "/v1/videos?limit=0", {}, 400),
    ("GET", "/v1/videos/video_1", {}, 404),
    ("GET", "/v1/videos/video_1/content", {}, 404),
    ("DELETE", "/v1/videos/video_1", {}, 404),
    ("POST", "/v1/realtime/client_secrets", {"json": {}}, 200),
    ("POST", "/v1/realtime/calls/rtc_1/hangup", {}, 404),
    ("POST", "/v1/realtime/calls", {"content": "v=1", "headers": {"content-type": "application/sdp"}}, 400),
    ("GET", "/v1/avatars/mira/idle?state=x", {}, 400),
    ("GET", "/v1/avatars", {}, 200),
    ("GET", "/v1/avatars/mira", {}, 200),
    ("GET", "/v1/avatars/mira/bundle", {}, 200),
    ("GET", "/v1/avatars/mira/preview.png", {}, 200),
    ("GET", "/v1/avatars/mira/export", {}, 200),
    ("GET", "/v1/avatars/mira/files/nothing", {}, 404),
    ("DELETE", "/v1/avatars/theo", {}, 409),
    ("GET", "/v1/avatars/nobody", {}, 404),
]


async def test_answers_are_as_it_says() -> None:
    limits = Limits(max_body_bytes=2_000, max_upload_bytes=500_000)
    async with serving(limits=limits, clips={"queue": 0}) as server, httpx.AsyncClient(base_url=server.http) as http:
        found = await fetched(server)
        async with asyncio.timeout(SOON):
            while (await http.get("/readyz")).status_code != 200:  # the store is opened beside
                await asyncio.sleep(0.01)
        for method, target, content, status in ASKED:
            answer = await http.request(method, target, **content)
            path = described(found, target.partition("?")[0])
            operation = found["paths"][path][method.lower()]
            assert answer.status_code == status, f"{method} {target}: {answer.text[:300]}"
            given = operation["responses"].get(str(status))
            assert given is not None, f"{method} {path} gives a {status} that is not told"
            assert answer.headers["content-type"].partition(";")[0] in given["content"], f"{method} {target}"
            if status >= 400:
                code = msgspec.json.decode(answer.content, type=Problem).error.code
                assert code in given["description"].split(", "), f"{method} {path}: {code}"
            elif operation_of := DESCRIBED.get((method, path)):
                kind = operation_of.gives[status].kind
                if kind is not None and "json" in answer.headers["content-type"]:
                    msgspec.json.decode(answer.content, type=kind)


def described(found: dict[str, Any], target: str) -> str:
    """The path of the document that a target is of."""
    for path in sorted(found["paths"], key=lambda path: path.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", path), target):
            return str(path)
    raise AssertionError(f"{target} is no path of the document")

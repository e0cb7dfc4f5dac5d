"""`GET /openapi.json`: the document of what the routes take and give, made from the types that they use."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute

from polytalk import __version__
from polytalk.gateway.described import DESCRIBED, GIVEN_UP_ON, Given, Operation
from polytalk.gateway.problems import Problem, status_of
from polytalk.gateway.rest.answers import Json

PLACE = "#/components/schemas/{name}"
_PARAMETER = re.compile(r"\{(\w+)(?::\w+)?\}")
_ERROR = {"$ref": PLACE.format(name="Problem")}
SOCKET = Operation("A WebSocket; docs/api.md has its events.", {101: Given("The socket is open.")}, codes=GIVEN_UP_ON)
BARE = Operation("", {200: Given("Done.")})


class OpenApi:
    """The route, and the document behind it."""

    def __init__(self) -> None:
        self._made: dict[str, Any] | None = None

    async def serve(self, request: Request) -> Response:
        """OpenAPI 3.1; made once, from the application's own routes."""
        if self._made is None:
            self._made = document(request.app.routes)
        return Json(self._made)


def document(routes: Iterable[BaseRoute]) -> dict[str, Any]:
    """All routes: those of `DESCRIBED` with what they take and give, any other by its path and methods."""
    kinds = [Problem, *dict.fromkeys(kind for operation in DESCRIBED.values() for kind in operation.kinds)]
    _, components = msgspec.json.schema_components(kinds, ref_template=PLACE)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        if isinstance(route, WebSocketRoute):
            paths.setdefault(_path(route.path), {})["get"] = _shown(route.path, SOCKET, components)
        elif isinstance(route, Route):
            for method in sorted((route.methods or set()) - {"HEAD"}):
                operation = DESCRIBED.get((method, route.path), BARE)
                paths.setdefault(_path(route.path), {})[method.lower()] = _shown(route.path, operation, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Polytalk",
            "version": __version__,
            "summary": "Talking digital humans: conversations, speech, transcripts, clips.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _path(path: str) -> str:
    return _PARAMETER.sub(r"{\1}", path)


def _shown(path: str, operation: Operation, components: Mapping[str, Any]) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PARAMETER.findall(path)
    ]
    parameters += [
        {"name": name, "in": "query", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in operation.query.items()
    ]
    shown: dict[str, Any] = {"summary": operation.summary, "parameters": parameters}
    if operation.scope is not None:
        scope = f"Takes a key with the scope {operation.scope}." if operation.scope else "Takes any key."
        shown |= {
            "security": [{"key": []}],
            "description": f"{scope} Not while there are no keys at all.",
        }
    content: dict[str, Any] = {}
    if operation.body is not None:
        content["application/json"] = {"schema": _reference(operation.body)}
    if operation.form is not None:
        content["multipart/form-data"] = {"schema": _form(operation, components)}
    if content:
        shown["requestBody"] = {"required": True, "content": content}
    shown["responses"] = {str(status): _answer(given) for status, given in operation.gives.items()}
    for code in operation.all_codes:
        answer = shown["responses"].setdefault(
            str(status_of(code)), {"description": "", "content": {"application/json": {"schema": _ERROR}}}
        )
        answer["description"] = ", ".join(filter(None, (answer["description"], code)))
    return shown


def _answer(given: Given) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "description": given.text,
        "headers": {"x-request-id": {"schema": {"type": "string"}}},
    }
    content: dict[str, Any] = {}
    if given.kind is not None:
        content["application/json"] = {"schema": _reference(given.kind)}
    for media_type in given.media_types:
        content[media_type] = {"schema": {"type": "string"}}
    if given.events:
        content["text/event-stream"] = {
            "schema": {"type": "string"},
            "x-events": [_reference(kind) for kind in given.events],
        }
    return shown | {"content": content} if content else shown


def _reference(kind: type[Any]) -> dict[str, Any]:
    return {"type": "object"} if kind is dict else {"$ref": PLACE.format(name=kind.__name__)}


def _form(operation: Operation, components: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the type, lists by the names that clients use, and the file."""
    assert operation.form is not None
    schema = components[operation.form.__name__]
    properties: dict[str, Any] = {
        f"{name}[]" if value.get("type") == "array" else name: value for name, value in schema["properties"].items()
    }
    if operation.file:
        properties[operation.file] = {"type": "string", "contentMediaType": "application/octet-stream"}
    required = [*schema.get("required", ()), *([operation.file] if operation.file_required else [])]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}

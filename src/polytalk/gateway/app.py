"""The gateway's routes."""

from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput
from polytalk.gateway.counter import BankCounter
from polytalk.gateway.door import Door
from polytalk.gateway.metrics import Metrics
from polytalk.gateway.pages import Pages, SecurityHeaders
from polytalk.gateway.problems import problem
from polytalk.gateway.realtime.endpoint import RealtimeEndpoint
from polytalk.gateway.status import Status

STATIC = Path(__file__).parent / "static"


def create_app(runtime: Runtime, status: Status) -> Starlette:
    """The ASGI application of one gateway."""
    catalogue = Catalogue(runtime)
    door = Door(runtime.settings.limits.max_sessions, runtime.settings.tenants)
    return Starlette(
        routes=[
            Route("/healthz", lambda _: JSONResponse({"status": "ok"})),
            Route("/readyz", status.readyz),
            Route("/metrics", Metrics(runtime, door, status).serve),
            Route("/ops/bank", BankCounter(runtime).serve),
            Route("/v1/models", catalogue.models),
            Route("/v1/avatars", catalogue.avatars),
            Route("/v1/avatars/{avatar}/bundle", catalogue.bundle),
            Route("/v1/voices", catalogue.voices),
            WebSocketRoute("/v1/realtime", RealtimeEndpoint(runtime, door, status).serve),
            Mount("/", Pages(directory=STATIC, html=True)),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={BadInput: _bad_input, 404: _not_found, 405: _not_allowed, 500: _failed},
    )


class Catalogue:
    """What there is to choose from."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def avatars(self, _: Request) -> JSONResponse:
        """All avatars, the default one first."""
        default = self._runtime.settings.avatar
        ordered = sorted(self._runtime.avatars.values(), key=lambda avatar: avatar.id != default)
        return _listing(
            {
                "id": avatar.id,
                "object": "avatar",
                "name": avatar.name,
                "voice": self._runtime.default_voice(avatar),
                "bundle": f"/v1/avatars/{avatar.id}/bundle",
            }
            for avatar in ordered
        )

    async def bundle(self, request: Request) -> Response:
        """One avatar's drawing."""
        avatar = self._runtime.avatar(request.path_params["avatar"])
        return Response(avatar.json, media_type="application/json", headers={"cache-control": "no-cache"})

    async def voices(self, _: Request) -> JSONResponse:
        """All voices."""
        return _listing(
            {
                "id": voice.id,
                "object": "voice",
                "name": voice.name,
                "languages": list(voice.languages),
                "gender": voice.gender,
            }
            for voice in self._runtime.voices.all()
        )

    async def models(self, _: Request) -> JSONResponse:
        """The avatars, as the `model` names that clients ask for."""
        return _listing(
            {"id": avatar, "object": "model", "created": 0, "owned_by": "polytalk"} for avatar in self._runtime.avatars
        )


def _listing(rows: Any) -> JSONResponse:
    return JSONResponse({"object": "list", "data": list(rows)})


async def _bad_input(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadInput)
    return problem(404 if error.detail == "model_not_found" else 400, error.message, error.detail, param=error.param)


async def _not_found(request: Request, _: Exception) -> JSONResponse:
    return problem(404, f"there is nothing at {request.url.path}", "not_found")


async def _not_allowed(request: Request, _: Exception) -> JSONResponse:
    return problem(405, f"{request.method} is not supported at {request.url.path}", "method_not_allowed")


async def _failed(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "the server failed on this request", "server_error", "server_error")

"""The gateway's routes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute

from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput
from polytalk.gateway.auth import Auth
from polytalk.gateway.avatars import Avatars
from polytalk.gateway.counter import BankCounter
from polytalk.gateway.door import Door
from polytalk.gateway.keys import SettingsKeys
from polytalk.gateway.metrics import Metrics
from polytalk.gateway.pages import Pages, SecurityHeaders
from polytalk.gateway.problems import problem
from polytalk.gateway.realtime.endpoint import RealtimeEndpoint
from polytalk.gateway.realtime.media_endpoint import MediaEndpoint
from polytalk.gateway.realtime.media_line import MediaFeeds
from polytalk.gateway.status import Status

STATIC = Path(__file__).parent / "static"
STATUSES = {
    "model_not_found": 404,
    "file_not_found": 404,
    "avatar_exists": 409,
    "avatar_in_use": 409,
    "picture_too_large": 413,
}
"""Of bad input, by its code; 400 for the rest."""


def create_app(runtime: Runtime, status: Status) -> Starlette:
    """The ASGI application of one gateway."""
    catalogue = Catalogue(runtime)
    door = Door(runtime.settings.limits.max_sessions)
    auth = Auth(runtime.settings.server, SettingsKeys(runtime.settings.tenants))
    avatars = Avatars(runtime, auth)
    feeds = MediaFeeds(runtime.settings.video.queue_bytes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with avatars.builds.running():
            yield

    return Starlette(
        routes=[
            Route("/healthz", lambda _: JSONResponse({"status": "ok"})),
            Route("/readyz", status.readyz),
            Route("/metrics", Metrics(runtime, door, status).serve),
            Route("/ops/bank", BankCounter(runtime, auth).serve),
            Route("/v1/models", auth.guard((), catalogue.models)),
            *avatars.routes(),
            Route("/v1/voices", auth.guard((), catalogue.voices)),
            WebSocketRoute("/v1/realtime", RealtimeEndpoint(runtime, auth, door, status, feeds).serve),
            WebSocketRoute("/v1/realtime/media", MediaEndpoint(feeds, auth).serve),
            Mount("/", Pages(directory=STATIC, html=True)),
        ],
        lifespan=lifespan,
        middleware=[Middleware(SecurityHeaders), cors(runtime.settings.server.allowed_origins)],
        exception_handlers={BadInput: _bad_input, 404: _not_found, 405: _not_allowed, 500: _failed},
    )


def cors(origins: Sequence[str]) -> Middleware:
    """Answers preflights, and lets pages of these origins read answers; a key they send themselves, never a cookie."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "x-openai-agents-sdk"],
        expose_headers=["location", "retry-after", "x-request-id"],
    )


class Catalogue:
    """What there is to choose from."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

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


async def _bad_input(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, BadInput)
    answer = problem(STATUSES.get(error.detail, 400), error.message, error.detail, param=error.param)
    if answer.status_code == 413 and "content-length" not in request.headers:
        answer.headers["connection"] = "close"  # or what has no end would be read on, and thrown away
    return answer


async def _not_found(request: Request, _: Exception) -> JSONResponse:
    return problem(404, f"there is nothing at {request.url.path}", "not_found")


async def _not_allowed(request: Request, _: Exception) -> JSONResponse:
    return problem(405, f"{request.method} is not supported at {request.url.path}", "method_not_allowed")


async def _failed(_: Request, __: Exception) -> JSONResponse:
    return problem(500, "the server failed on this request", "server_error", "server_error")

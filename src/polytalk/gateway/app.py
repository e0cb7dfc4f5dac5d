"""The gateway's routes."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute

from polytalk.dialogue.runtime import Runtime
from polytalk.errors import PolytalkError
from polytalk.gateway.admin import AdminRoutes
from polytalk.gateway.auth import Auth
from polytalk.gateway.avatars import Avatars
from polytalk.gateway.counter import BankCounter
from polytalk.gateway.door import Door
from polytalk.gateway.keyring import KeyRing
from polytalk.gateway.metrics import Metrics
from polytalk.gateway.openapi import OpenApi
from polytalk.gateway.pages import Pages, SecurityHeaders
from polytalk.gateway.problems import answer_to, problem
from polytalk.gateway.rations import HEADERS, Rations
from polytalk.gateway.realtime.client_secrets import ClientSecretsEndpoint
from polytalk.gateway.realtime.endpoint import RealtimeEndpoint
from polytalk.gateway.realtime.media_endpoint import MediaEndpoint
from polytalk.gateway.realtime.media_line import MediaFeeds
from polytalk.gateway.realtime.sessions import Sessions
from polytalk.gateway.request_ids import RequestIds
from polytalk.gateway.rest.routes import Rest
from polytalk.gateway.status import Status
from polytalk.gateway.webrtc.calls import Calls
from polytalk.store.admin import Admin
from polytalk.store.store import Store

STATIC = Path(__file__).parent / "static"


def create_app(runtime: Runtime, status: Status) -> Starlette:
    """The ASGI application of one gateway."""
    door = Door(runtime.settings.limits.max_sessions)
    store = Store(runtime.settings)
    status.store, status.store_opened = (lambda: store.wrong), store.opened.is_set
    keys = KeyRing(runtime.settings, store, runtime.shares)
    rations = Rations(runtime.settings.quotas)
    auth = Auth(runtime.settings.server, keys, rations)
    sessions = Sessions(runtime, rations, store.writer.put if runtime.settings.store.transcript_days else None)
    secrets = ClientSecretsEndpoint(sessions, store.secrets)
    avatars = Avatars(runtime, auth, store.owners)
    rest = Rest(runtime, auth, status, store.clips)
    calls = Calls(runtime, sessions, auth, door, status)
    feeds = MediaFeeds(runtime.settings.video.queue_bytes)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with store.running(), keys.running(), avatars.builds.running(), rest.jobs.running(), calls.running():
            yield

    return Starlette(
        routes=[
            Route("/healthz", lambda _: JSONResponse({"status": "ok"})),
            Route("/openapi.json", OpenApi().serve),
            Route("/readyz", status.readyz),
            Route("/metrics", auth.watched(Metrics(runtime, door, status, store, calls.watching).serve)),
            Route("/ops/bank", BankCounter(runtime, auth).serve),
            *avatars.routes(),
            *AdminRoutes(store, auth, Admin(store, runtime.settings)).routes(),
            *rest.routes(),
            *calls.routes(),
            WebSocketRoute("/v1/realtime", RealtimeEndpoint(runtime, sessions, auth, door, status, feeds).serve),
            Route("/v1/realtime/client_secrets", auth.guard("realtime", secrets.create), methods=["POST"]),
            WebSocketRoute("/v1/realtime/media", MediaEndpoint(feeds, auth).serve),
            Mount("/", Pages(directory=STATIC, html=True)),
        ],
        lifespan=lifespan,
        middleware=[Middleware(RequestIds), Middleware(SecurityHeaders), cors(runtime.settings.server.allowed_origins)],
        exception_handlers={
            PolytalkError: _told,
            ClientDisconnect: _gone,
            404: _not_found,
            405: _not_allowed,
        },
    )


def cors(origins: Sequence[str]) -> Middleware:
    """Answers preflights, and lets pages of these origins read answers; a key they send themselves, never a cookie."""
    return Middleware(
        CORSMiddleware,
        allow_origins=origins,
        allow_methods=["GET", "POST", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "x-openai-agents-sdk"],
        expose_headers=["location", "retry-after", "x-request-id", *HEADERS],
    )


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, PolytalkError)
    answer = answer_to(error)
    if answer.status_code == 413 and "content-length" not in request.headers:
        answer.headers["connection"] = "close"  # or what has no end would be read on, and thrown away
    return answer


async def _gone(_: Request, __: Exception) -> Response:
    return Response(status_code=499)  # nobody reads it


async def _not_found(request: Request, _: Exception) -> JSONResponse:
    return problem(404, f"there is nothing at {request.url.path}", "not_found")


async def _not_allowed(request: Request, _: Exception) -> JSONResponse:
    return problem(405, f"{request.method} is not supported at {request.url.path}", "method_not_allowed")

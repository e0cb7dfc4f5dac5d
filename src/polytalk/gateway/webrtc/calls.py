"""`POST /v1/realtime/calls`: from an offer to a served call, and the calls there are."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message

from polytalk.dialogue.faces.resting import Resting
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput
from polytalk.gateway.auth import Auth
from polytalk.gateway.bodies import decode, read_bytes
from polytalk.gateway.door import Door
from polytalk.gateway.keys import Principal
from polytalk.gateway.realtime.avatar_options import Tracks
from polytalk.gateway.realtime.connection import Connection
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.session_patch import SessionPatch
from polytalk.gateway.realtime.sessions import Sessions
from polytalk.gateway.status import Status
from polytalk.gateway.webrtc.line import CallLine
from polytalk.gateway.webrtc.offer import INVALID, Offer, read
from polytalk.gateway.webrtc.peer import Peer
from polytalk.gateway.webrtc.stage import CallStage
from polytalk.gateway.webrtc.viewers import Viewers
from polytalk.schedule.admission import Places
from polytalk.schedule.congestion import Quality

log = logging.getLogger(__name__)

PATH: Final = "/v1/realtime/calls"
SDP: Final = "application/sdp"
SESSION_BYTES: Final = 64 << 10
"""Of the session object beside an offer."""


class CallSession(SessionPatch):
    """The session object that comes with an offer."""

    model: str | None = None


class Call:
    """One that was answered."""

    def __init__(
        self, peer: Peer, viewers: Viewers, connection: Connection, config: SessionConfig, principal: Principal
    ) -> None:
        self.id = new_id("rtc")
        self.peer = peer
        self.viewers = viewers
        self.connection = connection
        self.config = config
        self.principal = principal


class Calls:
    """Those of one gateway. `running` must be entered."""

    def __init__(self, runtime: Runtime, sessions: Sessions, auth: Auth, door: Door, status: Status) -> None:
        self._runtime = runtime
        self._settings = runtime.settings.webrtc
        self._auth = auth
        self._door = door
        self._status = status
        self._sessions = sessions
        self._resting = Resting(runtime.dispatcher, runtime.films, runtime.clock)
        self._viewers = Places(self._settings.viewers)
        self._calls: dict[str, Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """What there is below `/v1/realtime/calls`."""
        guard = partial(self._auth.guard, "realtime")
        return [
            Route(PATH, guard(self._create), methods=["POST"]),
            Route(f"{PATH}/{{id}}", guard(self._renegotiate), methods=["POST", "PATCH"]),
            Route(f"{PATH}/{{id}}/hangup", guard(self._hang_up), methods=["POST"]),
            Route(f"{PATH}/{{id}}/viewers", guard(self._watch), methods=["POST"]),
            Route(f"{PATH}/{{id}}/viewers/{{viewer}}/hangup", guard(self._stop_watching), methods=["POST"]),
        ]

    def watching(self) -> int:
        """Viewers of all calls."""
        return len(self._viewers.held)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Calls may come for as long as the context lasts; then those that are left are ended."""
        try:
            yield
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await self._resting.close()

    async def _create(self, request: Request) -> Response:
        if (refusal := self._status.refusal()) is not None:
            return refusal
        if not self._settings.enabled:
            raise BadInput("calls over WebRTC are turned off here; use the WebSocket at /v1/realtime", code="not_found")
        principal: Principal = request.state.principal
        sdp, session = await self._read(request)
        offer = read(sdp, self._auth.asker(request))
        model = session.model or request.query_params.get("model")
        config = self._sessions.configure(principal, model, Tracks(offer.codec))
        config.apply(session)
        lease = new_id("lease")
        if (full := self._door.enter(lease, self._auth.rations.of(principal))) is not None:
            return full
        try:
            call, answer = await self._answer(offer, config, principal)
        except BaseException:
            self._door.leave(lease)
            raise
        self._calls[call.id] = call
        task = asyncio.create_task(self._serve(call, lease))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return Response(answer, 201, {"location": f"{PATH}/{call.id}"}, SDP)

    async def _answer(self, offer: Offer, config: SessionConfig, principal: Principal) -> tuple[Call, str]:
        runtime, line = self._runtime, CallLine(events=offer.events)
        painter, metronome = runtime.kit.faces.painter, runtime.kit.metronome
        stage = CallStage(runtime.films, self._resting, painter, self._digest, metronome, runtime.clock, config)
        connection = Connection(
            line, runtime.settings.limits, config, stage.to, partial(self._sessions.rates, principal)
        )
        peer = Peer(self._settings, stage.cast, line, tuple(Quality), stage.bear)
        try:
            answer = await peer.answer(offer, pictures=config.film is not None)
        except BaseException:
            await peer.close()
            raise
        viewers = Viewers(self._settings, stage.cast, offer.codec if config.film else None, self._viewers)
        line.overheard = viewers.tell
        return Call(peer, viewers, connection, config, principal), answer

    async def _serve(self, call: Call, lease: str) -> None:
        """From the answer to the end, whoever brings it about."""
        try:
            try:
                async with asyncio.timeout(self._settings.setup_seconds):
                    await call.peer.connected()
            except TimeoutError:
                log.info("call %s: the client did not connect", call.id)
                return
            with self._sessions.open(call.principal, call.config, call.connection.emit) as session:
                await call.connection.serve(session)
        except Exception:
            log.exception("call %s failed", call.id)
        finally:
            del self._calls[call.id]
            self._door.leave(lease)
            await asyncio.gather(call.peer.close(), call.viewers.close())

    async def _hang_up(self, request: Request) -> Response:
        self._find(request).peer.hang_up()
        return Response()

    async def _watch(self, request: Request) -> Response:
        if (refusal := self._status.refusal()) is not None:
            return refusal
        call = self._find(request)
        sdp, _ = await self._read(request)
        viewer, answer = await call.viewers.add(read(sdp, self._auth.asker(request)))
        return Response(answer, 201, {"location": f"{PATH}/{call.id}/viewers/{viewer}"}, SDP)

    async def _stop_watching(self, request: Request) -> Response:
        self._find(request).viewers.hang_up(request.path_params["viewer"])
        return Response()

    async def _renegotiate(self, request: Request) -> Response:
        self._find(request)
        raise BadInput(
            "a call stays as it was agreed; hang up, and call again with the new offer",
            code="renegotiation_not_supported",
        )

    def _find(self, request: Request) -> Call:
        """Raises BadInput; to a tenant the calls of others are none."""
        call = self._calls.get(request.path_params["id"])
        principal: Principal = request.state.principal
        if call is None or call.principal.tenant.name != principal.tenant.name:
            raise BadInput("there is no such call; it may be over", code="call_not_found")
        return call

    def _digest(self, avatar: str) -> str:
        return self._runtime.avatar(avatar).digest

    async def _read(self, request: Request) -> tuple[str, CallSession]:
        """The offer, and the session object beside it. Raises BadInput."""
        most = self._settings.max_sdp_bytes
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == SDP:
            return _text(await read_bytes(request, most)), CallSession()
        if kind != "multipart/form-data":
            raise BadInput(
                f"send the offer as {SDP}, or as multipart/form-data with the fields sdp and session, not as "
                f"{kind[:100] or 'nothing'}",
                code="unsupported_media_type",
            )
        body = await read_bytes(request, most + SESSION_BYTES)
        fields = await _fields(request, body, max(most, SESSION_BYTES))
        if "sdp" not in fields:
            raise BadInput("the form has no field sdp", code="form_invalid", param="sdp")
        if len(fields["sdp"]) > most:
            raise BadInput(f"an offer may have {most} bytes", code="body_too_large", param="sdp")
        session = decode(fields["session"], CallSession) if fields.get("session") else CallSession()
        return _text(fields["sdp"]), session


async def _fields(request: Request, body: bytes, most: int) -> dict[str, bytes]:
    """Of a form that is here already; clients send its parts as fields or as files."""

    async def again() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    try:
        form = await Request(request.scope, again).form(max_files=4, max_fields=4, max_part_size=most)
    except HTTPException as error:
        raise BadInput(f"the form can't be read: {error.detail}", code="form_invalid") from None
    try:
        return {name: value.encode() if isinstance(value, str) else await value.read() for name, value in form.items()}
    finally:
        await form.close()


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadInput("an offer is UTF-8 text", code=INVALID, param="sdp") from None

"""`GET /v1/realtime?model=`: from the handshake to a served connection."""

from functools import partial

from starlette.websockets import WebSocket

from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.errors import BadInput
from polytalk.gateway.auth import Auth
from polytalk.gateway.door import Door
from polytalk.gateway.keys import Principal
from polytalk.gateway.problems import answer_to
from polytalk.gateway.realtime.connection import Connection
from polytalk.gateway.realtime.line import SocketLine
from polytalk.gateway.realtime.media_line import MediaFeeds
from polytalk.gateway.realtime.screen import Screen
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.sessions import Sessions
from polytalk.gateway.status import Status

SUBPROTOCOL = "realtime"


class RealtimeEndpoint:
    """Refuses before the upgrade, with a real HTTP status, or serves until the client leaves."""

    def __init__(
        self, runtime: Runtime, sessions: Sessions, auth: Auth, door: Door, status: Status, feeds: MediaFeeds
    ) -> None:
        self._runtime = runtime
        self._auth = auth
        self._door = door
        self._status = status
        self._feeds = feeds
        self._sessions = sessions

    async def serve(self, socket: WebSocket) -> None:
        """One handshake."""
        if (principal := await self._auth.admit(socket, "realtime")) is None:
            return
        if (refusal := self._status.refusal()) is not None:
            await socket.send_denial_response(refusal)
            return
        try:
            config = self._sessions.configure(principal, socket.query_params.get("model"))
        except BadInput as error:
            await socket.send_denial_response(answer_to(error))
            return
        holder = new_id("lease")
        if (full := self._door.enter(holder, self._auth.rations.of(principal))) is not None:
            await socket.send_denial_response(full)
            return
        try:
            await self._converse(socket, config, principal)
        finally:
            self._door.leave(holder)

    async def _converse(self, socket: WebSocket, config: SessionConfig, principal: Principal) -> None:
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        screen = partial(Screen, self._runtime.films, self._feeds, config)
        connection = Connection(
            SocketLine(socket), self._runtime.settings.limits, config, screen, partial(self._sessions.rates, principal)
        )
        with self._sessions.open(principal, config, connection.emit) as session:
            await connection.serve(session)

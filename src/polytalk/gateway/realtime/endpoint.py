"""`GET /v1/realtime?model=`: from the handshake to a served connection."""

from collections.abc import Iterator, Mapping
from functools import partial

from starlette.websockets import WebSocket

from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput
from polytalk.gateway.auth import Auth
from polytalk.gateway.door import Door
from polytalk.gateway.keys import Principal
from polytalk.gateway.names import Names
from polytalk.gateway.problems import problem
from polytalk.gateway.realtime.connection import Connection
from polytalk.gateway.realtime.line import SocketLine
from polytalk.gateway.realtime.media_line import MediaFeeds
from polytalk.gateway.realtime.screen import Screen
from polytalk.gateway.realtime.session_config import SessionConfig, default_detection
from polytalk.gateway.status import Status

SUBPROTOCOL = "realtime"


class RealtimeEndpoint:
    """Refuses before the upgrade, with a real HTTP status, or serves until the client leaves."""

    def __init__(self, runtime: Runtime, auth: Auth, door: Door, status: Status, feeds: MediaFeeds) -> None:
        self._runtime = runtime
        self._auth = auth
        self._door = door
        self._status = status
        self._feeds = feeds
        self._names = Names(runtime)

    async def serve(self, socket: WebSocket) -> None:
        """One handshake."""
        if (principal := await self._auth.admit(socket, "realtime")) is None:
            return
        if (refusal := self._status.refusal()) is not None:
            await socket.send_denial_response(refusal)
            return
        try:
            session = self._session_settings(socket.query_params.get("model"))
        except BadInput as error:
            await socket.send_denial_response(problem(404, error.message, error.detail))
            return
        holder = new_id("lease")
        if (full := self._door.enter(holder)) is not None:
            await socket.send_denial_response(full)
            return
        try:
            await self._converse(socket, session, principal)
        finally:
            self._door.leave(holder)

    async def _converse(self, socket: WebSocket, session: SessionSettings, principal: Principal) -> None:
        offered = socket.scope.get("subprotocols", [])
        await socket.accept(SUBPROTOCOL if SUBPROTOCOL in offered else None)
        voices = _DefaultVoices(self._runtime)
        settings = self._runtime.settings
        config = SessionConfig(settings, self._runtime.voices, voices, session, self._runtime.draws)
        screen = partial(Screen, self._runtime.films, self._feeds, config)
        connection = Connection(SocketLine(socket), settings.limits, config, screen)
        await connection.serve(self._runtime.open_session(session, connection.emit, principal.tenant))

    def _session_settings(self, model: str | None) -> SessionSettings:
        settings = self._runtime.settings
        avatar = self._names.avatar(model)
        return SessionSettings(
            avatar=avatar.id,
            voice=self._runtime.default_voice(avatar),
            turn_detection=default_detection(settings.turn, settings.limits.max_utterance_seconds),
            max_tokens=settings.limits.max_reply_tokens,
        )


class _DefaultVoices(Mapping[str, str]):
    """The voice of each avatar, also of those that are added while a session goes on."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def __getitem__(self, avatar: str) -> str:
        return self._runtime.default_voice(self._runtime.avatars[avatar])

    def __iter__(self) -> Iterator[str]:
        return iter(self._runtime.avatars)

    def __len__(self) -> int:
        return len(self._runtime.avatars)

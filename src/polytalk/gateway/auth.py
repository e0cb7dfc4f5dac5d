"""Who may come in: the one way from a request to a `Principal`, for every HTTP route and socket.

REST routes are written with a guard, and read who asks from the request's state:

    Route("/v1/chat/completions", auth.guard("chat", handler), methods=["POST"])

    async def handler(request: Request) -> Response:
        principal = request.state.principal

Sockets ask before they accept, and have refused the client already when they get None:

    if (principal := await auth.admit(socket, "realtime")) is None:
        return

Everything else (a call by WebRTC, say) uses `check`. A scope of () lets any key in; several scopes, each key that has
one of them.
"""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from polytalk.clock import Clock, RealClock
from polytalk.config import ANYBODY, ServerSettings
from polytalk.dialogue.capacity.payer import Payer
from polytalk.errors import OverQuota, PolytalkError
from polytalk.gateway.address import asker, client_address, foreign_origin, from_here, is_local_name
from polytalk.gateway.keys import Keys, Need, Principal, wanted
from polytalk.gateway.problems import problem
from polytalk.gateway.rations import Rations
from polytalk.gateway.viewing import look_as
from polytalk.schedule.attempts import Attempts
from polytalk.schedule.turnstile import Turnstile
from polytalk.store.secret import id_of

log = logging.getLogger(__name__)

KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""How browsers, which can't set headers on a WebSocket, send a key."""
CLIENT_SECRET = "ek_"
"""How client secrets begin."""
USER_HEADER = "openai-safety-identifier"
"""How a tenant's server names the person it asks for."""
USER_CHARS = 256

Handler = Callable[[Request], Awaitable[Response]]


class Auth:
    """Looks at each request once, before anything else does."""

    def __init__(self, server: ServerSettings, keys: Keys, rations: Rations, clock: Clock | None = None) -> None:
        self._server = server
        self._keys = keys
        self.rations = rations
        self._clock = clock or RealClock()
        self.attempts = Attempts()
        self._turnstile = Turnstile()

    async def check(self, connection: HTTPConnection, need: Need) -> Principal | Response:
        """Who asks; or the answer for a client that may not, with a true status and the one error body.

        401 without a good key, 403 for a page of another origin or a key without the scope, 429 for an address that
        tried too many wrong keys, 503 when the store of keys can't be asked.
        """
        address = client_address(connection, self._server.trusted_proxies)
        try:
            found = await self._principal(connection, address)
        except PolytalkError as error:
            log.warning("a key can't be looked up: %s", error.message)
            return _later("keys can't be looked up now; try again soon", error.code)
        if isinstance(found, Response):
            return found
        if (lacking := _lacking(found, need)) is not None:
            return lacking
        look_as(found.tenant.name, self._keys.owners, everything="admin" in found.scopes)
        return replace(found, user=found.user or _user(connection, found), address=address)

    async def pass_by(self, connection: HTTPConnection) -> Response | None:
        """The refusal of a client that has another credential than a key (a session's own token), or None."""
        address = client_address(connection, self._server.trusted_proxies)
        try:
            keys_exist = await self._keys.exist()
        except PolytalkError as error:
            return _later("keys can't be looked up now; try again soon", error.code)
        return self._impatient(address) or (self._stray(connection) if keys_exist else self._alone(connection))

    def asker(self, connection: HTTPConnection) -> str:
        """Where the client is; empty where that is not certain."""
        return asker(connection, self._server.trusted_proxies)

    def failed(self, connection: HTTPConnection) -> None:
        """What a client that passed by gave for a credential is none."""
        self.attempts.failed(client_address(connection, self._server.trusted_proxies), self._clock.now())

    async def admit(self, socket: WebSocket, need: Need) -> Principal | None:
        """Who asks for a socket; None when it was refused, with an HTTP status instead of the upgrade."""
        found = await self.check(socket, need)
        if not isinstance(found, Response):
            ration = self.rations.of(found)
            try:
                ration.request()
            except OverQuota as error:
                found = ration.refusal(error)
        if isinstance(found, Response):
            await socket.send_denial_response(await self._in_turn(socket, found))
            return None
        return found

    async def operator(self, connection: HTTPConnection) -> Response | None:
        """The refusal of a client that is no operator: a key with the scope admin, or none while there are no keys."""
        found = await self.check(connection, ())
        if isinstance(found, Response):
            return found
        return None if found.anonymous else _lacking(found, "admin")

    async def look(self) -> None:
        """Take notice of a change that was just made to keys, tenants or owners. Raises PolytalkError."""
        await self._keys.look()

    @property
    def owners(self) -> Mapping[str, str]:
        """Avatar -> the tenant that it is of; those that are not there are everybody's."""
        return self._keys.owners

    def payer(self, tenant: str, key: str | None) -> Payer:
        """Who pays for work that was ordered earlier; whoever had no key, or is gone, pays nothing."""
        found = self._keys.tenant(tenant)
        known = found is not None and (key is not None or found.token is not None)
        return self.rations.of(Principal(found or ANYBODY, key, anonymous=not known)).payer

    def watched(self, handler: Handler) -> Handler:
        """The handler for this machine, for keys with the scope metrics or admin, and for all where settings say so."""

        async def guarded(request: Request) -> Response:
            if not self._server.open_metrics and self._alone(request) is not None:
                found = await self.check(request, ("metrics", "admin"))
                if isinstance(found, Response):
                    return await self._in_turn(request, found)
            return await handler(request)

        return guarded

    def guard(self, need: Need, handler: Handler) -> Handler:
        """The handler for those who may, as often as they may; it finds `request.state.principal` and, to tell what
        the work was, `request.state.ration`."""

        async def guarded(request: Request) -> Response:
            found = await self.check(request, need)
            if isinstance(found, Response):
                return await self._in_turn(request, found)
            ration = self.rations.of(found)
            request.state.principal, request.state.ration = found, ration
            try:
                ration.request()
                response = await handler(request)
            except OverQuota as error:
                return await self._in_turn(request, ration.refusal(error))
            ration.tell(response.headers)
            return response

        return guarded

    async def _in_turn(self, connection: HTTPConnection, refusal: Response) -> Response:
        """The refusal, when it is its turn: a client that is refused as fast as it asks would hurt those who talk."""
        address = client_address(connection, self._server.trusted_proxies)
        if (wait := self._turnstile.refuse(address, self._clock.now())) > 0:
            await asyncio.sleep(wait)
        return refusal

    def _alone(self, connection: HTTPConnection) -> Response | None:
        """Without keys only this machine may enter, by its own name, and no page of another origin."""
        if not from_here(connection, self._server.trusted_proxies):
            return _unknown("this server has no keys yet, so it serves clients on its own machine only")
        name = connection.headers.get("host", "")
        if not is_local_name(name):  # a page may have had its own name pointed at this machine (DNS rebinding)
            return problem(403, f"{name[:100]!r} is no name of this machine; use localhost", "host_not_allowed")
        return self._stray(connection)

    def _stray(self, connection: HTTPConnection) -> Response | None:
        origin = foreign_origin(connection, self._server.allowed_origins)
        if origin is None:
            return None
        return problem(403, f"pages of {origin[:100]} may not use this server", "origin_not_allowed")

    async def _principal(self, connection: HTTPConnection, address: str) -> Principal | Response:
        token = token_of(connection)
        if not await self._keys.exist():
            if (refusal := self._alone(connection)) is not None:
                return refusal
            if not (id_of(token) or "").startswith(CLIENT_SECRET):  # SDKs send some key in any case
                return Principal(anonymous=True)
            found = await self._known(token, address)
            return replace(found, anonymous=True) if isinstance(found, Principal) else found
        return self._stray(connection) or await self._known(token, address)

    async def _known(self, token: str, address: str) -> Principal | Response:
        if not token:
            return _unknown("this server wants a key: send Authorization: Bearer <key>")
        if (known := self._keys.recall(token)) is not None:  # others behind the same address may have failed
            return known
        if (refusal := self._impatient(address)) is not None:
            return refusal
        if (found := await self._keys.find(token)) is not None:
            return found
        self.attempts.failed(address, self._clock.now())
        return _unknown("there is no such key, or it is not valid any more")

    def _impatient(self, address: str) -> Response | None:
        wait = self.attempts.wait(address, self._clock.now())
        if wait <= 0:
            return None
        text = f"too many wrong keys came from this address; try again in {math.ceil(wait)} s"
        answer = problem(429, text, "too_many_attempts", "rate_limit_error")
        answer.headers["retry-after"] = str(math.ceil(wait))
        return answer


def token_of(connection: HTTPConnection) -> str:
    """The key that a client gave, by header or subprotocol; empty without one."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = connection.scope.get("subprotocols", [])
    return next((name.removeprefix(KEY_SUBPROTOCOL) for name in offered if name.startswith(KEY_SUBPROTOCOL)), "")


def _lacking(principal: Principal, need: Need) -> Response | None:
    if principal.may(need):
        return None
    scopes = " or ".join(wanted(need))
    return problem(403, f"this key lacks the scope {scopes}", "insufficient_scope", "permission_error")


def _user(connection: HTTPConnection, principal: Principal) -> str | None:
    """The person whom the tenant's own server asks for; the holder of a client secret can't say who it is."""
    given = connection.headers.get(USER_HEADER, "").strip()
    return given[:USER_CHARS] or None if not principal.ephemeral else None


def _unknown(text: str) -> Response:
    answer = problem(401, text, "invalid_api_key", "authentication_error")
    answer.headers["www-authenticate"] = "Bearer"
    return answer


def _later(text: str, code: str) -> Response:
    answer = problem(503, text, code, "server_error")
    answer.headers["retry-after"] = "5"
    return answer

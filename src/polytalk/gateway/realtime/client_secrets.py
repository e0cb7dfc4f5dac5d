"""`POST /v1/realtime/client_secrets`: what a tenant's server gives a browser instead of its key."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from polytalk.dialogue.ids import new_id
from polytalk.gateway.bodies import read_json
from polytalk.gateway.keys import Principal
from polytalk.gateway.problems import problem
from polytalk.gateway.realtime.sessions import Sessions
from polytalk.store.keys import ClientSecrets

BODY_BYTES = 65_536


class ExpiresAfter(Struct):
    """How long it can begin sessions; those that have begun go on."""

    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Meta(ge=10, le=7200)] = 600


class ClientSecretRequest(Struct):
    """All of it may be left out."""

    expires_after: ExpiresAfter | None = None
    session: dict[str, Any] | None = None


class ClientSecretsEndpoint:
    """The route."""

    def __init__(self, sessions: Sessions, secrets: ClientSecrets) -> None:
        self._sessions = sessions
        self._secrets = secrets

    async def create(self, request: Request) -> Response:
        """The secret, once, and the session that it will begin. Raises BadInput, StoreLost."""
        principal: Principal = request.state.principal
        if principal.ephemeral:
            return problem(403, "a client secret can't make another", "insufficient_scope", "permission_error")
        asked = await read_json(request, ClientSecretRequest, BODY_BYTES)
        preset = asked.session or {}
        as_it_will_be = Principal(principal.tenant, session=preset)
        config = self._sessions.configure(as_it_will_be, None)  # what is wrong is told now, not to the browser later
        lifetime = (asked.expires_after or ExpiresAfter()).seconds
        secret, value = await self._secrets.create(
            principal.tenant.name, principal.key, principal.user, preset, lifetime
        )
        ends = int(secret.expires_at)
        shown = config.show(new_id("sess"), ends)
        return JSONResponse(
            {"value": value, "expires_at": ends, "session": shown}, headers={"cache-control": "no-store"}
        )

"""`/v1/admin`: tenants, keys, conversations, and what operators did. All of it takes the scope admin, and is noted."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from polytalk.errors import BadInput, StoreLost
from polytalk.gateway.auth import Auth
from polytalk.gateway.bodies import read_json
from polytalk.gateway.keys import Principal
from polytalk.gateway.rest.answers import Json
from polytalk.store.admin import Admin, Operator, shown_key, shown_tenant
from polytalk.store.base import MOST_ROWS
from polytalk.store.store import Store

BODY_BYTES = 65_536
UNSTORED = {"cache-control": "no-store"}
LIFETIME = Meta(gt=0, le=10 * 365 * 86_400)
"""Seconds."""


class TenantPatch(Struct, forbid_unknown_fields=True):
    """What a tenant is given; see `TenantSettings`."""

    tier: str | UnsetType = UNSET
    weight: float | UnsetType | None = UNSET
    entitlement: float | UnsetType = UNSET
    ceiling: float | UnsetType | None = UNSET
    lending_limit: float | UnsetType = UNSET
    limits: dict[str, float] | UnsetType = UNSET


class NewTenant(TenantPatch, forbid_unknown_fields=True, kw_only=True):
    """One to add."""

    name: str


class NewKey(Struct, forbid_unknown_fields=True):
    """One to make."""

    tenant: str
    label: Annotated[str, Meta(max_length=200)] = ""
    scopes: list[str] = []
    expires_in: Annotated[float, LIFETIME] | None = None


class Rotation(Struct, forbid_unknown_fields=True):
    """How long the old key goes on beside the new one, in seconds."""

    overlap: Annotated[float, Meta(ge=0, le=30 * 86_400)] = 0.0


class AdminRoutes:
    """Speaks HTTP; what is done is in `store.admin`, as the commands do it."""

    def __init__(self, store: Store, auth: Auth, admin: Admin) -> None:
        self._store = store
        self._auth = auth
        self._admin = admin

    def routes(self) -> list[Route]:
        """For the application."""
        at = "/v1/admin"
        return [
            self._route(f"{at}/tenants", "GET", self._tenants),
            self._route(f"{at}/tenants", "POST", self._add_tenant),
            self._route(f"{at}/tenants/{{tenant}}", "GET", self._tenant),
            self._route(f"{at}/tenants/{{tenant}}", "PATCH", self._change_tenant),
            self._route(f"{at}/tenants/{{tenant}}", "DELETE", self._remove_tenant),
            self._route(f"{at}/keys", "GET", self._keys),
            self._route(f"{at}/keys", "POST", self._create_key),
            self._route(f"{at}/keys/{{key}}", "GET", self._key),
            self._route(f"{at}/keys/{{key}}", "DELETE", self._revoke_key),
            self._route(f"{at}/keys/{{key}}/rotate", "POST", self._rotate_key),
            self._route(f"{at}/sessions", "GET", self._sessions),
            self._route(f"{at}/sessions", "DELETE", self._delete_sessions),
            self._route(f"{at}/sessions/{{session}}", "GET", self._session),
            self._route(f"{at}/sessions/{{session}}", "DELETE", self._delete_session),
            self._route(f"{at}/audit", "GET", self._audit),
        ]

    def _route(self, path: str, method: str, handle: Callable[[Request, Operator], Awaitable[Any]]) -> Route:
        async def handler(request: Request) -> Response:
            principal: Principal = request.state.principal
            answer = await handle(request, Operator(principal.key or principal.tenant.name, principal.address))
            if method != "GET":
                with suppress(StoreLost):  # it is done, and will be noticed later
                    await self._auth.look()
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            return Json(body, status, UNSTORED)

        return Route(path, self._auth.guard("admin", handler), methods=[method])

    async def _tenants(self, _: Request, __: Operator) -> Any:
        return _listing([shown_tenant(tenant, source) for tenant, source in await self._admin.tenants()])

    async def _tenant(self, request: Request, _: Operator) -> Any:
        return shown_tenant(*await self._admin.tenant(request.path_params["tenant"]))

    async def _add_tenant(self, request: Request, operator: Operator) -> Any:
        given = await read_json(request, NewTenant, BODY_BYTES)
        tenant = await self._admin.add_tenant(operator, given.name, _fields(given))
        return 201, shown_tenant(tenant, "store")

    async def _change_tenant(self, request: Request, operator: Operator) -> Any:
        given = await read_json(request, TenantPatch, BODY_BYTES)
        tenant = await self._admin.change_tenant(operator, request.path_params["tenant"], _fields(given))
        return shown_tenant(tenant, "store")

    async def _remove_tenant(self, request: Request, operator: Operator) -> Any:
        name = request.path_params["tenant"]
        await self._admin.remove_tenant(operator, name)
        return {"id": name, "object": "tenant.deleted", "deleted": True}

    async def _keys(self, request: Request, _: Operator) -> Any:
        keys = await self._store.keys.all(request.query_params.get("tenant"))
        return _listing([shown_key(key, self._store.now()) for key in keys])

    async def _key(self, request: Request, _: Operator) -> Any:
        return shown_key(await self._store.keys.get(request.path_params["key"]), self._store.now())

    async def _create_key(self, request: Request, operator: Operator) -> Any:
        given = await read_json(request, NewKey, BODY_BYTES)
        key, value = await self._admin.create_key(
            operator, given.tenant, given.label, tuple(given.scopes), given.expires_in
        )
        return 201, shown_key(key, self._store.now()) | {"value": value}

    async def _revoke_key(self, request: Request, operator: Operator) -> Any:
        return shown_key(await self._admin.revoke_key(operator, request.path_params["key"]), self._store.now())

    async def _rotate_key(self, request: Request, operator: Operator) -> Any:
        given = await read_json(request, Rotation, BODY_BYTES)
        key, value = await self._admin.rotate_key(operator, request.path_params["key"], given.overlap)
        return 201, shown_key(key, self._store.now()) | {"value": value}

    async def _sessions(self, request: Request, _: Operator) -> Any:
        query = request.query_params
        before = _number(query.get("before"), "before")
        found = await self._store.conversations.page(query.get("tenant"), query.get("user"), before, _limit(request))
        return _listing([msgspec.to_builtins(session) | {"object": "session"} for session in found])

    async def _session(self, request: Request, operator: Operator) -> Any:
        session, turns = await self._admin.read_session(operator, request.path_params["session"])
        shown = msgspec.to_builtins(session) | {"object": "session"}
        return shown | {"turns": [msgspec.to_builtins(turn) | {"object": "turn"} for turn in turns]}

    async def _delete_session(self, request: Request, operator: Operator) -> Any:
        name = request.path_params["session"]
        await self._admin.delete_session(operator, name)
        return {"id": name, "object": "session.deleted", "deleted": True}

    async def _delete_sessions(self, request: Request, operator: Operator) -> Any:
        tenant, user = request.query_params.get("tenant"), request.query_params.get("user")
        if not tenant:
            raise BadInput("say whose sessions: tenant=…, and user=… for one person's", param="tenant")
        gone = await self._admin.delete_sessions(operator, tenant, user)
        return {"object": "sessions.deleted", "deleted": gone}

    async def _audit(self, request: Request, _: Operator) -> Any:
        before = _number(request.query_params.get("before"), "before")
        acts = await self._store.audit.page(None if before is None else int(before), _limit(request))
        return _listing([msgspec.to_builtins(act) | {"object": "act"} for act in acts])


def _fields(given: TenantPatch) -> dict[str, Any]:
    named = {name: getattr(given, name) for name in TenantPatch.__struct_fields__}
    return {name: value for name, value in named.items() if value is not UNSET}


def _listing(rows: list[Any]) -> dict[str, Any]:
    return {"object": "list", "data": rows}


def _limit(request: Request) -> int:
    given = _number(request.query_params.get("limit"), "limit")
    if given is None:
        return MOST_ROWS
    if not 1 <= given <= MOST_ROWS or given != int(given):
        raise BadInput(f"limit must be 1 to {MOST_ROWS}, not {given:g}", param="limit")
    return int(given)


def _number(given: str | None, param: str) -> float | None:
    try:
        return None if given is None else float(given)
    except ValueError:
        raise BadInput(f"{param} must be a number, not {given!r:.40}", param=param) from None

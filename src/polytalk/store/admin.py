"""What operators do, by command or by request: checked, done, and noted in the audit log."""

import re
from typing import Any

from msgspec import Struct
from pydantic import ValidationError

from polytalk.config import ANYBODY, Settings, TenantSettings
from polytalk.errors import BadInput
from polytalk.store.conversations import SessionRecord, TurnRecord
from polytalk.store.keys import Key
from polytalk.store.store import Store

NAME = re.compile(r"\w[\w.-]{0,63}")
RESERVED = frozenset({ANYBODY.name, "house"})
"""Whoever gives no key, and the bank's own account."""
SCOPES = ("realtime", "chat", "audio", "videos", "avatars", "metrics", "admin")


class Operator(Struct, frozen=True):
    """Who does it."""

    name: str
    """A key's id, or `cli:` and a user's name."""
    address: str = ""


class Admin:
    """Raises BadInput for what can't be, StoreLost. An act is noted once it is done."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = {tenant.name: tenant for tenant in settings.tenants}
        self._cores = float(settings.cores)

    async def tenants(self) -> list[tuple[TenantSettings, str]]:
        """All, and where each comes from: `settings` or `store`."""
        stored = [tenant for tenant in await self._store.tenants.all() if tenant.name not in self._settings]
        named = [(tenant, "settings") for tenant in self._settings.values()] + [(one, "store") for one in stored]
        return sorted(named, key=lambda pair: pair[0].name)

    async def tenant(self, name: str) -> tuple[TenantSettings, str]:
        """One."""
        if (found := self._settings.get(name)) is not None:
            return found, "settings"
        return await self._store.tenants.get(name), "store"

    async def add_tenant(self, operator: Operator, name: str, fields: dict[str, Any]) -> TenantSettings:
        """A new one."""
        if not NAME.fullmatch(name) or name in RESERVED:
            raise BadInput(
                f"a tenant's name is 1 to 64 letters, digits, dots, dashes and underscores, and none of "
                f"{', '.join(sorted(RESERVED))}; not {name[:80]!r}",
                param="name",
            )
        if name in self._settings:
            raise BadInput(f"there is a tenant {name!r} already, in the settings", code="tenant_exists", param="name")
        tenant = await self._checked({"name": name, **fields})
        await self._store.tenants.add(tenant)
        await self._note(operator, "tenant.add", name, fields)
        return tenant

    async def change_tenant(self, operator: Operator, name: str, fields: dict[str, Any]) -> TenantSettings:
        """Other terms for one."""
        self._check_stored(name)
        before = await self._store.tenants.get(name)
        tenant = await self._checked(before.model_dump(exclude={"token"}) | fields)
        await self._store.tenants.change(tenant)
        await self._note(operator, "tenant.change", name, fields)
        return tenant

    async def remove_tenant(self, operator: Operator, name: str) -> None:
        """With its keys; what it said stays for its time, or until it is deleted."""
        self._check_stored(name)
        await self._store.tenants.remove(name)
        await self._note(operator, "tenant.remove", name)

    async def create_key(
        self, operator: Operator, tenant: str, label: str, scopes: tuple[str, ...], lifetime: float | None
    ) -> tuple[Key, str]:
        """A new key and its value. `lifetime` in seconds."""
        if tenant != ANYBODY.name:
            await self.tenant(tenant)
        if unknown := sorted(set(scopes) - set(SCOPES)):
            raise BadInput(f"there is no scope {unknown[0][:40]!r}; there are {', '.join(SCOPES)}", param="scopes")
        key, value = await self._store.keys.create(tenant, label, tuple(sorted(set(scopes))), lifetime)
        details = {"tenant": tenant, "label": label, "scopes": list(key.scopes), "expires_at": key.expires_at}
        await self._note(operator, "key.create", key.id, details)
        return key, value

    async def revoke_key(self, operator: Operator, name: str) -> Key:
        """It opens nothing any more."""
        key = await self._store.keys.revoke(name)
        await self._note(operator, "key.revoke", name, {"tenant": key.tenant})
        return key

    async def rotate_key(self, operator: Operator, name: str, overlap: float) -> tuple[Key, str]:
        """A new one in its place; the old one goes on for `overlap` seconds."""
        key, value = await self._store.keys.rotate(name, overlap)
        await self._note(operator, "key.rotate", name, {"tenant": key.tenant, "new": key.id, "overlap": overlap})
        return key, value

    async def read_session(self, operator: Operator, name: str) -> tuple[SessionRecord, list[TurnRecord]]:
        """What was said: that it was read is noted, too."""
        session, turns = await self._store.conversations.show(name)
        await self._note(operator, "session.read", name, {"tenant": session.tenant})
        return session, turns

    async def delete_session(self, operator: Operator, name: str) -> None:
        """One, with all that was said."""
        if not await self._store.conversations.delete(session=name):
            raise BadInput(f"there is no session {name[:80]!r}", code="session_not_found", param="session")
        await self._note(operator, "session.delete", name)

    async def delete_sessions(self, operator: Operator, tenant: str, user: str | None) -> int:
        """A tenant's, or one of its users'; how many."""
        gone = await self._store.conversations.delete(tenant=tenant, user=user)
        await self._note(operator, "sessions.delete", tenant, {"user": user, "sessions": gone})
        return gone

    async def _checked(self, fields: dict[str, Any]) -> TenantSettings:
        try:
            tenant = TenantSettings(**fields)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise BadInput(f"{name}: {first['msg']}", param=name) from None
        others = sum(one.entitlement for one, _ in await self.tenants() if one.name != tenant.name)
        if tenant.entitlement + others > self._cores + 1e-9:
            raise BadInput(
                f"{tenant.name} can't be entitled to {tenant.entitlement:g}: of {self._cores:g} cores "
                f"{self._cores - others:g} are left",
                param="entitlement",
            )
        return tenant

    def _check_stored(self, name: str) -> None:
        if name in self._settings:
            raise BadInput(f"the tenant {name!r} is in the settings; change it there", param="tenant")

    async def _note(self, operator: Operator, action: str, target: str, details: dict[str, Any] | None = None) -> None:
        await self._store.audit.note(operator.name, action, target, details, operator.address)


def shown_tenant(tenant: TenantSettings, source: str) -> dict[str, Any]:
    """For people and programs, without its token."""
    return {"object": "tenant", **tenant.model_dump(exclude={"token"}), "source": source}


def shown_key(key: Key, now: float) -> dict[str, Any]:
    """For people and programs; what opens is known to nobody."""
    fields = {name: getattr(key, name) for name in Key.__struct_fields__}
    return {"object": "key", **fields, "scopes": list(key.scopes), "valid": key.valid(now)}

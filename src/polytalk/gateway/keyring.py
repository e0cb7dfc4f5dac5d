"""The keys of the settings and of the store, kept in memory, and read anew when the store says that they changed."""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace

from sqlalchemy import update

from polytalk.config import ANYBODY, Settings, TenantSettings
from polytalk.dialogue.capacity.shares import Shares
from polytalk.errors import BadInput, StoreLost
from polytalk.gateway.keys import ORDINARY, SCOPES, Principal, SettingsKeys
from polytalk.store import tables
from polytalk.store.beside import beside
from polytalk.store.keys import Key
from polytalk.store.store import Store
from polytalk.store.writer import Write
from polytalk.types import Seconds

log = logging.getLogger(__name__)

LOOK_EVERY: Seconds = 2.0
"""How long a revoked key may go on opening."""
USED_EVERY: Seconds = 60.0
"""How exact a key's last use is."""
OPENING: Seconds = 5.0
"""How long a request waits for a store that is still being opened."""
KNOWN = 10_000
"""Keys and client secrets that are kept in memory …"""
AT_ONCE = 1_000
"""… and keys of these that are there before they are used: all, on most servers."""
EPHEMERAL = "ek_"


@dataclass(frozen=True)
class _Known:
    principal: Principal
    until: float
    """When it expires, in seconds since 1970."""


class KeyRing:
    """See `keys.Keys`. Also knows the tenants of the store, and whose avatars are."""

    def __init__(self, settings: Settings, store: Store, shares: Shares) -> None:
        self._settings = settings
        self._store = store
        self._shares = shares
        self._of_settings = SettingsKeys(settings.tenants)
        self._known: OrderedDict[str, _Known] = OrderedDict()
        """By the digest of the key."""
        self._used: dict[str, float] = {}
        self._revision: int | None = None
        self._asked_at = 0.0
        """When the store last answered."""
        self._loaded = asyncio.Event()
        self._exist = False
        self.tenants: dict[str, TenantSettings] = {tenant.name: tenant for tenant in settings.tenants}
        """Those of the settings and those of the store."""
        self.owners: dict[str, str] = {}
        """Avatar -> tenant; those that are not here are everybody's."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look at the store for as long as the context lasts."""
        async with beside(self._run()):
            yield
        self._note_use()

    async def exist(self) -> bool:
        """See Keys."""
        if self._exist or await self._of_settings.exist():
            return True
        try:
            async with asyncio.timeout(OPENING):
                await self._loaded.wait()
        except TimeoutError:
            raise StoreLost(f"it is not known whether there are keys: {self._store.trouble}") from None
        return self._exist

    def recall(self, token: str) -> Principal | None:
        """See Keys."""
        if (found := self._of_settings.recall(token)) is not None:
            return found
        name = hashlib.sha256(token.encode()).hexdigest()
        known = self._known.get(name)
        if known is None or self._store.now() >= known.until or self._lost_for() > self._settings.store.grace_seconds:
            return None
        self._known.move_to_end(name)
        self._use(known.principal)
        return known.principal

    async def find(self, token: str) -> Principal | None:
        """See Keys."""
        revision = self._revision
        known = await (self._secret(token) if token.startswith(EPHEMERAL) else self._key(token))
        if known is None:
            return None
        if revision == self._revision:  # else what was read may have been revoked since
            self._known[hashlib.sha256(token.encode()).hexdigest()] = known
            while len(self._known) > KNOWN:
                self._known.popitem(last=False)
        self._use(known.principal)
        return known.principal

    async def look(self) -> None:
        """Ask the store whether anything has changed; if so, read it anew. Raises StoreLost."""
        revision = await self._store.revision()
        self._asked_at = self._store.now()
        if revision == self._revision:
            return
        self._exist = await self._store.keys.exist()
        self.owners = await self._store.owners.all()
        stored = {tenant.name: tenant for tenant in await self._store.tenants.all()}
        self.tenants = stored | {tenant.name: tenant for tenant in self._settings.tenants}
        for refused in self._shares.set(self.tenants.values()):
            log.warning("%s", refused)
        self._refresh(await self._store.keys.valid(AT_ONCE))
        self._revision = revision
        self._loaded.set()

    def _refresh(self, keys: dict[str, Key]) -> None:
        """Know these keys, and of the client secrets that were known those whose key is among them, or have none."""
        opening = {key.id for key in keys.values()}
        now = self._store.now()
        kept: OrderedDict[str, _Known] = OrderedDict()
        for digest, known in self._known.items():
            old = known.principal
            if not old.ephemeral or known.until <= now:
                continue
            if (old.key is None or old.key in opening) and (tenant := self.tenant(old.tenant.name)):
                kept[digest] = _Known(replace(old, tenant=tenant), known.until)
        for digest, key in keys.items():
            if (made := self._known_key(key)) is not None:
                kept[digest] = made
        self._known = kept

    async def _run(self) -> None:
        await self._store.opened.wait()
        noted = self._store.now()
        while True:
            with suppress(StoreLost):  # the store tells of it
                await self.look()
            if self._store.now() - noted >= USED_EVERY:
                noted = self._store.now()
                self._note_use()
            await asyncio.sleep(LOOK_EVERY)

    async def _key(self, token: str) -> _Known | None:
        key = await self._store.keys.find(token)
        return None if key is None or not key.valid(self._store.now()) else self._known_key(key)

    def _known_key(self, key: Key) -> _Known | None:
        if (tenant := self.tenant(key.tenant)) is None:
            return None
        scopes = frozenset(scope for scope in SCOPES if scope in key.scopes) if key.scopes else ORDINARY
        return _Known(Principal(tenant, key.id, scopes), _end(key))

    async def _secret(self, token: str) -> _Known | None:
        secret = await self._store.secrets.find(token)
        if secret is None or self._store.now() >= secret.expires_at:
            return None
        if (tenant := self.tenant(secret.tenant)) is None:
            return None
        principal = Principal(tenant, secret.key, frozenset({"realtime"}), secret.user, secret.session, ephemeral=True)
        until = secret.expires_at
        if secret.key is not None:
            try:
                key = await self._store.keys.get(secret.key)
            except BadInput:
                return None
            if not key.valid(self._store.now()):
                return None
            until = min(until, _end(key))
        return _Known(principal, until)

    def tenant(self, name: str) -> TenantSettings | None:
        """See Keys."""
        return self.tenants.get(name) or (ANYBODY if name == ANYBODY.name else None)

    def _use(self, principal: Principal) -> None:
        if principal.key is not None:
            self._used[principal.key] = self._store.now()

    def _note_use(self) -> None:
        used, self._used = self._used, {}
        for key, at in used.items():
            statement = update(tables.keys).where(tables.keys.c.id == key).values(last_used_at=at)
            self._store.writer.put(Write("key_use", statement))

    def _lost_for(self) -> Seconds:
        return self._store.now() - self._asked_at


def _end(key: Key) -> float:
    return float("inf") if key.expires_at is None else key.expires_at

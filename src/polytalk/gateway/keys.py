"""Which keys there are, and what each of them opens."""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias, get_args

from polytalk.config import ANYBODY, TenantSettings

Scope: TypeAlias = Literal["realtime", "chat", "audio", "videos", "avatars", "metrics", "admin"]

SCOPES: frozenset[Scope] = frozenset(get_args(Scope))
ORDINARY: frozenset[Scope] = SCOPES - {"metrics", "admin"}
"""What a key opens that lists no scopes."""


@dataclass(frozen=True)
class Principal:
    """Who asks, as every route sees it."""

    tenant: TenantSettings = ANYBODY
    """Who pays: what `Runtime.open_session` takes."""
    key: str | None = None
    """The id of the key; None for a token of the settings, and for anonymous clients of this machine."""
    scopes: frozenset[Scope] = ORDINARY
    user: str | None = None
    """The tenant's own id of the person at the other end, if it gave one."""
    session: Mapping[str, Any] | None = field(default=None, hash=False)
    """What a client secret presets: a session object of the wire, applied before `session.created`."""
    anonymous: bool = False
    """Let in without a key, because there are none yet and the client is on this machine."""
    ephemeral: bool = False
    """Known by a client secret; it can't make another."""
    address: str = ""
    """Where the request came from, past trusted proxies."""

    def may(self, need: "Need") -> bool:
        """Whether one of the needed scopes is its own; nothing is needed with ()."""
        return not need or any(scope in self.scopes for scope in wanted(need))


Need: TypeAlias = Scope | tuple[Scope, ...]
"""A scope, or several of which one is enough; () is any key at all."""


def wanted(need: Need) -> tuple[Scope, ...]:
    """The scopes as a tuple."""
    return need if isinstance(need, tuple) else (need,)


class Keys(Protocol):
    """Where keys are kept."""

    async def exist(self) -> bool:
        """Whether there is any: from then on nobody comes in without one. Raises PolytalkError when it can't tell."""
        ...

    def recall(self, token: str) -> Principal | None:
        """Whose key it is, if that is known without asking anybody."""
        ...

    async def find(self, token: str) -> Principal | None:
        """Whose key it is; None when it opens nothing. Raises PolytalkError when that can't be told now."""
        ...

    async def look(self) -> None:
        """Take notice of a change that was just made to keys, tenants or owners. Raises PolytalkError."""
        ...

    def tenant(self, name: str) -> TenantSettings | None:
        """The one of this name, if there is one."""
        ...

    @property
    def owners(self) -> Mapping[str, str]:
        """Avatar -> the tenant that it is of; those that are not there are everybody's."""
        ...


class SettingsKeys:
    """The tokens of `[[tenants]]` in the settings."""

    def __init__(self, tenants: Sequence[TenantSettings]) -> None:
        self._named = {tenant.name: tenant for tenant in tenants}
        self._tenants = [(tenant.token.get_secret_value(), tenant) for tenant in tenants if tenant.token is not None]

    async def exist(self) -> bool:
        """See Keys."""
        return bool(self._tenants)

    async def find(self, token: str) -> Principal | None:
        """See Keys."""
        return self.recall(token)

    async def look(self) -> None:
        """See Keys."""

    def tenant(self, name: str) -> TenantSettings | None:
        """See Keys."""
        return self._named.get(name)

    @property
    def owners(self) -> Mapping[str, str]:
        """See Keys."""
        return {}

    def recall(self, token: str) -> Principal | None:
        """See Keys."""
        found = None
        for known, tenant in self._tenants:  # all of them, so that the time tells nothing
            if hmac.compare_digest(known.encode(), token.encode()):
                found = Principal(tenant)
        return found

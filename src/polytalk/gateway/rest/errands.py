"""What a request has done by the engines: with tenant, tier and deadline, admitted at the gate."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from polytalk.config import TenantSettings
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.gate import Gate
from polytalk.dialogue.ids import new_id
from polytalk.types import Tier

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Errands:
    """One a server."""

    def __init__(self, dispatcher: Dispatcher, gate: Gate) -> None:
        self._dispatcher = dispatcher
        self._gate = gate

    @asynccontextmanager
    async def admitted(self, tenant: TenantSettings) -> AsyncIterator[Scope]:
        """Wait for room, and hold it; leaving ends all that was asked for. Raises Shed."""
        key = new_id("errand")
        scope = Scope(self._dispatcher, key, 0, tenant.name, Tier(tenant.tier))
        try:
            await self._gate.enter(key, key, tenant.name, scope.tier, lambda _: None)
            yield scope
        finally:
            self._gate.leave(key)
            await scope.forget()

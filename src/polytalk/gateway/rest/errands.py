"""What a request has done by the engines: with tenant, tier and deadline, admitted at the gate."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from polytalk.dialogue.capacity.gate import Gate
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.ids import new_id
from polytalk.errors import Shed


class Uploads:
    """Files that are received and unpacked: few at once, since each is held in memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._most_each = max(1, most - most // 4)
        """Of a tenant, so that the slow files of one leave room for others'."""
        self._of: Counter[str] = Counter()

    @contextmanager
    def one(self, tenant: str) -> Iterator[None]:
        """Take a place for a file of the tenant's. Raises Shed."""
        if self._of.total() >= self._most or self._of[tenant] >= self._most_each:
            raise Shed(f"{self._of.total()} files are being received already; try again in 5 s", retry_after=5)
        self._of[tenant] += 1
        try:
            yield
        finally:
            self._of[tenant] -= 1
            if not self._of[tenant]:
                del self._of[tenant]


class Errands:
    """One a server."""

    def __init__(self, dispatcher: Dispatcher, gate: Gate) -> None:
        self._dispatcher = dispatcher
        self._gate = gate

    @asynccontextmanager
    async def admitted(self, payer: Payer) -> AsyncIterator[Scope]:
        """Wait for room, and hold it; leaving ends all that was asked for. Raises Shed, OverQuota."""
        key = new_id("errand")
        payer.meter.check()
        scope = Scope(self._dispatcher, key, 0, payer)
        try:
            await self._gate.enter(key, key, payer.tenant, payer.tier, lambda _: None)
            yield scope
        finally:
            self._gate.leave(key)
            await scope.forget()

"""What a request has done by the engines: with tenant, tier and deadline, admitted at the gate."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.gate import Gate
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.payer import Payer
from polytalk.errors import Shed


class Uploads:
    """Files that are received and unpacked: few at once, since each is held in memory."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._now = 0

    @contextmanager
    def one(self) -> Iterator[None]:
        """Take a place. Raises Shed."""
        if self._now >= self._most:
            raise Shed(f"{self._most} files are being received already; try again in 5 s", retry_after=5)
        self._now += 1
        try:
            yield
        finally:
            self._now -= 1


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

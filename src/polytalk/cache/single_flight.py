"""Equal work asked for by many at once is done once, and all of them read it as it is made.

The work belongs to those who wait for it: it goes on when the one who began it leaves, and ends when the last does.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from typing import Generic, TypeAlias, TypeVar

from polytalk.errors import Cancelled

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")
Make: TypeAlias = Callable[[], AsyncGenerator[T, None]]


class _Flight(Generic[T]):
    """One computation. What is made is kept from the start, for those who join later, up to a limit."""

    def __init__(self, make: Make[T], size: Callable[[T], int], limit: int) -> None:
        self.made: deque[T] = deque()
        self.first = 0
        """How many are no longer in `made`."""
        self.readers: set[Reader[T]] = set()
        self.open = True
        """Whether somebody who joins would still get everything."""
        self.over = False
        self.failure: Exception | None = None
        self.changed = asyncio.Event()
        self._bytes = 0
        self._size = size
        self._limit = limit
        self.task = asyncio.create_task(self._fly(make))

    def tell(self) -> None:
        """Wake everybody who waits now."""
        self.changed.set()
        self.changed.clear()

    async def _fly(self, make: Make[T]) -> None:
        try:
            async with aclosing(make()) as results:
                async for result in results:
                    self.made.append(result)
                    self._bytes += self._size(result)
                    self.tell()
                    while self._bytes > self._limit:
                        await self._make_room()
        except asyncio.CancelledError:
            self.failure = Cancelled("the work was ended")
            raise
        except Exception as error:  # raised by every reader
            self.failure = error
        finally:
            self.over = True
            self.open = self.open and self.failure is None
            self.tell()

    async def _make_room(self) -> None:
        """Too much to keep for those who have not come yet; from now on the slowest reader sets the pace."""
        self.open = False
        slowest = min((reader.position for reader in self.readers), default=self.first)
        while self.made and self.first < slowest:
            self._bytes -= self._size(self.made.popleft())
            self.first += 1
        if self._bytes > self._limit:
            await self.changed.wait()


class Reader(Generic[T]):
    """The results of one computation, in order, each once: an asynchronous iterator, to be closed with `aclosing`."""

    def __init__(self, flight: _Flight[T]) -> None:
        self._flight = flight
        self.position = 0
        """How many results it has read."""
        flight.readers.add(self)

    def __aiter__(self) -> "Reader[T]":
        return self

    async def __anext__(self) -> T:
        """Raises what the computation raised, after all that it made before."""
        flight = self._flight
        while True:
            if self not in flight.readers:
                raise StopAsyncIteration
            at = self.position - flight.first
            if at < len(flight.made):
                result = flight.made[at]
                self.position += 1
                flight.tell()
                return result
            if flight.failure is not None:
                raise flight.failure
            if flight.over:
                raise StopAsyncIteration
            await flight.changed.wait()

    async def aclose(self) -> None:
        """Read no more; the computation ends with its last reader. May be called twice."""
        flight = self._flight
        if self not in flight.readers:
            return
        flight.readers.discard(self)
        flight.tell()
        if not flight.readers and not flight.over:
            flight.open = False  # at once: who comes now begins anew
            flight.task.cancel()
            await asyncio.wait((flight.task,))


class SingleFlight(Generic[K, T]):
    """Computations by key, on one event loop; none outlives its readers."""

    def __init__(self, size: Callable[[T], int], limit: int) -> None:
        """`limit`: bytes, by `size`, that one computation may hold; beyond it nobody may join any more."""
        self._size = size
        self._limit = limit
        self._flights: dict[K, _Flight[T]] = {}
        self.started = 0
        """Computations begun."""
        self.joined = 0
        """Requests that found one under way."""

    def __len__(self) -> int:
        return len(self._flights)

    def join(self, key: K, make: Make[T]) -> Reader[T]:
        """Read the results of `make`, computed once for all who ask for `key` before it is over. Begins at once."""
        flight = self._flights.get(key)
        if flight is not None and flight.open and not flight.over:
            self.joined += 1
            return Reader(flight)
        self.started += 1
        flight = self._flights[key] = _Flight(make, self._size, self._limit)
        flight.task.add_done_callback(lambda task: self._end(key, task))
        return Reader(flight)

    def _end(self, key: K, task: asyncio.Task[None]) -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]

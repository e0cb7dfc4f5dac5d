"""A thread beside the slots for what is short and due at once, and must not wait for a run of pictures to end."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from polytalk.clock import Clock
from polytalk.worker.pool import Pool

T = TypeVar("T")


class Express:
    """One computation at a time has no slot; the next one that comes meanwhile takes a slot as any other."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="express")
        self._taken = False

    async def run(self, compute: Callable[[], T]) -> T:
        """Its result. Raises what it raises."""
        if self._taken:
            due = self._clock.now()
            await self._pool.acquire(lambda: due)
            return await self._pool.run(compute)
        self._taken = True
        work = asyncio.get_running_loop().run_in_executor(self._thread, compute)
        work.add_done_callback(lambda _: self._free())
        return await asyncio.shield(work)

    def close(self) -> None:
        """Let what runs end, and the thread with it."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _free(self) -> None:
        self._taken = False

"""The machine's cores as a budget: every stage computes on a slot, granted by deadline, whatever its stage."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from polytalk.types import Seconds

T = TypeVar("T")
HAND_OVER: Seconds = 0.0001
"""How long the event loop may keep the GIL when an engine's thread wants it; Python has 5 ms, a tenth of a batch."""


class Pool:
    """As many slots as cores, each with a thread.

    A waiting worker is asked for its most urgent deadline when a slot comes free, not when it began to wait, so a
    late arrival with an early deadline is seen.
    """

    def __init__(self, cores: int) -> None:
        # A batch that has its slot would wait for the GIL while the loop hands out the answers of the one before.
        sys.setswitchinterval(HAND_OVER)
        self.cores = cores
        self._free = cores
        self._threads = ThreadPoolExecutor(cores, thread_name_prefix="engine")
        self._waiting: list[tuple[Callable[[], Seconds], asyncio.Future[None]]] = []

    @property
    def idle(self) -> bool:
        """Whether a slot is free right now."""
        return self._free > 0

    @property
    def free(self) -> int:
        """Slots that nobody computes on."""
        return self._free

    async def acquire(self, deadline: Callable[[], Seconds]) -> None:
        """Wait for a slot; it is the caller's until `release` or the end of `run`."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((deadline, turn))
        try:
            await turn
        except asyncio.CancelledError:
            self._waiting = [waiter for waiter in self._waiting if waiter[1] is not turn]
            if turn.done() and not turn.cancelled():
                self.release()  # granted in the same tick as cancelled: pass it on
            raise

    def release(self) -> None:
        """Give a slot back to the most urgent waiter."""
        waiting = [waiter for waiter in self._waiting if not waiter[1].done()]
        if not waiting:
            self._waiting = []
            self._free += 1
            return
        chosen = min(waiting, key=lambda waiter: waiter[0]())
        waiting.remove(chosen)
        self._waiting = waiting
        chosen[1].set_result(None)

    def start(self, compute: Callable[[], T]) -> "asyncio.Future[T]":
        """Compute on the caller's slot, then release it. Returns at once.

        A thread can't be stopped: when whoever waits for it is cancelled the slot stays taken until the thread is done.
        """
        work = asyncio.get_running_loop().run_in_executor(self._threads, compute)
        work.add_done_callback(lambda _: self.release())
        return asyncio.shield(work)

    async def run(self, compute: Callable[[], T]) -> T:
        """`start`, and wait for the result."""
        return await self.start(compute)

    def close(self) -> None:
        """Let running computations end, and the threads with them."""
        self._threads.shutdown(wait=False, cancel_futures=True)

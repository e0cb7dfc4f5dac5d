"""Load: closed loops, whose clients ask again when they are answered, and open ones, whose clients just come."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import numpy as np

from bench.scheduler.contender import Contender
from polytalk.errors import PolytalkError
from polytalk.types import Seconds

Work = Callable[[int], Awaitable[object]]


@asynccontextmanager
async def serving(contender: Contender) -> AsyncIterator[None]:
    """The contender at work."""
    running = asyncio.create_task(contender.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def closed_loop(work: Work, clients: int, seconds: Seconds, warm: Seconds = 0.5) -> float:
    """What `clients` get done a second, each doing `work(client)` over and over; the first `warm` seconds don't count.

    A client's own rate counts from its first completion to its last, so that batches cut off at the ends don't matter.
    """
    counting = time.monotonic() + warm
    until = counting + seconds

    async def client(index: int) -> float:
        done: list[Seconds] = []
        while (now := time.monotonic()) < until:
            try:
                await work(index)
            except PolytalkError:
                await asyncio.sleep(0.01)
            else:
                if now >= counting:
                    done.append(time.monotonic())
        return (len(done) - 1) / (done[-1] - done[0]) if len(done) > 1 else 0.0

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(client(index)) for index in range(clients)]
    return sum(task.result() for task in tasks)


async def open_loop(work: Work, rate: float, seconds: Seconds, seed: int) -> int:
    """Start `work(n)` at random moments, `rate` a second, and wait for all; returns how many.

    A Poisson process of exactly as many arrivals as expected, so that runs differ in when they come, not in how many.
    """
    moments = sorted(np.random.default_rng(seed).uniform(0, seconds, round(rate * seconds)))
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for index, moment in enumerate(moments):
            await asyncio.sleep(max(0.0, began + moment - time.monotonic()))
            group.create_task(_quietly(work, index))
    return len(moments)


async def _quietly(work: Work, index: int) -> None:
    await work(index)

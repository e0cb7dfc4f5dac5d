"""The cores, granted by deadline."""

import asyncio
import threading
from collections.abc import Callable
from functools import partial

import pytest

from polytalk.types import Seconds
from polytalk.worker.pool import Pool

SOON = 10.0


def due(at: Seconds) -> Callable[[], Seconds]:
    return lambda: at


async def waiting(pool: Pool, name: str, at: Callable[[], Seconds], order: list[str]) -> asyncio.Task[None]:
    async def wait() -> None:
        await pool.acquire(at)
        order.append(name)
        pool.release()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    return task


async def test_a_slot_goes_to_the_most_urgent() -> None:
    pool, order = Pool(1), list[str]()
    await pool.acquire(due(0))
    tasks = [await waiting(pool, name, due(at), order) for name, at in (("late", 9), ("early", 1), ("mid", 5))]
    pool.release()
    await asyncio.gather(*tasks)
    assert order == ["early", "mid", "late"]
    pool.close()


async def test_urgency_is_asked_when_the_slot_is_free_not_when_the_wait_began() -> None:
    pool, order = Pool(1), list[str]()
    await pool.acquire(due(0))
    deadlines = {"one": 5.0, "other": 3.0}
    tasks = [await waiting(pool, name, partial(deadlines.__getitem__, name), order) for name in deadlines]
    deadlines["one"] = 1.0
    pool.release()
    await asyncio.gather(*tasks)
    assert order == ["one", "other"]
    pool.close()


async def test_idle_means_that_a_slot_is_free() -> None:
    pool = Pool(2)
    await pool.acquire(due(0))
    assert pool.idle
    await pool.acquire(due(0))
    assert not pool.idle
    pool.release()
    assert pool.idle
    pool.close()


@pytest.mark.parametrize("granted", [False, True], ids=["while it waits", "in the moment it is granted"])
async def test_who_gives_up_waiting_takes_no_slot_along(granted: bool) -> None:
    pool, order = Pool(1), list[str]()
    await pool.acquire(due(0))
    quitter = asyncio.create_task(pool.acquire(due(0)))
    await asyncio.sleep(0)
    other = await waiting(pool, "other", due(9), order)
    if granted:
        pool.release()
        quitter.cancel()
    else:
        quitter.cancel()
        await asyncio.sleep(0)
        pool.release()
    await asyncio.wait_for(other, SOON)
    assert (order, pool.idle) == (["other"], True)
    pool.close()


async def test_a_computation_gives_its_slot_back_also_when_it_fails() -> None:
    pool = Pool(1)
    await pool.acquire(due(0))
    assert await pool.run(lambda: 7) == 7
    await pool.acquire(due(0))
    with pytest.raises(ZeroDivisionError):
        await pool.run(lambda: 1 // 0)
    await asyncio.sleep(0)
    assert pool.idle
    pool.close()


async def test_a_slot_is_taken_until_its_thread_is_done_whoever_was_cancelled() -> None:
    pool, gate = Pool(1), threading.Event()
    await pool.acquire(due(0))
    computing = asyncio.create_task(pool.run(lambda: gate.wait(SOON)))
    await asyncio.sleep(0)
    computing.cancel()
    await asyncio.gather(computing, return_exceptions=True)
    assert not pool.idle
    gate.set()
    await asyncio.wait_for(pool.acquire(due(0)), SOON)
    pool.close()

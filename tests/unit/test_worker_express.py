"""What is short and due at once does not wait for a slot."""

import asyncio
import threading

from polytalk.clock import RealClock
from polytalk.worker.express import Express
from polytalk.worker.pool import Pool


async def test_it_runs_while_every_slot_is_taken_and_the_next_one_waits_for_a_slot() -> None:
    pool, end = Pool(1), threading.Event()
    express = Express(pool, RealClock())
    await pool.acquire(lambda: 0.0)
    first = asyncio.create_task(express.run(lambda: end.wait(20)))
    await asyncio.sleep(0)
    second = asyncio.create_task(express.run(lambda: "second"))
    await asyncio.sleep(0)
    assert not pool.idle
    end.set()
    assert await first
    assert not second.done(), "the slot is still taken"
    assert await express.run(lambda: "third") == "third"
    pool.release()
    assert await second == "second"
    assert pool.idle
    express.close()
    pool.close()

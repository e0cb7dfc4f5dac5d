"""The broker of one process keeps the contract."""

import asyncio

from polytalk.broker.base import Broker
from polytalk.broker.memory import MemoryBroker
from tests.contract.broker import BrokerContract, soon
from tests.support.jobs import chunk, job


class TestMemoryBroker(BrokerContract):
    def make(self, max_queue: int = 100) -> Broker:
        return MemoryBroker(max_queue)

    def remembered(self, broker: Broker) -> int:
        assert isinstance(broker, MemoryBroker)
        return len(broker._generations) + sum(map(len, broker._queues.values()))


async def test_a_reader_that_is_behind_holds_back_the_worker_not_memory() -> None:
    broker, of = MemoryBroker(max_replies=2), job()
    for n in range(2):
        await broker.reply(chunk(of, n))
    third = asyncio.create_task(broker.reply(chunk(of, 2)))
    await asyncio.sleep(0)
    assert not third.done()
    assert await soon(broker.chunks("dialogue")) == [chunk(of, 0), chunk(of, 1)]
    await soon(third)
    assert await soon(broker.chunks("dialogue")) == [chunk(of, 2)]

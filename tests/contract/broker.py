"""What every broker promises. Inherit `BrokerContract`, say how to make one, and it is held to all of it.

Nothing here waits for something not to happen: what must not arrive is shown by the next thing that does.
"""

import asyncio
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable
from typing import TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.broker.base import Broker
from polytalk.errors import Shed
from polytalk.types import Chunk, Generation, Job, Stage
from tests.support.jobs import chunk, job

T = TypeVar("T")

PATIENCE = 5.0
"""Seconds within which a broker must answer, however far away it is."""


async def soon(awaitable: Awaitable[T]) -> T:
    return await asyncio.wait_for(awaitable, PATIENCE)


class BrokerContract(ABC):
    """One suite for all brokers."""

    @abstractmethod
    def make(self, max_queue: int = 100) -> Broker:
        """A broker that nobody has used."""

    @abstractmethod
    def remembered(self, broker: Broker) -> int:
        """How many things the broker remembers of sessions, whatever they are."""

    async def receive(self, broker: Broker, limit: int = 100, engine: str = "face") -> list[Job]:
        return await soon(broker.receive(Stage.ANALYSE, engine, limit))

    async def chunks(self, broker: Broker, reply_to: str, count: int = 1) -> list[Chunk]:
        """So many, however the broker hands them out."""
        found: list[Chunk] = []
        while len(found) < count:
            found += await soon(broker.chunks(reply_to))
        return found

    # --- jobs ----------------------------------------------------------------------------------------------------

    async def test_jobs_come_in_the_order_they_were_published(self) -> None:
        broker, published = self.make(), [job() for _ in range(5)]
        for one in published:
            await broker.publish(one)
        assert await self.receive(broker) == published

    async def test_a_worker_gets_no_more_than_it_asked_for(self) -> None:
        broker, published = self.make(), [job() for _ in range(5)]
        for one in published:
            await broker.publish(one)
        assert await self.receive(broker, limit=2) == published[:2]
        assert await self.receive(broker, limit=9) == published[2:]

    async def test_a_worker_waits_for_a_job_that_comes_later(self) -> None:
        broker, late = self.make(), job()
        waiting = asyncio.create_task(self.receive(broker))
        await asyncio.sleep(0)
        await broker.publish(late)
        assert await soon(waiting) == [late]

    async def test_a_job_is_given_to_one_of_the_workers_that_wait(self) -> None:
        broker, published = self.make(), [job() for _ in range(4)]
        waiting = [asyncio.create_task(self.receive(broker, limit=1)) for _ in range(4)]
        for one in published:
            await asyncio.sleep(0)
            await broker.publish(one)
        received = [one for batch in await soon(asyncio.gather(*waiting)) for one in batch]
        assert sorted(one.id for one in received) == sorted(one.id for one in published)

    async def test_a_worker_that_gave_up_waiting_takes_no_job_with_it(self) -> None:
        broker, published = self.make(), job()
        waiting = asyncio.create_task(self.receive(broker))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await broker.publish(published)
        assert await self.receive(broker) == [published]

    async def test_every_engine_has_a_queue_of_its_own(self) -> None:
        broker, one, other = self.make(), job(engine="one"), job(engine="other")
        await broker.publish(one)
        await broker.publish(other)
        assert await self.receive(broker, engine="other") == [other]
        assert await self.receive(broker, engine="one") == [one]

    async def test_the_backlog_is_what_nobody_has_taken(self) -> None:
        broker = self.make()
        assert broker.backlog(Stage.ANALYSE, "face") == 0
        for _ in range(3):
            await broker.publish(job())
        assert broker.backlog(Stage.ANALYSE, "face") == 3
        await self.receive(broker, limit=2)
        assert broker.backlog(Stage.ANALYSE, "face") == 1

    async def test_a_full_queue_refuses_and_says_when_to_come_back(self) -> None:
        broker, first, second = self.make(max_queue=2), job(), job()
        await broker.publish(first)
        await broker.publish(second)
        with pytest.raises(Shed, match="2 jobs are waiting for analyse/face") as refused:
            await broker.publish(job())
        assert refused.value.retry_after > 0
        await broker.publish(job(engine="other"))
        assert await self.receive(broker) == [first, second]
        await broker.publish(job())

    # --- chunks --------------------------------------------------------------------------------------------------

    async def test_chunks_of_a_job_come_in_order_each_once(self) -> None:
        broker, of = self.make(), job()
        sent = [chunk(of, n, final=n == 4) for n in range(5)]
        for one in sent:
            await broker.reply(one)
        assert await self.chunks(broker, "dialogue", len(sent)) == sent

    async def test_chunks_go_to_the_dialogue_that_asked(self) -> None:
        broker, mine, yours = self.make(), job(reply_to="me"), job(reply_to="you")
        await broker.reply(chunk(mine))
        await broker.reply(chunk(yours))
        assert await self.chunks(broker, "you") == [chunk(yours)]
        assert await self.chunks(broker, "me") == [chunk(mine)]

    async def test_a_dialogue_waits_for_a_chunk_that_comes_later(self) -> None:
        broker, late = self.make(), chunk(job())
        waiting = asyncio.create_task(self.chunks(broker, "dialogue"))
        await asyncio.sleep(0)
        await broker.reply(late)
        assert await soon(waiting) == [late]

    # --- interruption --------------------------------------------------------------------------------------------

    async def test_an_interruption_drops_what_is_queued_and_nothing_else(self) -> None:
        broker = self.make()
        dead, kept, other = job(generation=0), job(generation=1), job(session="other")
        for one in (dead, kept, other):
            await broker.publish(one)
        await broker.cancel("sess", 1)
        assert broker.backlog(Stage.ANALYSE, "face") == 2
        assert await self.receive(broker) == [kept, other]

    async def test_a_job_that_is_dead_already_is_not_queued(self) -> None:
        broker, kept = self.make(), job(generation=2)
        await broker.cancel("sess", 2)
        await broker.publish(job(generation=1))
        await broker.publish(kept)
        assert await self.receive(broker) == [kept]

    async def test_a_worker_that_waits_is_not_woken_by_a_job_that_dies(self) -> None:
        broker, kept = self.make(), job(generation=1)
        waiting = asyncio.create_task(self.receive(broker))
        await asyncio.sleep(0)
        await broker.publish(job(generation=0))
        await broker.cancel("sess", 1)
        await broker.publish(kept)
        received = await soon(waiting)
        assert received == [kept]

    async def test_a_chunk_of_dead_work_is_not_sent(self) -> None:
        broker, fresh = self.make(), chunk(job(generation=1))
        await broker.cancel("sess", 1)
        await broker.reply(chunk(job(generation=0)))
        await broker.reply(fresh)
        assert await self.chunks(broker, "dialogue") == [fresh]

    async def test_a_chunk_that_dies_on_its_way_is_not_delivered(self) -> None:
        broker, fresh = self.make(), chunk(job(generation=1))
        await broker.reply(chunk(job(generation=0)))
        await broker.reply(fresh)
        await broker.cancel("sess", 1)
        assert await self.chunks(broker, "dialogue") == [fresh]

    async def test_what_is_dead_stays_dead(self) -> None:
        broker = self.make()
        await broker.cancel("sess", 5)
        await broker.cancel("sess", 3)
        assert not broker.alive(job(generation=4))
        assert broker.alive(job(generation=5))
        assert broker.alive(job(session="other"))

    async def test_listeners_are_told_of_an_interruption_until_they_stop_listening(self) -> None:
        broker = self.make()
        told: list[tuple[str, Generation]] = []
        stop = broker.on_cancel(lambda session, generation: told.append((session, generation)))
        await broker.cancel("sess", 1)
        assert told == [("sess", 1)]
        stop()
        await broker.cancel("sess", 2)
        assert told == [("sess", 1)]

    async def test_a_listener_may_stop_listening_while_it_is_told(self) -> None:
        broker = self.make()
        told: list[str] = []

        def once(_: str, __: Generation) -> None:
            told.append("once")
            stop()

        stop = broker.on_cancel(once)
        broker.on_cancel(lambda _, __: told.append("always"))
        await broker.cancel("sess", 1)
        await broker.cancel("sess", 2)
        assert told == ["once", "always", "always"]

    async def test_a_guess_that_was_right_counts_as_any_other_from_then_on(self) -> None:
        broker, other = self.make(), job(session="other", speculative=True)
        for one in (job(id="guess", speculative=True), other):
            await broker.publish(one)
        told: list[str] = []
        stop = broker.on_adopt(told.append)
        await broker.adopt("sess")
        got = await soon(broker.receive(other.stage, other.engine, 2))
        assert [(one.id, one.speculative) for one in got] == [("guess", False), (other.id, True)]
        stop()
        await broker.adopt("other")
        assert told == ["sess"]

    # --- the end of a session ------------------------------------------------------------------------------------

    async def test_the_end_of_a_session_drops_all_that_is_queued_of_it(self) -> None:
        broker, other = self.make(), job(session="other")
        await broker.publish(job(generation=7))
        await broker.publish(other)
        await broker.forget("sess")
        assert await self.receive(broker) == [other]

    async def test_listeners_are_told_that_every_generation_is_over(self) -> None:
        broker = self.make()
        told: list[tuple[str, Generation]] = []
        broker.on_cancel(lambda session, generation: told.append((session, generation)))
        await broker.forget("sess")
        [(session, generation)] = told
        assert session == "sess"
        assert generation > 1_000_000

    async def test_nothing_is_remembered_of_sessions_that_are_over(self) -> None:
        broker = self.make(max_queue=1_000)
        for n in range(100):
            name = f"sess_{n}"
            await broker.publish(job(session=name))
            await broker.cancel(name, 1)
            await broker.publish(job(session=name, generation=1))
            await broker.forget(name)
        assert self.remembered(broker) == 0

    # --- all of it at once ---------------------------------------------------------------------------------------

    @settings(max_examples=50)
    @given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "answer", "interrupt"])), max_size=60))
    async def test_many_sessions_get_what_is_theirs_and_nothing_that_is_stale(
        self, steps: list[tuple[str, str]]
    ) -> None:
        broker = self.make()
        generation: defaultdict[str, Generation] = defaultdict(int)
        asked: list[Job] = []
        answered: list[Chunk] = []
        for session, step in steps:
            mine = job(session=session, generation=generation[session], reply_to=session)
            if step == "ask":
                asked.append(mine)
                await broker.publish(mine)
            elif step == "answer":
                answered.append(chunk(mine))
                await broker.reply(answered[-1])
            else:
                generation[session] += 1
                await broker.cancel(session, generation[session])
        wanted = [one for one in asked if one.generation == generation[one.session]]
        assert broker.backlog(Stage.ANALYSE, "face") == len(wanted)
        if wanted:
            assert await self.receive(broker) == wanted
        for session in "abc":
            end = chunk(job(session=session, generation=generation[session], reply_to=session))
            await broker.reply(end)
            mine_left = [one for one in answered if one.session == session and one.generation == end.generation]
            assert await self.chunks(broker, session, len(mine_left) + 1) == [*mine_left, end]

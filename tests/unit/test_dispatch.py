"""The dialogue's end of the broker."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.broker.memory import MemoryBroker
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.dispatch import MAX_WAITING, SILENCE, Dispatcher, Replies, Scope
from polytalk.errors import BadInput, Cancelled, EngineFailed, PolytalkError, Shed, WorkerLost
from polytalk.types import AnalyseWork, Chunk, Failure, Job, MouthFrames, Result, Stage, TextDelta, Tier
from tests.support.jobs import chunk, job
from tests.support.sound import LoopClock, now

pytestmark = pytest.mark.looptime


@asynccontextmanager
async def dispatching(max_queue: int = 100) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(MemoryBroker(max_queue), LoopClock())
    running = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def results(replies: Replies) -> list[Result]:
    return [result async for result in replies]


async def reply(dispatcher: Dispatcher, *chunks: Chunk) -> None:
    for one in chunks:
        await dispatcher.broker.reply(one)


def mine(dispatcher: Dispatcher, **fields: object) -> Job:
    return job(reply_to=dispatcher.name, **fields)


async def test_the_results_of_a_job_come_to_who_asked() -> None:
    async with dispatching() as dispatcher:
        one, other = mine(dispatcher), mine(dispatcher)
        replies = [await dispatcher.submit(one), await dispatcher.submit(other)]
        await reply(dispatcher, chunk(other, 0, final=True), chunk(one, 0), chunk(one, 1, final=True))
        assert await results(replies[0]) == [TextDelta(f"{one.id}/0"), TextDelta(f"{one.id}/1")]
        assert await results(replies[1]) == [TextDelta(f"{other.id}/0")]
        assert await results(replies[1]) == []


async def test_a_chunk_of_a_job_nobody_waits_for_is_dropped() -> None:
    async with dispatching() as dispatcher:
        known = mine(dispatcher)
        replies = await dispatcher.submit(known)
        await reply(dispatcher, chunk(mine(dispatcher)), chunk(known, final=True))
        assert len(await results(replies)) == 1


@given(st.lists(st.integers(0, 4), max_size=20))
async def test_a_chunk_delivered_again_is_heard_once(again: list[int]) -> None:
    replies = Replies(job())
    expected = []
    for sequence in range(5):
        replies.put(chunk(replies.job, sequence, final=sequence == 4))
        expected.append(TextDelta(f"{replies.job.id}/{sequence}"))
        for earlier in again:
            if earlier <= sequence < 4:
                replies.put(chunk(replies.job, earlier))
    assert await results(replies) == expected


async def test_a_failure_is_raised_as_the_error_it_stands_for() -> None:
    for failure, error in (
        (Failure("invalid_value", "too long"), BadInput),
        (Failure("engine_failed", "no memory"), EngineFailed),
        (Failure("a code of some plugin", "odd"), EngineFailed),
    ):
        replies = Replies(job())
        replies.put(chunk(replies.job, 0))
        replies.put(chunk(replies.job, 1, failure, final=True))
        assert await anext(replies) == TextDelta(f"{replies.job.id}/0")
        with pytest.raises(error, match=failure.message):
            await anext(replies)


async def test_a_job_with_one_result_gives_it() -> None:
    replies = Replies(job())
    replies.put(chunk(replies.job, 0, MouthFrames(b"open"), final=True))
    assert await replies.only() == MouthFrames(b"open")


async def test_a_job_without_a_result_is_a_failure_of_its_engine() -> None:
    replies = Replies(job())
    replies.put(Chunk(replies.job.id, "sess", 0, 0, None, final=True, reply_to="dialogue"))
    with pytest.raises(EngineFailed, match="analyse/face gave no result"):
        await replies.only()


async def test_a_worker_that_says_nothing_is_lost() -> None:
    async with dispatching() as dispatcher:
        replies = await dispatcher.submit(mine(dispatcher))
        with pytest.raises(WorkerLost, match="no word from analyse/face for 60 s"):
            await replies.only()
        assert now() == SILENCE


async def test_an_interruption_ends_jobs_of_older_generations_at_once() -> None:
    async with dispatching() as dispatcher:
        old, new, other = mine(dispatcher), mine(dispatcher, generation=1), mine(dispatcher, session="other")
        replies = [await dispatcher.submit(one) for one in (old, new, other)]
        await dispatcher.cancel("sess", 1)
        with pytest.raises(Cancelled):
            await results(replies[0])
        await reply(dispatcher, chunk(old), chunk(new, final=True), chunk(other, final=True))
        assert len(await results(replies[1])) == 1
        assert len(await results(replies[2])) == 1


async def test_what_was_on_its_way_when_the_user_interrupted_is_not_read() -> None:
    async with dispatching() as dispatcher:
        old = mine(dispatcher)
        replies = await dispatcher.submit(old)
        await reply(dispatcher, chunk(old, 0))
        await dispatcher.cancel("sess", 1)
        with pytest.raises(Cancelled):
            await anext(replies)


async def test_a_job_that_is_dead_already_is_not_waited_for() -> None:
    async with dispatching() as dispatcher:
        await dispatcher.cancel("sess", 1)
        with pytest.raises(Cancelled):
            await dispatcher.submit(mine(dispatcher))
        assert dispatcher._open == {}


async def test_a_job_that_is_refused_is_not_waited_for() -> None:
    async with dispatching(max_queue=1) as dispatcher:
        await dispatcher.submit(mine(dispatcher))
        with pytest.raises(Shed):
            await dispatcher.submit(mine(dispatcher))
        assert len(dispatcher._open) == 1


async def test_nothing_is_remembered_of_jobs_that_are_over() -> None:
    async with dispatching(max_queue=1_000) as dispatcher:
        for n in range(100):
            asked = mine(dispatcher, session=f"sess_{n % 3}")
            replies = await dispatcher.submit(asked)
            if n % 2:
                await reply(dispatcher, chunk(asked, final=True))
                await replies.only()
        for n in range(3):
            await dispatcher.forget(f"sess_{n}")
        assert dispatcher._open == {}


async def test_an_engine_gone_wild_ends_its_job_and_grows_nothing() -> None:
    replies = Replies(job())
    for sequence in range(MAX_WAITING + 10):
        replies.put(chunk(replies.job, sequence))
    with pytest.raises(PolytalkError):
        await results(replies)


async def test_every_job_of_a_turn_is_stamped_alike() -> None:
    async with dispatching() as dispatcher:
        scope = Scope(dispatcher, "sess", 3, Payer("acme", Tier.VIP))
        await asyncio.sleep(5)
        asked = [(await scope.ask(Stage.ANALYSE, "face", AnalyseWork(b""), deadline=7.5)).job for _ in range(2)]
        assert asked[0].id != asked[1].id
        for one in asked:
            assert (one.session, one.generation, one.tenant, one.tier) == ("sess", 3, "acme", Tier.VIP)
            assert (one.turn, one.created, one.deadline, one.reply_to) == (scope.turn, 5.0, 7.5, dispatcher.name)
        assert dispatcher.broker.backlog(Stage.ANALYSE, "face") == 2

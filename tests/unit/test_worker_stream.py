"""The worker of an engine that streams."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from polytalk.broker.memory import MemoryBroker
from polytalk.errors import BadInput
from polytalk.types import Chunk, Failure, Job, Message, Stage, TextDelta, ThinkWork, Usage
from polytalk.worker.loop import StreamWorker
from tests.support.engines import Fault, ScriptedLlm
from tests.support.jobs import job
from tests.support.sound import LoopClock, now

pytestmark = pytest.mark.looptime


def thinking(**fields: object) -> Job:
    return job(
        **(
            {"stage": Stage.THINK, "engine": "llm", "work": ThinkWork((Message("user", "Hi"),)), "created": now()}
            | fields
        )
    )


@asynccontextmanager
async def working(engine: ScriptedLlm) -> AsyncIterator[MemoryBroker]:
    broker = MemoryBroker()
    worker = asyncio.create_task(StreamWorker(Stage.THINK, engine, broker, LoopClock()).run())
    await asyncio.sleep(0)
    try:
        yield broker
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


async def chunks(broker: MemoryBroker, of: Job) -> list[Chunk]:
    found: list[Chunk] = []
    async with asyncio.timeout(100):
        while not found or not found[-1].final:
            found += await broker.chunks(of.reply_to)
    assert {chunk.job for chunk in found} == {of.id}
    return found


async def test_results_come_as_they_are_made() -> None:
    engine = ScriptedLlm("One two.", first=0.2, every=0.1)
    async with working(engine) as broker:
        asked = thinking()
        await broker.publish(asked)
        found = await chunks(broker, asked)
        assert [chunk.result for chunk in found] == [TextDelta("One"), TextDelta(" two."), Usage(1, 2), None]
        assert [chunk.sequence for chunk in found] == [0, 1, 2, 3]
        assert [round(chunk.computed, 3) for chunk in found] == [0.2, 0.3, 0.4, 0.4]
        assert found[0].queued == 0


async def test_as_many_streams_run_as_the_engine_has_slots() -> None:
    engine = ScriptedLlm("Yes.", first=1.0, every=0, slots=2)
    async with working(engine) as broker:
        asked = [thinking(reply_to=f"dialogue_{n}") for n in range(3)]
        for one in asked:
            await broker.publish(one)
        await asyncio.sleep(0.5)
        assert engine.busy == 2
        [first, *_] = await chunks(broker, asked[2])
        assert (first.queued, first.computed, now()) == (1.0, 1.0, 2.0)


async def test_a_dead_stream_is_stopped_and_its_slot_given_to_the_next() -> None:
    engine = ScriptedLlm("Yes.", first=50.0, every=0, slots=1)
    async with working(engine) as broker:
        dead, next_one = thinking(generation=0), thinking(generation=1)
        await broker.publish(dead)
        await broker.publish(next_one)
        await asyncio.sleep(1)
        await broker.cancel("sess", 1)
        found = await chunks(broker, next_one)
        assert engine.requests[0].aborted
        assert (engine.requests[0].ended, found[0].queued) == (1.0, 1.0)


async def test_a_stream_cancelled_in_the_moment_it_begins_keeps_no_slot() -> None:
    engine = ScriptedLlm("Yes.", first=1.0, slots=1)
    async with working(engine) as broker:
        for _ in range(3):
            await broker.publish(thinking(session="gone"))
            for _ in range(10):  # at each step on the job's way from the queue into the engine
                await asyncio.sleep(0)
                await broker.cancel("gone", 1)
            await broker.forget("gone")
        asked = thinking()
        await broker.publish(asked)
        assert (await chunks(broker, asked))[0].result == TextDelta("Yes.")


@pytest.mark.parametrize("steps", range(8))
async def test_a_stream_cancelled_so_many_steps_after_it_was_queued_keeps_no_slot(steps: int) -> None:
    engine = ScriptedLlm("Yes.", first=1.0, slots=1)
    async with working(engine) as broker:
        await broker.publish(thinking(session="gone"))
        for _ in range(steps):
            await asyncio.sleep(0)
        await broker.cancel("gone", 1)
        asked = thinking()
        await broker.publish(asked)
        assert (await chunks(broker, asked))[0].result == TextDelta("Yes.")
        assert now() < 2.5


async def test_work_of_a_session_that_left_is_not_begun() -> None:
    engine = ScriptedLlm("Yes.", first=10.0, slots=1)
    async with working(engine) as broker:
        running, left = thinking(), thinking(session="left")
        await broker.publish(running)
        await broker.publish(left)
        await asyncio.sleep(1)
        await broker.forget("left")
        await chunks(broker, running)
        await asyncio.sleep(1)
        assert len(engine.requests) == 1


async def test_an_error_of_the_family_is_told_as_itself_after_what_came_before() -> None:
    engine = ScriptedLlm("One two three.")
    engine.faults = [Fault(BadInput("the history is too long"), after=1)]
    async with working(engine) as broker:
        asked = thinking()
        await broker.publish(asked)
        first, last = await chunks(broker, asked)
        assert first.result == TextDelta("One")
        assert last.result == Failure("invalid_value", "the history is too long")


async def test_an_engines_defect_is_told_and_ends_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    engine = ScriptedLlm("Yes.")
    engine.faults = [Fault(ZeroDivisionError("division by zero"))]
    async with working(engine) as broker:
        for expected in (Failure("engine_failed", "llm failed: division by zero"), TextDelta("Yes.")):
            asked = thinking()
            await broker.publish(asked)
            assert (await chunks(broker, asked))[0].result == expected
    assert "engine llm failed" in caplog.text

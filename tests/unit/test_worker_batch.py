"""The worker of an engine that computes batches, on threads: here time is real, and nothing sleeps."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from polytalk.broker.memory import MemoryBroker
from polytalk.clock import RealClock
from polytalk.errors import PolytalkError, Unspeakable
from polytalk.types import AnalyseWork, Chunk, Failure, Job, MouthFrames, Stage, Tier
from polytalk.worker.loop import BatchWorker
from polytalk.worker.pool import Pool
from tests.support.jobs import job

SOON = 10.0


class BatchFace:
    """Answers with the work's own audio; waits at the gate when it is closed."""

    name = "face"
    max_batch = 4

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.lost = 0

    def load(self) -> None: ...

    def close(self) -> None: ...

    def probe(self) -> AnalyseWork:
        return AnalyseWork(b"")

    def units(self, work: AnalyseWork) -> float:
        return 1.0

    def run(self, batch: Sequence[AnalyseWork]) -> Sequence[MouthFrames | PolytalkError]:
        self.batches.append([work.audio for work in batch])
        self.entered.set()
        assert self.gate.wait(SOON)
        if any(work.audio == b"defect" for work in batch):
            raise ZeroDivisionError("division by zero")
        results = [
            Unspeakable("nothing to move to") if work.audio == b"bad" else MouthFrames(work.audio) for work in batch
        ]
        return results[: len(results) - self.lost]

    async def busy(self) -> None:
        """Wait until a batch runs."""
        assert await asyncio.to_thread(self.entered.wait, SOON)
        self.entered.clear()


@asynccontextmanager
async def working(engine: BatchFace, cores: int = 1) -> AsyncIterator[MemoryBroker]:
    broker, pool = MemoryBroker(), Pool(cores)
    worker = asyncio.create_task(BatchWorker(Stage.ANALYSE, engine, broker, pool, RealClock()).run())
    await asyncio.sleep(0)
    try:
        yield broker
    finally:
        engine.gate.set()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        pool.close()


def asking(audio: bytes, **fields: object) -> Job:
    return job(work=AnalyseWork(audio), **({"deadline": RealClock().now() + 60} | fields))


async def publish(broker: MemoryBroker, *jobs: Job) -> None:
    for one in jobs:
        await broker.publish(one)


async def answers(broker: MemoryBroker, count: int) -> dict[str, Chunk]:
    async with asyncio.timeout(SOON):
        found: list[Chunk] = []
        while len(found) < count:
            found += await broker.chunks("dialogue")
    assert all(chunk.final and chunk.sequence == 0 for chunk in found)
    return {chunk.job: chunk for chunk in found}


async def test_every_job_gets_its_own_result() -> None:
    async with working(BatchFace()) as broker:
        jobs = [asking(bytes([n])) for n in range(20)]
        await publish(broker, *jobs)
        found = await answers(broker, 20)
        assert {one.id: found[one.id].result for one in jobs} == {
            one.id: MouthFrames(bytes([n])) for n, one in enumerate(jobs)
        }


async def test_jobs_that_wait_together_run_together_but_no_more_than_the_engine_takes() -> None:
    engine = BatchFace()
    engine.gate.clear()
    async with working(engine) as broker:
        await publish(broker, asking(b"first"))
        await engine.busy()
        await publish(broker, *(asking(bytes([n])) for n in range(6)))
        engine.gate.set()
        await answers(broker, 7)
        assert engine.batches[0] == [b"first"]
        assert sum(map(len, engine.batches)) == 7
        assert max(map(len, engine.batches)) == 4


async def test_a_work_that_cannot_be_done_spoils_no_other() -> None:
    async with working(BatchFace()) as broker:
        bad, good = asking(b"bad"), asking(b"good")
        await publish(broker, bad, good)
        found = await answers(broker, 2)
        assert found[bad.id].result == Failure("unspeakable_text", "nothing to move to")
        assert found[good.id].result == MouthFrames(b"good")


async def test_an_engines_defect_fails_the_batch_and_not_the_worker(caplog: pytest.LogCaptureFixture) -> None:
    async with working(BatchFace()) as broker:
        broken = asking(b"defect")
        await publish(broker, broken)
        assert (await answers(broker, 1))[broken.id].result == Failure("engine_failed", "face failed: division by zero")
        await publish(broker, asking(b"good"))
        assert [chunk.result for chunk in (await answers(broker, 1)).values()] == [MouthFrames(b"good")]
    assert "engine face failed on a batch of 1" in caplog.text


async def test_an_engine_that_gives_too_few_results_fails_the_batch_and_not_the_worker(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = BatchFace()
    engine.lost = 1
    async with working(engine) as broker:
        await publish(broker, asking(b"one"))
        [chunk] = (await answers(broker, 1)).values()
        assert chunk.result == Failure("engine_failed", "face failed: 0 results for 1 works")
        engine.lost = 0
        await publish(broker, asking(b"good"))
        await answers(broker, 1)
    assert "engine face failed" in caplog.text


async def test_jobs_interrupted_while_they_wait_are_never_run() -> None:
    engine = BatchFace()
    engine.gate.clear()
    async with working(engine) as broker:
        await publish(broker, asking(b"running", session="other"))
        await engine.busy()
        await publish(broker, asking(b"dead", generation=0), asking(b"left", session="left"))
        await asyncio.sleep(0)
        await broker.cancel("sess", 1)
        await broker.forget("left")
        await publish(broker, asking(b"alive", generation=1))
        engine.gate.set()
        await answers(broker, 2)
        assert engine.batches == [[b"running"], [b"alive"]]


async def test_a_worker_that_waits_for_company_survives_when_all_it_waits_with_is_interrupted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held: list[float | None] = [RealClock().now() + SOON, None, None]
    monkeypatch.setattr(BatchWorker, "_hold", lambda worker, batch: held.pop() if held else None)
    engine, broker, pool = BatchFace(), MemoryBroker(), Pool(1)
    worker = BatchWorker(Stage.ANALYSE, engine, broker, pool, RealClock())
    running = asyncio.create_task(worker.run())
    for audio in (b"first", b"second"):  # so that it knows how often jobs come
        await publish(broker, asking(audio))
        await answers(broker, 1)
    await publish(broker, asking(b"alone", session="one"))
    while held:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    await broker.cancel("one", 1)
    worker.desk.changed.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    following = asking(b"next", session="two")
    await publish(broker, following)
    assert (await answers(broker, 1))[following.id].result == MouthFrames(b"next")
    assert engine.batches == [[b"first"], [b"second"], [b"next"]]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    pool.close()


async def test_what_a_batch_made_for_a_job_that_died_in_it_is_not_delivered() -> None:
    engine = BatchFace()
    engine.gate.clear()
    async with working(engine) as broker:
        await publish(broker, asking(b"dies", generation=0))
        await engine.busy()
        await broker.cancel("sess", 1)
        await publish(broker, asking(b"alive", generation=1))
        engine.gate.set()
        [chunk] = (await answers(broker, 1)).values()
        assert chunk.result == MouthFrames(b"alive")


async def test_as_many_batches_run_at_once_as_there_are_cores() -> None:
    engine = BatchFace()
    engine.max_batch = 1
    engine.gate.clear()
    async with working(engine, cores=2) as broker:
        await publish(broker, *(asking(bytes([n])) for n in range(3)))
        while len(engine.batches) < 2:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert len(engine.batches) == 2
        engine.gate.set()
        await answers(broker, 3)


async def test_a_slot_kept_for_vips_is_free_when_one_comes() -> None:
    engine = BatchFace()
    engine.max_batch = 1
    engine.gate.clear()
    broker, pool, vip_pool = MemoryBroker(), Pool(1), Pool(1)
    worker = BatchWorker(Stage.ANALYSE, engine, broker, pool, RealClock(), vip_pool=vip_pool)
    running = asyncio.create_task(worker.run())
    await asyncio.sleep(0)
    await publish(broker, *(asking(bytes([n])) for n in range(3)))
    await engine.busy()
    await publish(broker, asking(b"vip", tier=Tier.VIP))
    await engine.busy()
    assert engine.batches[1] == [b"vip"]
    assert len(engine.batches) == 2
    engine.gate.set()
    await answers(broker, 4)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    pool.close()
    vip_pool.close()

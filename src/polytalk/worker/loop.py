"""The two worker loops: one for engines that compute batches, one for engines that stream."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

from polytalk.broker.base import Broker
from polytalk.clock import Clock
from polytalk.engines.base import BatchEngine, StreamEngine
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.schedule.batch import form
from polytalk.schedule.cost import Cost
from polytalk.schedule.order import order
from polytalk.types import Chunk, Failure, Generation, Job, Result, Seconds, Stage
from polytalk.worker.pool import Pool

log = logging.getLogger(__name__)

PREFETCH = 256
"""Jobs a worker takes from the broker ahead of running them: what its policy can choose among."""


class _Desk:
    """What both loops share: the jobs at hand, and how answers leave."""

    def __init__(self, stage: Stage, name: str, broker: Broker, clock: Clock) -> None:
        self.stage = stage
        self.name = name
        self.broker = broker
        self.clock = clock
        self.cost = Cost()
        self.jobs: dict[str, Job] = {}
        self._changed = asyncio.Event()

    async def receive(self) -> None:
        """Take jobs from the broker for as long as the worker runs."""
        while True:
            room = PREFETCH - len(self.jobs)
            if room <= 0:
                self._changed.clear()
                await self._changed.wait()
                continue
            for job in await self.broker.receive(self.stage, self.name, room):
                self.jobs[job.id] = job
            self._changed.set()

    async def some(self) -> None:
        """Wait until there is a job."""
        while not self.jobs:
            self._changed.clear()
            await self._changed.wait()

    def take(self, job: Job) -> None:
        """The job leaves the desk, to be run or dropped."""
        self.jobs.pop(job.id, None)
        self._changed.set()

    async def drop_dead(self) -> None:
        """Cancelled jobs are dropped unrun."""
        for job in [job for job in self.jobs.values() if not self.broker.alive(job)]:
            self.take(job)
            await self.broker.done(job)

    def ordered(self) -> list[Job]:
        """The jobs, first to run first."""
        return order(self.jobs.values(), self.clock.now(), self.cost.predict(1.0))

    def most_urgent(self) -> Seconds:
        """The earliest deadline at hand."""
        return min((job.deadline for job in self.jobs.values()), default=float("inf"))

    async def answer(
        self, job: Job, sequence: int, result: Result | None, *, final: bool, queued: Seconds, computed: Seconds
    ) -> None:
        """Send one piece of a job's result."""
        await self.broker.reply(
            Chunk(
                job=job.id,
                session=job.session,
                generation=job.generation,
                sequence=sequence,
                result=result,
                final=final,
                reply_to=job.reply_to,
                queued=queued,
                computed=computed,
            )
        )


class BatchWorker:
    """Runs a `BatchEngine`: forms a batch when a slot of the pool is its own, not before."""

    def __init__(self, stage: Stage, engine: BatchEngine[Any, Any], broker: Broker, pool: Pool, clock: Clock) -> None:
        self.engine = engine
        self.pool = pool
        self.desk = _Desk(stage, engine.name, broker, clock)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.desk.receive())
            while True:
                await self.desk.some()
                await self.pool.acquire(self.desk.most_urgent)
                batch = await self._form()
                if batch:
                    group.create_task(self._run(batch))
                else:
                    self.pool.release()

    async def _form(self) -> list[Job]:
        await self.desk.drop_dead()
        batch = form(self.desk.ordered(), self.desk.clock.now(), self.desk.cost, self._units, self.engine.max_batch)
        for job in batch:
            self.desk.take(job)
        return batch

    def _units(self, job: Job) -> float:
        return self.engine.units(job.work)

    async def _run(self, batch: Sequence[Job]) -> None:
        started = self.desk.clock.now()
        works = [job.work for job in batch]
        results: Sequence[Result | PolytalkError]
        try:
            results = await self.pool.run(lambda: self.engine.run(works))
        except Exception as error:  # an engine's defect must not end the worker, nor leave a listener waiting
            log.exception("engine %s failed on a batch of %d", self.engine.name, len(batch))
            results = [EngineFailed(f"{self.engine.name} failed: {error}")] * len(batch)
        took = self.desk.clock.now() - started
        self.desk.cost.observe(sum(map(self._units, batch)), took)
        for job, result in zip(batch, results, strict=True):
            await self.desk.answer(
                job, 0, as_result(result), final=True, queued=started - job.created, computed=took / len(batch)
            )
            await self.desk.broker.done(job)


class StreamWorker:
    """Runs a `StreamEngine`: as many streams as it has slots, each stopped as soon as its job is dead."""

    def __init__(self, stage: Stage, engine: StreamEngine[Any, Any], broker: Broker, clock: Clock) -> None:
        self.engine = engine
        self.desk = _Desk(stage, engine.name, broker, clock)
        self._free = asyncio.Semaphore(engine.slots)
        self._running: dict[str, tuple[Job, asyncio.Task[None]]] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        stop_listening = self.desk.broker.on_cancel(self._on_cancel)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.desk.receive())
                while True:
                    await self.desk.some()
                    await self._free.acquire()
                    await self.desk.drop_dead()
                    ready = self.desk.ordered()
                    if not ready:
                        self._free.release()
                        continue
                    job = ready[0]
                    self.desk.take(job)
                    self._running[job.id] = (job, group.create_task(self._stream(job)))
        finally:
            stop_listening()

    def _on_cancel(self, session: str, generation: Generation) -> None:
        for job, task in list(self._running.values()):
            if job.session == session and job.generation < generation:
                task.cancel()

    async def _stream(self, job: Job) -> None:
        started = self.desk.clock.now()
        queued = started - job.created
        sequence = 0
        failure: Failure | None = None
        try:
            async with aclosing(self.engine.stream(job.work)) as results:  # type: ignore[type-var]
                async for result in results:
                    computed = self.desk.clock.now() - started
                    await self.desk.answer(job, sequence, result, final=False, queued=queued, computed=computed)
                    sequence += 1
        except PolytalkError as error:
            failure = as_failure(error)
        except Exception as error:
            log.exception("engine %s failed", self.engine.name)
            failure = as_failure(EngineFailed(f"{self.engine.name} failed: {error}"))
        finally:
            self._running.pop(job.id, None)
            self._free.release()
            await self.desk.broker.done(job)
        took = self.desk.clock.now() - started
        self.desk.cost.observe(self.engine.units(job.work), took)
        await self.desk.answer(job, sequence, failure, final=True, queued=queued, computed=took)


def as_failure(error: PolytalkError) -> Failure:
    """An error as data."""
    return Failure(error.code, error.message)


def as_result(result: Result | PolytalkError) -> Result:
    """An engine's answer for one work as data."""
    return as_failure(result) if isinstance(result, PolytalkError) else result

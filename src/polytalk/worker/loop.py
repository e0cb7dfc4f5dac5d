"""The two worker loops: one for engines that compute batches, one for engines that stream."""

import asyncio
import logging
from collections import Counter
from collections.abc import Sequence
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

from polytalk.broker.base import Broker
from polytalk.clock import Clock
from polytalk.engines.base import BatchEngine, StreamEngine
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.schedule.batch import Batch, form
from polytalk.schedule.cost import Cost
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.window import Arrivals, Release, hold
from polytalk.types import Chunk, Failure, Generation, Job, Result, Seconds, Stage
from polytalk.worker.pool import Pool

log = logging.getLogger(__name__)

PREFETCH = 256
"""Jobs a worker takes from the broker ahead of running them: what its policy can choose among."""


class _Desk:
    """What both loops share: the jobs at hand in the policy's order, and how answers leave."""

    def __init__(self, stage: Stage, name: str, broker: Broker, clock: Clock, queue: ReadyQueue) -> None:
        self.stage = stage
        self.name = name
        self.broker = broker
        self.clock = clock
        self.queue = queue
        self.cost = Cost()
        self.arrivals = Arrivals()
        self.changed = asyncio.Event()
        self._dead: list[Job] = []

    async def receive(self) -> None:
        """Take jobs from the broker for as long as the worker runs."""
        while True:
            room = PREFETCH - len(self.queue)
            if room <= 0:
                self.changed.clear()
                await self.changed.wait()
                continue
            for job in await self.broker.receive(self.stage, self.name, room):
                self.arrivals.note(self.clock.now())
                if self.broker.alive(job):  # it may have died on its way
                    self.queue.push(job)
                else:
                    self._dead.append(job)
            self.changed.set()

    async def some(self) -> None:
        """Wait until there is a job."""
        while True:
            while self._dead:
                await self.broker.done(self._dead.pop())
            if self.queue:
                return
            self.changed.clear()
            await self.changed.wait()

    def on_cancel(self, session: str, generation: Generation) -> None:
        """Cancelled jobs are dropped unrun. At once: the broker forgets a session that is over, `alive` with it."""
        for job in [job for job in self.queue if job.session == session and job.generation < generation]:
            self.queue.remove(job)
            self._dead.append(job)
        self.changed.set()

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

    def __init__(
        self,
        stage: Stage,
        engine: BatchEngine[Any, Any],
        broker: Broker,
        pool: Pool,
        clock: Clock,
        queue: ReadyQueue | None = None,
    ) -> None:
        self.engine = engine
        self.pool = pool
        self.desk = _Desk(stage, engine.name, broker, clock, ReadyQueue() if queue is None else queue)
        self.releases: Counter[Release] = Counter()
        """Why batches were let go, for the metrics."""

    async def run(self) -> None:
        """Serve until cancelled."""
        stop_listening = self.desk.broker.on_cancel(self.desk.on_cancel)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.desk.receive())
                await self._serve(group)
        finally:
            stop_listening()

    async def _serve(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self.desk.some()
            await self.pool.acquire(self.desk.queue.earliest)
            batch = form(self.desk.queue, self.desk.clock.now(), self.desk.cost, self._units, self.engine.max_batch)
            if not batch.jobs:
                self.pool.release()
            elif (until := self._hold(batch)) is not None:
                self.pool.release()
                await self._wait_for_more(batch, until)
            else:
                self.desk.changed.set()
                group.create_task(self._run(batch.jobs))

    def _hold(self, batch: Batch) -> Seconds | None:
        """Until when to wait for one more job; None to run now."""
        now = self.desk.clock.now()
        if batch.reason is not Release.IDLE:
            self.releases[batch.reason] += 1
            return None
        decision = hold(
            now,
            oldest=min(job.created for job in batch.jobs),
            size=len(batch.jobs),
            max_size=self.engine.max_batch,
            gap=self.desk.arrivals.gap(now),
            saving=self.desk.cost.saving(batch.units, len(batch.jobs)),
            slack=batch.due - now,
        )
        if decision.reason is not None:
            self.releases[decision.reason] += 1
        return decision.until

    async def _wait_for_more(self, batch: Batch, until: Seconds) -> None:
        for job in batch.jobs:
            self.desk.queue.push(job)
        self.desk.changed.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.desk.changed.wait(), max(0.0, until - self.desk.clock.now()))

    def _units(self, job: Job) -> float:
        return self.engine.units(job.work)

    async def _run(self, batch: Sequence[Job]) -> None:
        started = self.desk.clock.now()
        works = [job.work for job in batch]
        results: Sequence[Result | PolytalkError]
        try:
            results = await self.pool.run(lambda: self.engine.run(works))
            if len(results) != len(works):
                raise ValueError(f"{len(results)} results for {len(works)} works")
        except Exception as error:  # an engine's defect must not end the worker, nor leave a listener waiting
            log.exception("engine %s failed on a batch of %d", self.engine.name, len(batch))
            results = [EngineFailed(f"{self.engine.name} failed: {error}")] * len(batch)
        took = self.desk.clock.now() - started
        self.desk.cost.observe(sum(map(self._units, batch)), took, len(batch))
        for job, result in zip(batch, results, strict=True):
            self.desk.queue.charge(job, took / len(batch), started + took)
            await self.desk.answer(
                job, 0, as_result(result), final=True, queued=started - job.created, computed=took / len(batch)
            )
            await self.desk.broker.done(job)


@dataclass(eq=False)
class _Stream:
    """A job at a streaming engine."""

    job: Job
    task: asyncio.Task[None] | None = None
    begun: bool = False
    dead: bool = False

    def stop(self) -> None:
        """End it. A task cancelled before its first step would run no clean-up, and keep its slot for ever."""
        self.dead = True
        if self.begun and self.task is not None:
            self.task.cancel()


class StreamWorker:
    """Runs a `StreamEngine`: as many streams as it has slots, each stopped as soon as its job is dead."""

    def __init__(
        self,
        stage: Stage,
        engine: StreamEngine[Any, Any],
        broker: Broker,
        clock: Clock,
        queue: ReadyQueue | None = None,
    ) -> None:
        self.engine = engine
        self.desk = _Desk(stage, engine.name, broker, clock, ReadyQueue() if queue is None else queue)
        self._free = asyncio.Semaphore(engine.slots)
        self._running: dict[str, _Stream] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        stop_listening = self.desk.broker.on_cancel(self._on_cancel)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.desk.receive())
                while True:
                    await self.desk.some()
                    await self._free.acquire()
                    job = self.desk.queue.head(self.desk.clock.now(), self.desk.cost.predict(1.0))
                    if job is None:
                        self._free.release()
                        continue
                    self.desk.queue.remove(job)
                    self.desk.changed.set()
                    stream = self._running[job.id] = _Stream(job)
                    stream.task = group.create_task(self._stream(stream))
        finally:
            stop_listening()

    def _on_cancel(self, session: str, generation: Generation) -> None:
        self.desk.on_cancel(session, generation)
        for stream in self._running.values():
            if stream.job.session == session and stream.job.generation < generation:
                stream.stop()

    async def _stream(self, stream: "_Stream") -> None:
        stream.begun = True
        job = stream.job
        started = self.desk.clock.now()
        queued = started - job.created
        sequence = 0
        failure: Failure | None = None
        try:
            if stream.dead:
                return
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
            del self._running[job.id]
            self._free.release()
            await self.desk.broker.done(job)
        took = self.desk.clock.now() - started
        self.desk.cost.observe(self.engine.units(job.work), took)
        self.desk.queue.charge(job, took / self.engine.slots, started + took)
        await self.desk.answer(job, sequence, failure, final=True, queued=queued, computed=took)


def as_failure(error: PolytalkError) -> Failure:
    """An error as data."""
    return Failure(error.code, error.message)


def as_result(result: Result | PolytalkError) -> Result:
    """An engine's answer for one work as data."""
    return as_failure(result) if isinstance(result, PolytalkError) else result

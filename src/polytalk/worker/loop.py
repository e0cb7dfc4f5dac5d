"""The two worker loops: one for engines that compute batches, one for engines that stream."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from polytalk.broker.base import Broker
from polytalk.clock import Clock
from polytalk.engines.base import BatchEngine, StreamEngine
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.schedule.batch import Batch, form
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.window import Hold, Release, hold, outlook
from polytalk.types import Failure, Generation, Job, Result, Seconds, Stage, Tier
from polytalk.worker.desk import Desk
from polytalk.worker.pool import Pool
from polytalk.worker.stats import WorkerStats, read

log = logging.getLogger(__name__)

TINY = 1e-9
"""Units of a work without any: a batch of such is shared evenly."""


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
        vip_pool: Pool | None = None,
    ) -> None:
        """`vip_pool`: slots beside the pool's that nobody but vips may use, so that one is free when a vip comes."""
        self.engine = engine
        self.pool = pool
        self.vip_pool = vip_pool
        self.desk = Desk(stage, engine.name, broker, clock, ReadyQueue() if queue is None else queue)
        self.releases: Counter[Release] = Counter()
        """Why batches were let go, for the metrics."""
        self.window: Callable[..., Hold] = hold
        """The policy of waiting for one more; benchmarks compare it with others."""
        self._batches = 0

    async def run(self) -> None:
        """Serve until cancelled."""
        stop_listening = self.desk.listen(self.desk.on_cancel)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.desk.receive())
                if self.vip_pool is not None:
                    group.create_task(self._serve_vips(group, self.vip_pool))
                await self._serve(group)
        finally:
            stop_listening()

    async def _serve(self, group: asyncio.TaskGroup) -> None:
        while True:
            await self.desk.some()
            await self.pool.acquire(self.desk.queue.earliest)
            vips_only = self.vip_pool is not None and self._vip_next()
            batch = self._form(vips_only=vips_only)
            if not batch.jobs:
                self.pool.release()
            elif not vips_only and (until := self._hold(batch)) is not None:
                self.pool.release()
                await self._wait_for_more(batch, until)
            else:
                self._start(batch.jobs, self.pool, group)

    async def _serve_vips(self, group: asyncio.TaskGroup, pool: Pool) -> None:
        """Vips among themselves, and without a window: company would make them late."""
        while True:
            await self.desk.some_vip()
            await pool.acquire(self.desk.queue.earliest)
            batch = self._form(vips_only=True)
            if batch.jobs:
                self._start(batch.jobs, pool, group)
            else:  # others took them meanwhile
                pool.release()

    def _vip_next(self) -> bool:
        head = self.desk.queue.head(self.desk.clock.now(), self.desk.cost.predict(1.0))
        return head is not None and head.tier is Tier.VIP and not head.speculative

    def _form(self, *, vips_only: bool) -> Batch:
        desk = self.desk
        now, most = desk.clock.now(), self.engine.max_batch
        apart = self.vip_pool is not None
        batch = form(desk.queue, now, desk.cost, self._units, most, vips_only=vips_only, vips_apart=apart)
        if vips_only and batch.jobs:
            self.releases[batch.reason] += 1
        return batch

    def _hold(self, batch: Batch) -> Seconds | None:
        """Until when to wait for one more job; None to run now."""
        if batch.reason is not Release.IDLE:
            self.releases[batch.reason] += 1
            return None
        decision = self._decide(batch, len(batch.jobs))
        if decision.reason is not None:
            self.releases[decision.reason] += 1
        return decision.until

    def _decide(self, batch: Batch, size: int) -> Hold:
        """For the batch, once `size` jobs like its own are in it."""
        now, each, most = self.desk.clock.now(), batch.units / len(batch.jobs), self.engine.max_batch
        seen = outlook(
            self.desk.cost,
            self.desk.arrivals,
            now,
            each=each,
            size=size,
            max_size=most,
            cores=self.pool.cores,
            due=batch.due,
        )
        return self.window(
            now,
            oldest=min(job.created for job in batch.jobs),
            size=size,
            max_size=most,
            gap=seen.gap,
            saving=seen.saving,
            slack=seen.slack,
        )

    async def _wait_for_more(self, batch: Batch, until: Seconds | None) -> None:
        """Look again at every arrival, without forming a batch anew each time: that would cost what waiting saves."""
        queue, due = self.desk.queue, min(job.deadline for job in batch.jobs)
        for job in batch.jobs:
            queue.push(job)
        while until is not None and len(queue) > 0 and queue.earliest() >= due:
            self.desk.changed.clear()
            try:
                async with asyncio.timeout(max(0.0, until - self.desk.clock.now())):
                    await self.desk.changed.wait()
            except TimeoutError:
                return
            until = self._decide(batch, len(queue)).until if len(queue) else None  # all of them may have been cancelled

    def stats(self) -> WorkerStats:
        """A reading for the metrics."""
        return read(self.desk, self._batches, self.releases)

    def _units(self, job: Job) -> float:
        return self.engine.units(job.work)

    def _start(self, batch: Sequence[Job], pool: Pool, group: asyncio.TaskGroup) -> None:
        """Compute at once, not in a task: the answers of the batch before would be handed out first."""
        self.desk.changed.set()  # there is room for more
        works = [job.work for job in batch]
        computing = pool.start(lambda: self.engine.run(works))
        group.create_task(self._answer(batch, self.desk.clock.now(), computing))

    async def _answer(
        self, batch: Sequence[Job], started: Seconds, computing: "asyncio.Future[Sequence[Result | PolytalkError]]"
    ) -> None:
        self._batches += 1
        try:
            results = await computing
            if len(results) != len(batch):
                raise ValueError(f"{len(results)} results for {len(batch)} works")
        except Exception as error:  # an engine's defect must not end the worker, nor leave a listener waiting
            log.exception("engine %s failed on a batch of %d", self.engine.name, len(batch))
            results = [EngineFailed(f"{self.engine.name} failed: {error}")] * len(batch)
        self._batches -= 1
        took = self.desk.clock.now() - started
        units = [max(self._units(job), TINY) for job in batch]
        total = sum(units)
        self.desk.cost.observe(total, took, len(batch))
        for job, size, result in zip(batch, units, results, strict=True):
            # By size: else who asks for much is paid for by those whose work runs with it.
            queued, share = started - job.created, took * size / total
            self.desk.queue.charge(job, share, started + took)
            self.desk.account(queued=queued, computed=share)
            self.desk.note_guess(job, share)
            await self.desk.answer(job, 0, as_result(result), final=True, queued=queued, computed=share)
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
        self.desk = Desk(stage, engine.name, broker, clock, ReadyQueue() if queue is None else queue)
        self._free = asyncio.Semaphore(engine.slots)
        self._running: dict[str, _Stream] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        stop_listening = self.desk.listen(self._on_cancel)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.desk.receive())
                while True:
                    await self.desk.some()
                    await self._free.acquire()
                    job = self.desk.queue.head(self.desk.clock.now(), self.desk.cost.typical())
                    if job is None:
                        self._free.release()
                        continue
                    self.desk.queue.take(job, self._share(self.desk.cost.predict(self.engine.units(job.work))))
                    self.desk.changed.set()
                    stream = self._running[job.id] = _Stream(job)
                    stream.task = group.create_task(self._stream(stream))
        finally:
            stop_listening()

    def stats(self) -> WorkerStats:
        """A reading for the metrics."""
        return read(self.desk, len(self._running), Counter(), self.engine.slots)

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
            took = self.desk.clock.now() - started
            self.desk.queue.charge(job, self._share(took), started + took)  # also when it was interrupted
            self.desk.note_guess(job, took)
            del self._running[job.id]
            self._free.release()
            await self.desk.broker.done(job)
        self.desk.cost.observe(self.engine.units(job.work), took)
        self.desk.account(queued=queued, computed=took)
        await self.desk.answer(job, sequence, failure, final=True, queued=queued, computed=took)

    def _share(self, took: Seconds) -> Seconds:
        """Compute-seconds of a stream that took so long: its slot's part of the engine."""
        return took / self.engine.slots


def as_failure(error: PolytalkError) -> Failure:
    """An error as data."""
    return Failure(error.code, error.message)


def as_result(result: Result | PolytalkError) -> Result:
    """An engine's answer for one work as data."""
    return as_failure(result) if isinstance(result, PolytalkError) else result

"""All workers of a process: their engines loaded, warmed, and run."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import aclosing
from typing import Any, TypeAlias

from msgspec import Struct

from polytalk.broker.base import Broker
from polytalk.clock import Clock
from polytalk.engines.base import BatchEngine, Resident
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.schedule.bank import Bank
from polytalk.schedule.fairshare import FairShare
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.runs import Pressure
from polytalk.types import Seconds, Stage
from polytalk.worker.loop import BatchWorker, StreamWorker
from polytalk.worker.pool import Pool
from polytalk.worker.stats import WorkerStats

log = logging.getLogger(__name__)


class Progress(Struct, frozen=True):
    """One step of getting ready."""

    engine: str
    step: str
    """"load", "warm", or "ready"."""
    seconds: Seconds = 0.0


OnProgress: TypeAlias = Callable[[Progress], None]


class WorkerGroup:
    """The engines of this process, each with its worker, sharing one pool of cores."""

    def __init__(
        self,
        engines: Sequence[tuple[Stage, Any]],
        broker: Broker,
        pool: Pool,
        clock: Clock,
        bank: Bank | None = None,
        vip_pool: Pool | None = None,
    ) -> None:
        """`vip_pool`: slots beside the pool's that are kept for vips, on machines with cores to spare."""
        self.fair = fair = FairShare()  # one for all stages, as the bank is: a share is of the machine, not of a queue
        self.pool = pool
        self._vip_pool = vip_pool
        self._clock = clock
        self._workers: list[BatchWorker | StreamWorker] = [
            BatchWorker(stage, engine, broker, pool, clock, ReadyQueue(fair, bank), vip_pool)
            if isinstance(engine, BatchEngine)
            else StreamWorker(stage, engine, broker, clock, ReadyQueue(fair, bank))
            for stage, engine in engines
        ]
        self._by_queue = {(worker.desk.stage, worker.engine.name): worker for worker in self._workers}
        self.ready: dict[str, bool] = {self._label(worker): False for worker in self._workers}

    @property
    def engines(self) -> list[Resident]:
        """The engines, in the order they are prepared."""
        return [worker.engine for worker in self._workers]

    @property
    def staged(self) -> list[tuple[Stage, Resident]]:
        """The engines with their stages."""
        return [(worker.desk.stage, worker.engine) for worker in self._workers]

    @property
    def waiting(self) -> bool:
        """Whether a job waits at any engine."""
        return any(worker.desk.queue for worker in self._workers)

    def stats(self) -> list[WorkerStats]:
        """How each worker does, for the metrics."""
        return [worker.stats() for worker in self._workers]

    def economy(self, stage: Stage) -> float:
        """What a job of the stage costs in full batches / what jobs cost of late, of its busiest engine."""
        workers = [one for one in self._workers if one.desk.stage == stage and isinstance(one, BatchWorker)]
        busiest = max(workers, key=lambda one: one.desk.computed, default=None)
        return busiest.desk.cost.economy(busiest.engine.max_batch) if busiest else 1.0

    def pressure(self, stage: Stage, engine: str) -> Pressure:
        """How busy an engine is, and what its work costs. Raises KeyError for one that is not here."""
        worker = self._by_queue[stage, engine]
        slots = worker.engine.slots if isinstance(worker, StreamWorker) else worker.pool.cores
        return worker.desk.pressure(slots)

    async def prepare(self, on_progress: OnProgress) -> None:
        """Load every engine and have each answer once. Raises SetupError, EngineFailed.

        One after another: loading is bound by disk and memory, and a message must name the engine it is about.
        """
        for worker in self._workers:
            label = self._label(worker)
            began = self._clock.now()
            on_progress(Progress(label, "load"))
            await asyncio.to_thread(worker.engine.load)
            on_progress(Progress(label, "warm"))
            await self._answer_once(worker)
            self.ready[label] = True
            on_progress(Progress(label, "ready", self._clock.now() - began))

    async def run(self) -> None:
        """Serve until cancelled; then close the engines."""
        try:
            async with asyncio.TaskGroup() as group:
                for worker in self._workers:
                    group.create_task(worker.run())
        finally:
            self.close()

    def close(self) -> None:
        """Give models and threads back."""
        self.pool.close()
        if self._vip_pool is not None:
            self._vip_pool.close()
        for worker in self._workers:
            close_quietly(worker.engine)

    async def _answer_once(self, worker: BatchWorker | StreamWorker) -> None:
        work = worker.engine.probe()
        if isinstance(worker, BatchWorker):
            (result,) = await asyncio.to_thread(worker.engine.run, [work])
            if isinstance(result, PolytalkError):
                raise EngineFailed(f"{worker.engine.name} can't answer a first request: {result.message}")
        else:
            async with aclosing(worker.engine.stream(work)) as results:  # type: ignore[type-var]
                async for _ in results:
                    pass

    @staticmethod
    def _label(worker: BatchWorker | StreamWorker) -> str:
        return f"{worker.desk.stage}/{worker.engine.name}"


def close_quietly(engine: Resident) -> None:
    """Close an engine; a failure to do so is logged, as there is nobody left to handle it."""
    try:
        engine.close()
    except Exception:
        log.exception("closing %s", engine.name)

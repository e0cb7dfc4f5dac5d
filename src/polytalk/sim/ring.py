"""The policy ring at one simulated engine, asked as `worker.loop` asks it."""

from collections import Counter
from collections.abc import Sized
from dataclasses import replace

from polytalk.schedule.bank import Bank
from polytalk.schedule.batch import form
from polytalk.schedule.cost import Cost
from polytalk.schedule.fairshare import FairShare
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.runs import Pressure, length
from polytalk.schedule.window import Arrivals, Release, hold, outlook
from polytalk.sim.task import Task, units_of
from polytalk.types import Seconds

LONGEST_RUN: Seconds = 1.0
"""As `dialogue.faces.face` has it."""
LEARNING = 200
"""Batches of which every one is learnt from; later one in `SAMPLE`. What engines cost does not change in a simulation,
and each lesson fits a line anew, which would take most of its time."""
SAMPLE = 32


class _Sole(FairShare):
    """Of one tenant: there is nobody to share with."""

    def arrive(self, tenant: str) -> None:
        """Is not counted."""

    def leave(self, tenant: str) -> None:
        """Is not counted."""

    def charge(self, tenant: str, cost: Seconds, weight: float) -> None:
        """Is not counted."""


class RingDesk:
    """Calls the policy ring as `worker.loop` does."""

    def __init__(
        self,
        max_batch: int,
        *,
        cores: int = 1,
        slots: int | None = None,
        bank: Bank | None = None,
        shared: bool = True,
    ) -> None:
        """`cores`: batches side by side. `slots` of an engine that streams.

        `shared` by several tenants: else there are no shares to keep.
        """
        self.max_batch = max_batch
        self.cores = cores
        self.slots = slots
        self.shared = shared
        self.queue = ReadyQueue(FairShare() if shared else _Sole(), bank=bank)
        self.waiting: Sized = self.queue.jobs
        self.cost = Cost()
        self.arrivals = Arrivals()
        self.releases: Counter[Release] = Counter()
        self._batches = 0
        self._due: Seconds = 0.0
        self._held: tuple[Seconds, float, Seconds] = (0.0, 0.0, 0.0)
        """Of the batch that waits for more: its oldest job's arrival, the size of a job, by when it must start."""

    def push(self, task: Task) -> None:
        """See Desk."""
        self.arrivals.note(task.created)
        self.queue.push(task)

    def lone(self, task: Task, now: Seconds) -> Seconds | None:
        """See Desk."""
        if self.shared:
            self.push(task)
            _, until = self.take(now)
            return until
        if self.max_batch == 1:
            return None
        self.arrivals.note(now)
        alone = self.cost.predict(task.units)
        due = task.deadline - alone if now + alone <= task.deadline else float("inf")
        until = self._hold(now, now, 1, task.units, due)
        if until is not None:
            self._due, self._held = task.deadline, (now, task.units, due)
            self.queue.push(task)
        return until

    def run(self, left: Seconds, usual: Seconds, cost: Pressure, now: Seconds, slack: Seconds) -> Seconds:
        """See Desk."""
        return length(left, replace(cost, waiting=len(self.queue), gap=self.arrivals.gap(now)), slack, LONGEST_RUN)

    def discard(self, task: Task) -> bool:
        """See Desk."""
        before = len(self.queue)
        self.queue.remove(task)
        return len(self.queue) < before

    def take(self, now: Seconds) -> tuple[list[Task], Seconds | None]:
        """See Desk."""
        if self.slots is not None:
            return self._next_stream(now), None
        batch = form(self.queue, now, self.cost, units_of, self.max_batch)
        jobs: list[Task] = batch.jobs  # type: ignore[assignment]  # what was pushed
        if not jobs:
            return [], None
        if batch.reason is not Release.IDLE:
            self.releases[batch.reason] += 1
            return jobs, None
        oldest = min([job.created for job in jobs])
        each = batch.units / len(jobs)
        until = self._hold(now, oldest, len(jobs), each, batch.due)
        if until is None:
            return jobs, None
        self._due, self._held = min([job.deadline for job in jobs]), (oldest, each, batch.due)
        for job in jobs:
            self.queue.push(job)
        return [], until

    def ran(self, batch: list[Task], took: Seconds, now: Seconds) -> None:
        """See Desk. By size: else who asks for much is paid for by those whose work runs with it."""
        total = batch[0].units if len(batch) == 1 else sum([task.units for task in batch])
        self._batches += 1
        if self._batches <= LEARNING or self._batches % SAMPLE == 0:
            self.cost.observe(total, took, len(batch))
        each, queue, shared = took / total / (self.slots or 1), self.queue, self.shared
        for task in batch:
            if shared or task.id in queue.running:  # a lone job of the only tenant is nobody's loss
                queue.charge(task, each * task.units, now)

    def stopped(self, task: Task, took: Seconds, now: Seconds) -> None:
        """See Desk."""
        self.queue.charge(task, took / (self.slots or 1), now)

    def again(self, task: Task, now: Seconds, until: Seconds) -> Seconds | None:
        """See Desk. A batch is not formed anew for each arrival: that would cost what waiting saves."""
        if task.deadline < self._due:
            return None
        oldest, each, due = self._held
        return self._hold(now, oldest, len(self.waiting), each, due)

    def earliest(self) -> Seconds:
        """See Desk."""
        return self.queue.earliest()

    def _next_stream(self, now: Seconds) -> list[Task]:
        assert self.slots is not None
        job = self.queue.head(now, self.cost.typical())
        if job is None:
            return []
        self.queue.take(job, self.cost.predict(units_of(job)) / self.slots)
        return [job]  # type: ignore[list-item]

    def _hold(self, now: Seconds, oldest: Seconds, size: int, each: float, due: Seconds) -> Seconds | None:
        most = self.max_batch
        seen = outlook(
            self.cost, self.arrivals, now, each=each, size=size, max_size=most, cores=self.cores, due=due
        )  # fmt: skip
        decision = hold(
            now, oldest=oldest, size=size, max_size=most, gap=seen.gap, saving=seen.saving, slack=seen.slack
        )  # fmt: skip
        if decision.reason is not None:
            self.releases[decision.reason] += 1
        return decision.until

"""Who goes next, with whom, and when: Polytalk's ring, and what others do, at their best settings.

ours       rescue, fair share, earliest deadline; batches that keep deadlines; a window from arrivals; admission
fifo       one job after another as they came: a model per session, or a queue before a model
greedy     the batcher everybody writes first: all that waits, up to the engine's limit, as it came
bounded    greedy, and turns are refused while too many jobs wait
fixed      a window of so many milliseconds from the oldest job
interval   a window of the mean request interval of the last 10 s
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, cast

from polytalk.schedule.bank import Bank
from polytalk.schedule.batch import form
from polytalk.schedule.cost import Cost
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.window import Arrivals, Release, hold
from polytalk.sim.task import Task, units_of
from polytalk.types import Seconds

Window: TypeAlias = Callable[[Sequence[Seconds]], Seconds]
"""Moments of the arrivals of the last 10 s -> how long the oldest job waits for company."""
MEMORY: Seconds = 10.0


class Desk(Protocol):
    """Jobs that wait at one engine, and the decision about them."""

    releases: Counter[Release]
    """Why batches were let go."""

    def __len__(self) -> int: ...

    def push(self, task: Task) -> None:
        """A job came."""
        ...

    def lone(self, task: Task, now: Seconds) -> Seconds | None:
        """A job finds nobody waiting and a free slot: what `push` and `take` would decide, without the ceremony.

        None: it runs now. Else it was pushed, and this is the moment at which to ask again.
        """
        ...

    def discard(self, task: Task) -> bool:
        """A job died; whether it was still waiting."""
        ...

    def take(self, now: Seconds) -> tuple[list[Task], Seconds | None]:
        """The jobs to run now, or none and the moment at which to ask again."""
        ...

    def ran(self, batch: list[Task], took: Seconds, now: Seconds) -> None:
        """A batch is done."""
        ...

    def stopped(self, task: Task, took: Seconds, now: Seconds) -> None:
        """A stream was interrupted after so long."""
        ...

    def wakes(self, task: Task) -> bool:
        """Whether a job that has just been pushed ends a wait for more."""
        ...

    def earliest(self) -> Seconds:
        """How urgent this desk is, against others of its pool: smaller is more."""
        ...


LEARNING = 200
"""Batches of which every one is learnt from; later one in `SAMPLE`. What engines cost does not change in a simulation,
and each lesson fits a line anew, which would take most of its time."""
SAMPLE = 32


class RingDesk:
    """Calls the policy ring as `worker.loop` does."""

    def __init__(
        self, max_batch: int, *, slots: int | None = None, bank: Bank | None = None, shared: bool = True
    ) -> None:
        """`slots` of an engine that streams. `shared` by several tenants: else there are no shares to keep."""
        self.max_batch = max_batch
        self.slots = slots
        self.shared = shared
        self.queue = ReadyQueue(bank=bank)
        self.cost = Cost()
        self.arrivals = Arrivals()
        self.releases: Counter[Release] = Counter()
        self._batches = 0
        self._due: Seconds = 0.0

    def __len__(self) -> int:
        return len(self.queue)

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
            self._due = task.deadline
            self.queue.push(task)
        return until

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
        jobs = cast(list[Task], batch.jobs)
        if not jobs:
            return [], None
        if batch.reason is not Release.IDLE:
            self.releases[batch.reason] += 1
            return jobs, None
        oldest = min([job.created for job in jobs])
        until = self._hold(now, oldest, len(jobs), batch.units, batch.due)
        if until is None:
            return jobs, None
        self._due = min([job.deadline for job in jobs])
        for job in jobs:
            self.queue.push(job)
        return [], until

    def ran(self, batch: list[Task], took: Seconds, now: Seconds) -> None:
        """See Desk. By size: else who asks for much is paid for by those whose work runs with it."""
        total = sum([task.units for task in batch])
        self._batches += 1
        if self._batches <= LEARNING or self._batches % SAMPLE == 0:
            self.cost.observe(total, took, len(batch))
        each = took / total / (self.slots or 1)
        for task in batch:
            self.queue.charge(task, each * task.units, now)

    def stopped(self, task: Task, took: Seconds, now: Seconds) -> None:
        """See Desk."""
        self.queue.charge(task, took / (self.slots or 1), now)

    def wakes(self, task: Task) -> bool:
        """See Desk."""
        return len(self.queue) >= self.max_batch or task.deadline < self._due

    def earliest(self) -> Seconds:
        """See Desk."""
        return self.queue.earliest()

    def _next_stream(self, now: Seconds) -> list[Task]:
        assert self.slots is not None
        job = self.queue.head(now, self.cost.typical())
        if job is None:
            return []
        self.queue.take(job, self.cost.predict(units_of(job)) / self.slots)
        return [cast(Task, job)]

    def _hold(self, now: Seconds, oldest: Seconds, size: int, units: float, due: Seconds) -> Seconds | None:
        decision = hold(
            now,
            oldest=oldest,
            size=size,
            max_size=self.max_batch,
            gap=self.arrivals.gap(now),
            saving=self.cost.saving(units, size),
            slack=due - now,
        )
        if decision.reason is not None:
            self.releases[decision.reason] += 1
        return decision.until


class PlainDesk:
    """First in, first out; `window` says how long the oldest waits for company."""

    def __init__(self, max_batch: int, window: Window | None = None) -> None:
        self.max_batch = max_batch
        self.window = window
        self.waiting: OrderedDict[str, Task] = OrderedDict()
        self.recent: deque[Seconds] = deque()
        self.releases: Counter[Release] = Counter()

    def __len__(self) -> int:
        return len(self.waiting)

    def push(self, task: Task) -> None:
        """See Desk."""
        self.waiting[task.id] = task
        if self.window is not None:
            self.recent.append(task.created)
            while self.recent[0] < task.created - MEMORY:
                self.recent.popleft()

    def lone(self, task: Task, now: Seconds) -> Seconds | None:
        """See Desk."""
        if self.window is None or self.max_batch == 1:
            return None
        self.push(task)
        until = now + self.window(self.recent)
        if until > now:
            return until
        self.discard(task)
        return None

    def discard(self, task: Task) -> bool:
        """See Desk."""
        return self.waiting.pop(task.id, None) is not None

    def take(self, now: Seconds) -> tuple[list[Task], Seconds | None]:
        """See Desk."""
        if self.window is not None and len(self.waiting) < self.max_batch:
            until = self.earliest() + self.window(self.recent)
            if until > now:
                return [], until
        size = min(len(self.waiting), self.max_batch)
        return [self.waiting.popitem(last=False)[1] for _ in range(size)], None

    def ran(self, batch: list[Task], took: Seconds, now: Seconds) -> None:
        """Nothing is learnt."""

    def stopped(self, task: Task, took: Seconds, now: Seconds) -> None:
        """Nothing is charged."""

    def wakes(self, task: Task) -> bool:
        """See Desk."""
        return len(self.waiting) >= self.max_batch

    def earliest(self) -> Seconds:
        """The oldest job's arrival."""
        return next(iter(self.waiting.values())).created if self.waiting else float("inf")


@dataclass(frozen=True)
class Policy:
    """How a whole service decides."""

    name: str
    ring: bool = True
    batches: bool = True
    """Whether jobs of different sessions share a run."""
    window: Window | None = field(default=None, compare=False)
    admits: bool = False
    """Whether turns pass the ring's admission."""
    bound: int | None = None
    """Turns are refused while so many jobs wait."""
    max_lead: Seconds = float("inf")
    """How far speech is made ahead of playback."""

    def desk(self, max_batch: int, *, slots: int | None = None, shared: bool = True) -> Desk:
        """A desk for an engine; `slots` of one that streams; `shared` by several tenants."""
        if self.ring:
            return RingDesk(max_batch, slots=slots, shared=shared)
        return PlainDesk(max_batch if self.batches else 1, self.window)


def fixed(window: Seconds) -> Policy:
    """A constant window."""
    return Policy(f"fixed {window * 1000:.0f} ms", ring=False, window=lambda recent: window)


def bounded(bound: int) -> Policy:
    """The greedy batcher behind a queue with a limit."""
    return Policy(f"bounded {bound}", ring=False, bound=bound)


def by_interval(recent: Sequence[Seconds]) -> Seconds:
    """The mean request interval: the window of `INTERVAL`."""
    return (recent[-1] - recent[0]) / (len(recent) - 1) if len(recent) > 1 else 0.0


OURS = Policy("ours", admits=True, max_lead=3.0)
RING_ONLY = replace(OURS, name="ours without admission", admits=False)
FIFO = Policy("fifo", ring=False, batches=False)
GREEDY = Policy("greedy", ring=False)
INTERVAL = Policy("10-s interval", ring=False, window=by_interval)
BASELINES = (FIFO, GREEDY, bounded(64), fixed(0.02), fixed(0.1), INTERVAL)


def paced(policy: Policy) -> Policy:
    """The same with speech held back as ours is: some do that, and it may serve them well."""
    return replace(policy, name=f"{policy.name}, paced", max_lead=OURS.max_lead)

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
from typing import TypeAlias

from polytalk.schedule.runs import Pressure
from polytalk.schedule.window import Release
from polytalk.sim.desk import Desk
from polytalk.sim.ring import RingDesk
from polytalk.sim.task import Task
from polytalk.types import Seconds

Window: TypeAlias = Callable[[Sequence[Seconds]], Seconds]
"""Moments of the arrivals of the last 10 s -> how long the oldest job waits for company."""
MEMORY: Seconds = 10.0


class PlainDesk:
    """First in, first out; `window` says how long the oldest waits for company."""

    def __init__(self, max_batch: int, window: Window | None = None) -> None:
        self.max_batch = max_batch
        self.window = window
        self.waiting: OrderedDict[str, Task] = OrderedDict()
        self.recent: deque[Seconds] = deque()
        self.releases: Counter[Release] = Counter()

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

    def again(self, task: Task, now: Seconds, until: Seconds) -> Seconds | None:
        """See Desk."""
        return None if len(self.waiting) >= self.max_batch else until

    def earliest(self) -> Seconds:
        """The oldest job's arrival."""
        return next(iter(self.waiting.values())).created if self.waiting else float("inf")

    def run(self, left: Seconds, usual: Seconds, cost: Pressure, now: Seconds, slack: Seconds) -> Seconds:
        """As always."""
        return min(left, usual)


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

    def desk(self, max_batch: int, *, cores: int = 1, slots: int | None = None, shared: bool = True) -> Desk:
        """A desk for an engine that runs on `cores`; `slots` of one that streams; `shared` by several tenants."""
        if self.ring:
            return RingDesk(max_batch, cores=cores, slots=slots, shared=shared)
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

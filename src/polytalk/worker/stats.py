"""What a worker tells of itself."""

from collections import Counter

from msgspec import Struct

from polytalk.schedule.window import Release
from polytalk.types import Seconds, Stage
from polytalk.worker.desk import Desk


class WorkerStats(Struct, frozen=True):
    """A reading; counters only grow."""

    stage: Stage
    engine: str
    waiting: int
    """Jobs at hand that do not run yet."""
    running: int
    """Batches or streams under way."""
    jobs: int
    """Jobs done, whatever came of them."""
    computed: Seconds
    """Time the engine worked: of a batch engine on its slot, of a streaming one in all its slots together."""
    wasted: Seconds
    """Part of it that went into guesses which were dropped."""
    queued: Seconds
    """Time the jobs waited, summed."""
    slope: Seconds
    """The cost fit: seconds a unit …"""
    overhead: Seconds
    """… and seconds a batch."""
    error: float
    """Mean relative error of the fit's predictions of late."""
    load: float
    """Compute-seconds that arrive a second, in slots of the engine."""
    backlog: Seconds
    """Compute-seconds that wait."""
    slots: int
    """Streams at once of a streaming engine; 1 of a batch engine."""
    releases: Counter[Release]
    """Why batches were let go."""


def read(desk: Desk, running: int, releases: Counter[Release], slots: int = 1) -> WorkerStats:
    """What a desk shows."""
    slope, overhead = desk.cost.line()
    now, each = desk.clock.now(), desk.cost.each()
    arriving = desk.arrivals.gap(now) != float("inf")  # it forgets what is old, too
    return WorkerStats(
        stage=desk.stage,
        engine=desk.name,
        waiting=len(desk.queue),
        running=running,
        jobs=desk.done,
        computed=desk.computed,
        wasted=desk.wasted,
        queued=desk.queued,
        slope=slope,
        overhead=overhead,
        error=desk.cost.error,
        load=each / desk.arrivals.mean_gap(now) if arriving else 0.0,
        backlog=each * len(desk.queue),
        slots=slots,
        releases=Counter(releases),
    )

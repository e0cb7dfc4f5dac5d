"""How long a run of frames is: short when the engine is busy, long when it is idle.

A run is one job and is not stopped once it runs. So its length decides two things. Whoever comes next waits for it to
end: short runs are fair, and none is late. Each costs an overhead besides its frames: long runs are cheap. As in round
robin with a quantum that follows the load (Kleinrock, "Queueing Systems" II, 1976, ch. 4), everybody who waits, and
everybody who will come before this listener needs its first frame, should get a run until then.
"""

from dataclasses import dataclass
from math import ceil, floor, inf

from polytalk.types import Seconds

OVERHEAD = 0.25
"""The share of a run that its overhead may be, however busy the engine: shorter runs would only make it busier."""
LEAST: Seconds = 0.5
"""Of a run: playback begins with the first one, and must not run dry before the next. In the simulator (100 speakers of
`sim.figures.faces`) 0.2 s are too few, 0.3 % of the speech comes late; 0.4 to 0.6 s do equally well."""


@dataclass(frozen=True)
class Pressure:
    """How an engine stands now, as `worker.desk` and `schedule.cost` know it."""

    waiting: int = 0
    """Jobs that wait for it."""
    gap: Seconds = inf
    """Expected time to the next arrival, by `schedule.window.Arrivals`."""
    slope: Seconds = 0.0
    """Compute-seconds a second of frames …"""
    overhead: Seconds = 0.0
    """… and a batch."""
    slots: int = 1
    """Batches that it runs side by side."""

    def lasts(self, frames: Seconds) -> Seconds:
        """How long a run of so much takes once it has begun."""
        return self.slope * frames + self.overhead


def rivals(pressure: Pressure, slack: Seconds) -> float:
    """How many runs of others the engine should begin within the slack: those that wait, and those that will come."""
    return pressure.waiting + (max(slack, 0.0) / pressure.gap if pressure.gap > 0 else inf)


def length(left: Seconds, pressure: Pressure, slack: Seconds, longest: Seconds = inf) -> Seconds:
    """How much of the `left` seconds of frames the next run should have: above 0, at most `left`, `longest` as well.

    `slack` is the time until the first of the frames is needed; a run is of use only when all of it is done. What is
    left is cut into equal runs, longer rather than shorter ones, so that no stump remains.
    """
    if left <= 0:
        raise ValueError(f"there is nothing to cut: {left} s are left")
    shared = max(slack, 0.0) * pressure.slots / (1 + rivals(pressure, slack))
    most = (shared - pressure.overhead) / pressure.slope if pressure.slope > 0 else inf
    worthwhile = pressure.overhead * (1 / OVERHEAD - 1) / pressure.slope if pressure.slope > 0 else 0.0
    chosen = min(max(most, worthwhile, LEAST), longest)
    return left / max(1, floor(left / chosen), ceil(left / longest))

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

SHORTEST: Seconds = 0.12
"""Of the first run of an answer, where the engine can be trusted to have the next one drawn meanwhile."""
TRUST = 2.0
"""Runs that begin an answer are reckoned to take so many times as long as predicted."""


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


def _share(pressure: Pressure) -> float:
    """How many runs of an engine pass while it makes one of a listener's, which it never makes on two slots at once."""
    return max(1.0, (1 + rivals(pressure, LEAST)) / pressure.slots)


def opening(pressure: Pressure) -> Seconds:
    """The shortest first run that lets nobody wait: while it is shown, another as long is made, with all `rivals`'.

    From `SHORTEST`, where the engine is idle and fast, to `LEAST`, where it is not.
    """
    turns = TRUST * _share(pressure)
    if turns * pressure.slope >= 1:
        return LEAST
    return min(LEAST, max(SHORTEST, turns * pressure.overhead / (1 - turns * pressure.slope)))


def length(
    left: Seconds, pressure: Pressure, slack: Seconds, longest: Seconds = inf, begun: Seconds | None = None
) -> Seconds:
    """How much of the `left` seconds of frames the next run should have: above 0, at most `left`, `longest` as well.

    `slack` is the time until the first of the frames is needed; a run is of use only when all of it is done. What is
    left is cut into equal runs, longer rather than shorter ones, so that no stump remains.

    `begun`, while nothing of an answer is played yet, is how much of it earlier runs have: the first is an `opening`,
    so that it is heard soon, and each of the next is done before those before it are over.
    """
    if left <= 0:
        raise ValueError(f"there is nothing to cut: {left} s are left")
    if begun is not None and begun < LEAST:
        first = begun or opening(pressure)
        made = first / TRUST / _share(pressure) - pressure.overhead
        most = made / pressure.slope if pressure.slope > 0 else 2 * first  # what it costs is not known yet
        return min(left, max(first, most) if begun else first, longest)
    shared = max(slack, 0.0) * pressure.slots / (1 + rivals(pressure, slack))
    most = (shared - pressure.overhead) / pressure.slope if pressure.slope > 0 else inf
    worthwhile = pressure.overhead * (1 / OVERHEAD - 1) / pressure.slope if pressure.slope > 0 else 0.0
    chosen = min(max(most, worthwhile, LEAST), longest)
    return left / max(1, floor(left / chosen), ceil(left / longest))

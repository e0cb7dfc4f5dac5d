"""How long to wait for one more: never from past waits, only from arrivals.

A window tuned by how long jobs waited feeds on its own queue. This one asks two questions: will another job come
soon (the rate of the last 10 s), and is what it saves worth the wait of those that are here?
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice, pairwise
from math import log
from statistics import median

from polytalk.schedule.cost import Cost
from polytalk.types import Seconds

MEMORY: Seconds = 10.0
"""Arrivals older than this say nothing about now."""
MOST = 512
"""Arrivals remembered: at higher rates the memory is shorter, and the estimate better all the same."""
RECENT = 64
"""Arrivals whose gaps are looked at one by one."""
FULL_LOAD = 0.98
IN_VAIN = 3
"""Usual gaps without an arrival after which it is the pause between two bursts."""


class Release(StrEnum):
    """Why a batch was let go."""

    FULL = "full"
    SLACK = "slack"
    NO_GAIN = "no-gain"
    IDLE = "idle"


@dataclass
class Arrivals:
    """The moments at which jobs came."""

    _moments: deque[Seconds] = field(default_factory=lambda: deque(maxlen=MOST))

    def note(self, now: Seconds) -> None:
        """A job came."""
        self._moments.append(now)

    def gap(self, now: Seconds) -> Seconds:
        """Expected time to the next arrival: infinite when fewer than two came lately.

        Where arrivals come in bursts their mean gap says little: most come at once, some after a long pause. So the
        usual gap counts (the median, scaled to the mean that it has in a Poisson process) until it has passed in vain.
        """
        while self._moments and self._moments[0] < now - MEMORY:
            self._moments.popleft()
        if len(self._moments) < 2:
            return float("inf")
        mean, usual = self.mean_gap(now), self._usual()
        return min(mean, usual) if now - self._moments[-1] <= IN_VAIN * usual else mean

    def mean_gap(self, now: Seconds) -> Seconds:
        """Over the whole memory; infinite when fewer than two came lately."""
        if len(self._moments) < 2:
            return float("inf")
        # The time since the last arrival counts too, else a burst that is over would look as if it went on.
        return max(now - self._moments[0], 1e-9) / (len(self._moments) - 1 + (now > self._moments[-1]))

    def _usual(self) -> Seconds:
        recent = list(islice(reversed(self._moments), RECENT))
        gaps = [later - earlier for later, earlier in pairwise(recent)]
        return max(median(gaps) / log(2), 1e-9)


@dataclass(frozen=True)
class Hold:
    """Wait for more until then, or release now."""

    until: Seconds | None
    reason: Release | None


def hold(
    now: Seconds, *, oldest: Seconds, size: int, max_size: int, gap: Seconds, saving: Seconds, slack: Seconds
) -> Hold:
    """Whether a batch of `size` jobs, the oldest here since `oldest`, should wait for one more.

    `saving` is what batching one more saves per item: cost(1) - cost(n + 1) / (n + 1). `slack` is how long the most
    urgent member can still wait. The window never lasts longer than the saving, counted from the oldest job.
    """
    if size >= max_size:
        return Hold(None, Release.FULL)
    if gap == float("inf"):
        return Hold(None, Release.IDLE)
    if saving <= gap:
        return Hold(None, Release.NO_GAIN)
    until = min(oldest + saving, now + slack)
    if slack <= 0 or until <= now:
        return Hold(None, Release.SLACK if slack <= now - oldest else Release.NO_GAIN)
    return Hold(until, None)


def worth(cost: Cost, units: float, size: int, *, load: float) -> Seconds:
    """How long each of `size` jobs may be made to wait for one more: what that saves, less what it costs them.

    Who comes too late waits for the whole batch and has one of its own: cost(n) + cost(1) - cost(n + 1) more. That is
    shared among those who wait for it, who also compute a little longer. Under load a saved overhead is saved for all
    that queue behind, so it counts 1 / (1 - load) times, as work does in any queue.
    """
    each = units / size
    now, grown = cost.predict(units, size), cost.predict(units + each, size + 1)
    saved = (now + cost.predict(each) - grown) / (1 - min(load, FULL_LOAD))
    return saved / size - (grown - now)

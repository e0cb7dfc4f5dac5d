"""How long to wait for one more: never from past waits, only from arrivals.

A window tuned by how long jobs waited feeds on its own queue. This one asks two questions: will another job come
soon (the rate of the last 10 s), and is what it saves worth the wait of those that are here?
"""

from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

from polytalk.types import Seconds

MEMORY: Seconds = 10.0
"""Arrivals older than this say nothing about now."""
MOST = 512
"""Arrivals remembered: at higher rates the memory is shorter, and the estimate better all the same."""


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
        """Expected time to the next arrival: infinite when fewer than two came lately."""
        while self._moments and self._moments[0] < now - MEMORY:
            self._moments.popleft()
        if len(self._moments) < 2:
            return float("inf")
        # The time since the last arrival counts too, else a burst that is over would look as if it went on.
        return max(now - self._moments[0], 1e-9) / (len(self._moments) - 1 + (now > self._moments[-1]))


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

"""How long to wait for one more: never from past waits, only from arrivals.

A window tuned by how long jobs waited feeds on its own queue. This one asks two questions: will another job come
soon (the rate of the last 10 s), and is what it saves worth the wait of those that are here?
"""

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum
from math import log
from typing import NamedTuple

from polytalk.schedule.cost import Cost
from polytalk.types import Seconds

MEMORY: Seconds = 10.0
"""Arrivals older than this say nothing about now."""
MOST = 512
"""Arrivals remembered: at higher rates the memory is shorter, and the estimate better all the same."""
RECENT = 64
"""Arrivals whose gaps are looked at one by one."""
LOG_2 = log(2)
INFINITE = float("inf")
FULL_LOAD = 0.98
CAUTION = 2.0
"""Usual errors of the prediction by which a wait ends before its last moment, else every second batch would be late."""
IN_VAIN = 3
"""Usual gaps without an arrival after which it is the pause between two bursts."""


class Release(StrEnum):
    """Why a batch was let go."""

    FULL = "full"
    SLACK = "slack"
    NO_GAIN = "no-gain"
    VIP = "vip"
    IDLE = "idle"


@dataclass(slots=True)
class Arrivals:
    """The moments at which jobs came."""

    _moments: deque[Seconds] = field(default_factory=lambda: deque(maxlen=MOST))
    _gaps: deque[Seconds] = field(default_factory=deque)
    """The last `RECENT` - 1 of them, as they came …"""
    _ordered: list[Seconds] = field(default_factory=list)
    """… and by length: their median is asked for at every arrival."""

    def note(self, now: Seconds) -> None:
        """A job came."""
        moments, gaps = self._moments, self._gaps
        if moments:
            gap = now - moments[-1]
            gaps.append(gap)
            insort(self._ordered, gap)
            if len(gaps) >= RECENT:
                del self._ordered[bisect_left(self._ordered, gaps.popleft())]
        moments.append(now)

    def gap(self, now: Seconds) -> Seconds:
        """Expected time to the next arrival: infinite when fewer than two came lately.

        Where arrivals come in bursts their mean gap says little: most come at once, some after a long pause. So the
        usual gap counts (the median, scaled to the mean that it has in a Poisson process) until it has passed in vain.
        """
        return self.gaps(now)[0]

    def gaps(self, now: Seconds) -> tuple[Seconds, Seconds]:
        """The gap that is expected, and the mean one: two answers of one look, as every decision asks for both."""
        moments = self._moments
        if moments and moments[0] < now - MEMORY:
            self._forget_until(now - MEMORY)
        arrived = len(moments)
        if arrived < 2:
            return INFINITE, INFINITE
        last, ordered, count = moments[-1], self._ordered, len(self._ordered)
        # The time since the last arrival counts too, else a burst that is over would look as if it went on.
        mean = max(now - moments[0], 1e-9) / (arrived - 1 + (now > last))
        usual = max((ordered[count // 2] + ordered[(count - 1) // 2]) / 2 / LOG_2, 1e-9)
        return usual if usual < mean and now - last <= IN_VAIN * usual else mean, mean

    def mean_gap(self, now: Seconds) -> Seconds:
        """Over the whole memory; infinite when fewer than two came lately."""
        return self.gaps(now)[1]

    def _forget_until(self, oldest: Seconds) -> None:
        moments = self._moments
        while moments and moments[0] < oldest:
            moments.popleft()
            if len(self._gaps) >= max(len(moments), 1):
                del self._ordered[bisect_left(self._ordered, self._gaps.popleft())]


class Hold(NamedTuple):
    """Wait for more until then, or release now."""

    until: Seconds | None
    reason: Release | None


FULL, IDLE, NO_GAIN = (Hold(None, reason) for reason in (Release.FULL, Release.IDLE, Release.NO_GAIN))


def hold(
    now: Seconds, *, oldest: Seconds, size: int, max_size: int, gap: Seconds, saving: Seconds, slack: Seconds
) -> Hold:
    """Whether a batch of `size` jobs, the oldest here since `oldest`, should wait for one more.

    `saving` is what batching one more saves per item: cost(1) - cost(n + 1) / (n + 1). `slack` is how long the most
    urgent member can still wait. The window never lasts longer than the saving, counted from the oldest job.
    """
    if size >= max_size:
        return FULL
    if gap == INFINITE:
        return IDLE
    if saving <= gap:
        return NO_GAIN
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
    lasts = cost.predict(units, size)
    return _worth(lasts, lasts if size == 1 else cost.predict(each), cost.predict(units + each, size + 1), size, load)


def _worth(lasts: Seconds, alone: Seconds, grown: Seconds, size: int, load: float) -> Seconds:
    saved = (lasts + alone - grown) / (1 - min(load, FULL_LOAD))
    return saved / size - (grown - lasts)


class Outlook(NamedTuple):
    """What `hold` is to be asked with."""

    gap: Seconds
    saving: Seconds
    slack: Seconds


def outlook(
    cost: Cost,
    arrivals: Arrivals,
    now: Seconds,
    *,
    each: float,
    size: int,
    max_size: int,
    cores: float,
    due: Seconds,
) -> Outlook:
    """For `size` jobs of `each` units that must start by `due`, with room for so many batches side by side.

    The load under which it is `worth` to wait is that of full batches: what is waited for makes batches full.
    """
    gap, mean = arrivals.gaps(now)
    if size >= max_size or gap == INFINITE:  # decided, whatever it is worth
        return Outlook(gap, 0.0, due - now)
    lasts, alone, grown, full = cost.around(each, size, max_size)
    saving = _worth(lasts, alone, grown, size, full / max_size / mean / cores)
    return Outlook(gap, saving, due - now - CAUTION * cost.error * lasts)

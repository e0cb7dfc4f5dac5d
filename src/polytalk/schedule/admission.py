"""Who may begin: counted leases, never sampled load (two that look at a gauge at once both see room for one).

    connection   `Places`: how many sessions a gateway holds
    turn         `Admission`: does the predicted use of every pool, with this turn, stay under the target?
                 If not, a cheaper rung of the brown-out ladder; if none fits, a place in the queue; if that is too
                 long, a refusal that says when to come back.

Work that has begun is never shed: a turn is admitted whole or not at all (as DAGOR does for a call tree: Zhou et al.,
"Overload Control for Scaling WeChat Microservices", SoCC 2018).
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from polytalk.errors import Shed
from polytalk.schedule.overload import StageDelays
from polytalk.types import Seconds, Tier

MAX_RETRY_AFTER: Seconds = 120.0
"""SDKs give up when asked to wait longer."""
TARGET = 0.95
"""Predicted utilisation that no admission may exceed: the rest absorbs what the prediction does not know."""
VIP_RESERVE = 0.05
"""The share of each pool that only vips may take; more, where that is less than one turn."""
MOST_RESERVED = 0.1
"""On a machine so small that a turn takes more, a vip waits for the next place, first in the queue."""

ALL = ""
"""Key of what all tenants hold together."""
ANEW = 1_000
"""Leases after which the sums are made anew, so that rounding does not add up."""

Demand: TypeAlias = Mapping[str, float]
"""Pool -> compute-seconds a second while the turn lasts."""


@dataclass
class Places:
    """A fixed number of places, each held by a name until released."""

    capacity: int
    held: dict[str, Seconds] = field(default_factory=dict)
    """Holder -> when its lease began."""
    _lengths: deque[Seconds] = field(default_factory=lambda: deque(maxlen=50))

    def acquire(self, holder: str, now: Seconds) -> None:
        """Take a place. Raises Shed with the time after which one is likely to be free."""
        if holder not in self.held and len(self.held) >= self.capacity:
            wait = self.retry_after()
            raise Shed(f"all {self.capacity} places are taken; try again in {wait:.0f} s", retry_after=wait)
        self.held.setdefault(holder, now)

    def release(self, holder: str, now: Seconds) -> None:
        """Give a place back; unknown holders are ignored, so that clean-up may run twice."""
        began = self.held.pop(holder, None)
        if began is not None:
            self._lengths.append(now - began)

    def retry_after(self) -> Seconds:
        """Mean time between departures when full: mean length / capacity (Little's law), 1 to 120 s."""
        if not self._lengths:
            return 5.0
        return _bounded(sum(self._lengths) / len(self._lengths) / self.capacity)


@dataclass(frozen=True)
class Ask:
    """A turn that wants to begin."""

    holder: str
    tier: Tier
    rungs: Sequence[Demand]
    """What it would use on each rung of the ladder, best first."""
    tenant: str = "default"
    session: str = ""
    """Whose turn: shedding draws lots between conversations, not between their turns."""


@dataclass(frozen=True)
class Admitted:
    """It may begin, on this rung (0 is the best)."""

    rung: int


@dataclass(frozen=True)
class Waiting:
    """It stands in the queue."""

    position: int
    """1 is next."""
    wait: Seconds
    """Expected, from how fast turns end."""


@dataclass
class Admission:
    """Leases of the turns under way, and the queue of those that wait: vips first, then by arrival."""

    capacity: Mapping[str, float]
    """Pool -> compute-seconds it gives a second."""
    max_queue: int = 60
    delays: StageDelays = field(default_factory=StageDelays)
    ceilings: Mapping[str, float] = field(default_factory=dict)
    """Tenant -> compute-seconds a second that its turns may take of any one pool, however idle that is."""
    leases: dict[str, Demand] = field(default_factory=dict)
    _tenants: dict[str, str] = field(default_factory=dict)
    _totals: dict[str, dict[str, float]] = field(default_factory=dict)
    """Tenant, or `ALL` -> pool -> what the leases add up to."""
    _until_anew: int = ANEW
    _queue: list[Ask] = field(default_factory=list)
    _ends: deque[Seconds] = field(default_factory=lambda: deque(maxlen=50))

    def request(self, ask: Ask, now: Seconds) -> Admitted | Waiting:
        """Begin, or wait in the queue. Raises Shed when the queue is full, too long, or the tier is being shed."""
        overtakes = any(_before(other, ask) and self._under_ceiling(other, other.rungs[-1]) for other in self._queue)
        rung = None if overtakes else self._fits(ask, now)
        if rung is not None:
            return self._grant(ask, rung)
        position = 1 + sum(_before(other, ask) for other in self._queue)
        wait = self.expected_wait(position)
        if len(self._queue) >= self.max_queue or wait > MAX_RETRY_AFTER:
            after = _bounded(wait)
            raise Shed(f"{len(self._queue)} turns wait already; try again in {after:.0f} s", retry_after=after)
        self._queue.append(ask)
        self._queue.sort(key=lambda waiting: waiting.tier is not Tier.VIP)  # stable: arrival order within a tier
        return Waiting(position, wait)

    def adopt(self, ask: Ask) -> None:
        """Count a turn that runs already, on its best rung."""
        self._grant(ask, 0)

    def release(self, holder: str, now: Seconds) -> list[tuple[str, Admitted]]:
        """A turn ended or gave up waiting; returns who may begin now."""
        lease = self.leases.pop(holder, None)
        if lease is None:
            self._queue = [waiting for waiting in self._queue if waiting.holder != holder]
        else:
            self._count(self._tenants.pop(holder), lease, -1)
            self._ends.append(now)
        return self.admit_waiting(now)

    def admit_waiting(self, now: Seconds) -> list[tuple[str, Admitted]]:
        """Whoever of the queue, from its head, fits by now."""
        admitted = []
        for ask in list(self._queue):
            rung = self._fits(ask, now)
            if rung is not None:
                self._queue.remove(ask)
                admitted.append((ask.holder, self._grant(ask, rung)))
            elif self._under_ceiling(ask, ask.rungs[-1]):
                break  # the pools are full: nobody behind may overtake. (Who is at its own ceiling holds up nobody.)
        return admitted

    def waiting(self, holder: str) -> Waiting | None:
        """Where a holder stands by now; None when it does not wait."""
        for index, ask in enumerate(self._queue):
            if ask.holder == holder:
                return Waiting(index + 1, self.expected_wait(index + 1))
        return None

    @property
    def queued(self) -> int:
        """Turns that wait."""
        return len(self._queue)

    def use(self, pool: str) -> float:
        """The share of a pool that the leases take."""
        return self._held(ALL, pool) / self.capacity[pool]

    def expected_wait(self, position: int) -> Seconds:
        """Position / drain rate, the rate at which turns ended lately."""
        if len(self._ends) < 2 or self._ends[-1] <= self._ends[0]:
            return 2.0 * position
        return position * (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)

    def _grant(self, ask: Ask, rung: int) -> Admitted:
        before = self.leases.pop(ask.holder, None)
        if before is not None:
            self._count(self._tenants[ask.holder], before, -1)
        self.leases[ask.holder] = ask.rungs[rung]
        self._tenants[ask.holder] = ask.tenant
        self._count(ask.tenant, ask.rungs[rung], 1)
        return Admitted(rung)

    def _held(self, tenant: str, pool: str) -> float:
        return self._totals.get(tenant, {}).get(pool, 0.0)

    def _count(self, tenant: str, lease: Demand, sign: int) -> None:
        """A lease comes, or (-1) goes."""
        self._until_anew -= 1
        if not self.leases or not self._until_anew:
            self._until_anew = ANEW
            self._totals = {}
            for holder, held in self.leases.items():
                self._add(self._tenants[holder], held, 1)
        else:
            self._add(tenant, lease, sign)

    def _add(self, tenant: str, lease: Demand, sign: int) -> None:
        for whose in (ALL, tenant) if tenant in self.ceilings else (ALL,):
            totals = self._totals.setdefault(whose, {})
            for pool, rate in lease.items():
                totals[pool] = totals.get(pool, 0.0) + sign * rate

    def _under_ceiling(self, ask: Ask, demand: Demand) -> bool:
        ceiling = self.ceilings.get(ask.tenant)
        if ceiling is None:
            return True
        return all(self._held(ask.tenant, pool) + rate <= ceiling + 1e-9 for pool, rate in demand.items())

    def _room(self, demand: Demand, vip: bool) -> bool:
        """Whether every pool has room for it."""
        held = self._totals.get(ALL, {})
        for pool, rate in demand.items():
            capacity = self.capacity[pool]
            share = rate / capacity
            reserve = 0.0 if vip else min(MOST_RESERVED, max(VIP_RESERVE, share))
            if held.get(pool, 0.0) / capacity + share > TARGET - reserve + 1e-9:
                return False
        return True

    def _fits(self, ask: Ask, now: Seconds) -> int | None:
        if self.delays.sheds(ask.tier, ask.session or ask.holder, now) and self.leases:
            return None
        vip = ask.tier is Tier.VIP
        for rung, demand in enumerate(ask.rungs):
            if self._room(demand, vip) and self._under_ceiling(ask, demand):
                return rung
        # A machine too small for one turn still serves one at a time.
        return len(ask.rungs) - 1 if not self.leases else None


def _before(other: Ask, ask: Ask) -> bool:
    return other.tier is Tier.VIP or ask.tier is not Tier.VIP


def _bounded(wait: Seconds) -> Seconds:
    return min(MAX_RETRY_AFTER, max(1.0, wait)) if math.isfinite(wait) else MAX_RETRY_AFTER

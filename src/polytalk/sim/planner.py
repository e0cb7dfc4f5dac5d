"""How many engines a crowd needs: the fewest per pool with which the simulated crowd is served in time.

A large crowd is cut into shards that share nothing. One shard is simulated and the result multiplied: sessions have
nothing to do with each other, and queues shared by more sessions only do better, so this is on the safe side.
Admission is off in the search: who is refused does not wait, and would make too small a machine look good.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from polytalk.errors import BadInput
from polytalk.schedule.scale import ScaleRule
from polytalk.sim.costs import Basis, Hardware
from polytalk.sim.estimate import turn_seconds
from polytalk.sim.policy import FIFO, GREEDY, INTERVAL, OURS, RING_ONLY, Policy
from polytalk.sim.script import CONVERSATION, Habits, Script
from polytalk.sim.simulate import Service, simulate
from polytalk.sim.tally import Report
from polytalk.sim.workload import conversations
from polytalk.types import Seconds

IN_TIME = 0.999
SHARD = 1_000
"""Speakers of the largest shard that is simulated."""
UNTIL: Seconds = 60.0
"""How long a crowd is watched in the search, and `CHECKED` in the last check."""
CHECKED: Seconds = 120.0
EASY = 0.6
"""Use at which a pool does not matter: what the others have while one is searched for."""
LIMIT = 64
"""Engines are added at most so often before the wish is called impossible."""
CURVES = (RING_ONLY, OURS, FIFO, GREEDY, INTERVAL)
LOADS = (0.4, 0.7, 0.9, 1.0, 1.15, 1.4)
"""Speakers of the curves, as a share of those planned for."""


@dataclass(frozen=True)
class Wish:
    """What is asked of a plan."""

    speakers: int
    """People in conversation at the same time: asking, listening, or thinking about the next question."""
    p95_ttfa: Seconds = 1.0
    """From the end of their speech, endpointing included."""
    habits: Habits = CONVERSATION
    endpointing: Seconds = 0.3
    price: float | None = None
    """Dollars an hour of one card, instead of the one in the hardware's figures."""
    seed: int = 1


@dataclass(frozen=True)
class PoolPlan:
    """One pool's part."""

    pool: str
    unit: str
    slots: int
    """In all shards."""
    use: float
    usd_per_hour: float | None
    """Of all; None when no price is known."""
    basis: tuple[Basis, ...]
    """Where the costs of its stages come from."""


@dataclass(frozen=True)
class Point:
    """Of a curve."""

    policy: str
    speakers: int
    ttfa: tuple[Seconds, Seconds, Seconds]
    """p50, p95, p99."""
    late: float
    """Share of the speech that came late."""


@dataclass(frozen=True)
class Plan:
    """The answer."""

    wish: Wish
    hardware: Hardware
    shards: int
    shard: int
    """Speakers in each."""
    pools: Sequence[PoolPlan]
    report: Report
    """Of one shard."""
    simulations: int
    points: Sequence[Point] = field(default=())

    @property
    def bottleneck(self) -> PoolPlan:
        """The pool that runs out first when more come."""
        return max(self.pools, key=lambda pool: pool.use)

    @property
    def usd_per_hour(self) -> float:
        """Of everything that has a price."""
        return sum(pool.usd_per_hour or 0.0 for pool in self.pools)


def plan(hardware: Hardware, wish: Wish, progress: Callable[[str], None] = lambda step: None) -> Plan:
    """Search. Raises BadInput for a wish that no number of engines fulfils."""
    if wish.speakers < 1:
        raise BadInput(f"{wish.speakers} speakers can't be planned for: ask for 1 or more")
    shards = math.ceil(wish.speakers / SHARD)
    search = _Search(hardware, wish, math.ceil(wish.speakers / shards), progress)
    slots, report = search.run()
    pools = [_pool(hardware, wish, name, count, shards, report.use[name]) for name, count in slots.items()]
    return Plan(wish, hardware, shards, search.users, pools, report, search.simulations)


def with_curves(
    found: Plan, policies: Sequence[Policy] = CURVES, progress: Callable[[str], None] = lambda step: None
) -> Plan:
    """The same plan, and how policies fare on its machines with fewer and with more speakers."""
    slots = {pool.pool: pool.slots // found.shards for pool in found.pools}
    points = []
    for policy in policies:
        progress(f"{policy.name} with fewer and more speakers")
        service = Service(found.hardware, slots, policy, endpointing=found.wish.endpointing)
        for load in LOADS:
            users = max(1, round(found.shard * load))
            crowd = conversations(users, UNTIL, found.wish.seed, habits=found.wish.habits)
            report = simulate(service, crowd, found.wish.seed)
            points.append(Point(policy.name, users * found.shards, report.ttfa["all"], 1 - report.in_time))
    runs = found.simulations + len(points)
    return replace(found, points=points, simulations=runs)


def fulfils(wish: Wish, report: Report) -> bool:
    """Whether a simulated crowd was served as wished, with the room for bursts that the scaler leaves as well."""
    return report.p95 <= wish.p95_ttfa and report.in_time >= IN_TIME and max(report.use.values()) <= ScaleRule.target


class _Search:
    def __init__(self, hardware: Hardware, wish: Wish, users: int, progress: Callable[[str], None]) -> None:
        self.hardware = hardware
        self.wish = wish
        self.users = users
        self.progress = progress
        self.simulations = 0
        script = Script(wish.habits, wish.seed)
        rate = users / script.mean_cycle()
        self.load = {pool: rate * spent for pool, spent in turn_seconds(hardware, script.mean()).items()}

    def run(self) -> tuple[dict[str, int], Report]:
        """Each pool by halving while the others have plenty; then together, adding where it is tightest."""
        plenty = {pool: max(1, math.ceil(load / EASY) + 1) for pool, load in self.load.items()}
        self._require(plenty)
        slots = {pool: self._fewest(pool, plenty) for pool in plenty}
        for _ in range(LIMIT):
            report = self._try(slots, CHECKED)
            if self._good(report):
                return slots, report
            tight = max(slots, key=lambda pool: report.use[pool] if slots[pool] < plenty[pool] else -1.0)
            slots[tight] += 1
        raise self._impossible(report)

    def _require(self, plenty: dict[str, int]) -> None:
        """Make plenty enough, if any number is."""
        for _ in range(5):
            report = self._try(plenty, UNTIL)
            if self._good(report):
                return
            for pool in plenty:
                plenty[pool] *= 2
        raise self._impossible(report)

    def _fewest(self, pool: str, plenty: dict[str, int]) -> int:
        low, high = max(0, math.ceil(self.load[pool] * 0.7) - 1), plenty[pool]
        while high - low > 1:
            middle = (low + high) // 2
            if self._good(self._try({**plenty, pool: middle}, UNTIL)):
                high = middle
            else:
                low = middle
        return high

    def _try(self, slots: dict[str, int], until: Seconds) -> Report:
        self.simulations += 1
        self.progress(", ".join(f"{pool} {count}" for pool, count in slots.items()))
        crowd = conversations(self.users, until, self.wish.seed, habits=self.wish.habits)
        service = Service(self.hardware, slots, RING_ONLY, endpointing=self.wish.endpointing)
        return simulate(service, crowd, self.wish.seed)

    def _good(self, report: Report) -> bool:
        return fulfils(self.wish, report)

    def _impossible(self, report: Report) -> BadInput:
        return BadInput(
            f"the time to first audio is {report.p95:.2f} s (p95) and {100 * report.in_time:.2f} % of the speech comes "
            f"in time, however many engines of {self.hardware.title} there are; {self.wish.p95_ttfa:.2f} s and "
            f"{100 * IN_TIME:.1f} % are wanted: allow more time, or take faster engines"
        )


def _pool(hardware: Hardware, wish: Wish, name: str, slots: int, shards: int, use: float) -> PoolPlan:
    kind = hardware.pools.get(name)
    unit = kind.unit if kind else "core"
    price = kind.usd_per_hour if kind else None
    if wish.price is not None and (price is not None or unit == hardware.pools[next(iter(hardware.pools))].unit):
        price = wish.price
    total = slots * shards
    basis = tuple(cost.basis for cost in hardware.stages.values() if cost.pool == name)
    return PoolPlan(name, unit, total, use, None if price is None else price * total, basis)

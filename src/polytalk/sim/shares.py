"""Figures 6, 7 and 14, of one stage alone: fair shares, the bank, the window."""

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from polytalk.schedule.bank import Account, Bank
from polytalk.schedule.fairshare import WEIGHT
from polytalk.sim.chance import poisson
from polytalk.sim.costs import StageCost
from polytalk.sim.desk import Desk
from polytalk.sim.policy import PlainDesk, by_interval
from polytalk.sim.ring import RingDesk
from polytalk.sim.spread import SEEDS, Spread, spread
from polytalk.sim.stage import Bench, Piece, Ran
from polytalk.sim.tally import jain
from polytalk.types import Seconds, Tier

COST = StageCost(slope=0.01, overhead=0.05, units="seconds", pool="bench", max_batch=16, basis="assumed")
"""Batches pay: sixteen cost 0.21 s, sixteen times one 0.96 s."""
WINDOWS: Sequence[Seconds] = (0.0, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)


@dataclass(frozen=True)
class Fairness:
    """Figure 6."""

    policy: str
    jain: Spread
    """Over tenants' service for their weight, all of them backlogged."""
    gap: Spread
    """The largest difference of two tenants' service for their weight, in full batches."""


@dataclass(frozen=True)
class Lending:
    """Figure 7."""

    policy: str
    idle_used: Spread
    """Share of the idle entitlement that others used."""
    reclaim: Spread
    """Time until the owner's first job begins, in full batches."""
    reclaimed: Spread
    """Share of the next second's compute that the owner got, of what it is entitled to."""


@dataclass(frozen=True)
class Regret:
    """Figure 14."""

    phase: str
    policy: str
    delay: Spread
    """Mean time from a job's arrival to its end."""
    best: str
    """The best fixed window of this phase, known only afterwards."""
    regret: Spread
    """delay / that of the best fixed window, less 1."""


Maker = Callable[[], Desk]


def fairness(seeds: Sequence[int] = SEEDS) -> list[Fairness]:
    """Three backlogged tenants, one of them a vip's; they send six, three and one jobs at a time."""
    makers: dict[str, Maker] = {
        "ours": lambda: RingDesk(16),
        "fifo": lambda: PlainDesk(1),
        "greedy": lambda: PlainDesk(16),
    }
    rows = []
    for name, make in makers.items():
        runs = [_backlogged(make(), seed) for seed in seeds]
        rows.append(Fairness(name, spread(run[0] for run in runs), spread(run[1] for run in runs)))
    return rows


def lending(seeds: Sequence[int] = SEEDS) -> list[Lending]:
    """The owner of half the stage is away for 30 s while a guest wants all; then it comes back, and wants all."""
    rows = []
    for name in ("ours", "greedy"):
        runs = [_lent(name == "ours", seed) for seed in seeds]
        used, back, share = (spread(run[index] for run in runs) for index in range(3))
        rows.append(Lending(name, used, back, share))
    return rows


def windows(seeds: Sequence[int] = SEEDS) -> list[Regret]:
    """Low, medium and bursty load against every fixed window of `WINDOWS`, and the 10-s-interval window."""
    phases: dict[str, tuple[Callable[[Seconds], float], float]] = {
        "low": (lambda moment: 1.0, 1.0),
        "medium": (lambda moment: 12.0, 12.0),
        "high": (lambda moment: 50.0, 50.0),
        "burst": (lambda moment: 60.0 if moment % 10 < 1.5 else 2.0, 60.0),
    }
    rows = []
    for phase, (rate, most) in phases.items():
        fixed = {f"{w * 1000:.0f} ms": [_delay(partial(_fixed, w), rate, most, s) for s in seeds] for w in WINDOWS}
        best = min(fixed, key=lambda name: sum(fixed[name]))
        tried = {
            "ours": [_delay(lambda: RingDesk(16), rate, most, seed) for seed in seeds],
            "10-s interval": [_delay(lambda: PlainDesk(16, by_interval), rate, most, seed) for seed in seeds],
            **{f"fixed {name}": delays for name, delays in fixed.items()},
        }
        for name, delays in tried.items():
            regret = spread(mine / least - 1 for mine, least in zip(delays, fixed[best], strict=True))
            rows.append(Regret(phase, name, spread(delays), best, regret))
    return rows


def _fixed(window: Seconds) -> PlainDesk:
    return PlainDesk(16, lambda recent: window)


def _delay(make: Maker, rate: Callable[[Seconds], float], most: float, seed: int) -> float:
    bench = Bench(COST, make(), noise=0.05, seed=seed)
    bench.feed(Piece(at, patience=1.0) for at in poisson(rate, most, 200.0, random.Random(seed)))
    delays = [ran.delay for ran in bench.run() if ran.task.created > 20]
    return sum(delays) / len(delays)


def _backlogged(desk: Desk, seed: int, until: Seconds = 60.0) -> tuple[float, float]:
    bench = Bench(COST, desk, noise=0.05, seed=seed)
    chance = random.Random(seed)
    sends = {"six": 6, "three": 3, "vip": 1}
    tiers = defaultdict(lambda: Tier.STANDARD, vip=Tier.VIP)

    def refill(tenant: str) -> None:
        if bench.loop.time < until:
            bench.submit(Piece(0.0, chance.uniform(0.5, 2.0), tenant, tiers[tenant]))

    bench.on_done = lambda task: refill(task.tenant)
    for tenant, count in sends.items():
        for _ in range(count * 20):
            refill(tenant)
    bench.run()
    served: dict[str, float] = dict.fromkeys(sends, 0.0)
    gap, last = 0.0, 0.0
    for ran in bench.ran:
        if ran.ended > until:
            break
        if ran.ended > last:  # a whole batch counts at once
            gap, last = max(gap, max(served.values()) - min(served.values())), ran.ended
        served[ran.task.tenant] += ran.cost / WEIGHT[tiers[ran.task.tenant]]
    return jain(served.values()), gap / COST.seconds(16 * 1.25, 16)


def _lent(ring: bool, seed: int, away: Seconds = 30.0, until: Seconds = 40.0) -> tuple[float, float, float]:
    bank = Bank(1.0, 0.0)
    bank.open(Account("owner", 0.5))
    desk: Desk = RingDesk(16, bank=bank) if ring else PlainDesk(16)
    bench = Bench(COST, desk, noise=0.05, seed=seed)
    chance = random.Random(seed)

    def refill(tenant: str) -> None:
        if bench.loop.time < until:
            bench.submit(Piece(0.0, chance.uniform(0.5, 2.0), tenant))

    bench.on_done = lambda task: refill(task.tenant)

    def come(tenant: str) -> None:
        for _ in range(60):
            refill(tenant)

    come("guest")
    bench.loop.at(away + chance.uniform(0, 1), come, "owner")
    bench.run()
    full = COST.seconds(16 * 1.25, 16)
    return (
        max(0.0, _compute(bench.ran, "guest", 5.0, away) / (away - 5.0) - 0.5) / 0.5,
        _first(bench.ran, "owner") / full,
        min(1.0, _compute(bench.ran, "owner", *_second_after(bench.ran)) / 0.5),
    )


def _compute(ran: Sequence[Ran], tenant: str, since: Seconds, until: Seconds) -> float:
    return sum(one.cost for one in ran if one.task.tenant == tenant and since < one.ended <= until)


def _first(ran: Sequence[Ran], tenant: str) -> Seconds:
    return min(one.started - one.task.created for one in ran if one.task.tenant == tenant)


def _second_after(ran: Sequence[Ran]) -> tuple[Seconds, Seconds]:
    start = min(one.started for one in ran if one.task.tenant == "owner")
    return start, start + 1.0

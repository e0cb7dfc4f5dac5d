"""The same promises in virtual time, for services and crowds that no machine here could hold (polytalk.sim.figures).

No other process disturbs these: they are the same on every machine, to the last digit.
"""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler.spread import Runs, row
from polytalk.sim import figures, shares
from polytalk.sim.policy import FIFO, GREEDY, OURS, RING_ONLY, Policy, bounded
from polytalk.sim.spread import SEEDS

POLICIES: Sequence[Policy] = (OURS, RING_ONLY, FIFO, GREEDY, bounded(16))
SETTING = "simulated"
SERVICES = {
    "speakers": (13, "speakers in time ÷ FIFO's", 1.5, False),
    "beside_renders": (13, "the same beside 16 renders", 1.5, False),
    "overload": (5, "good turns at 3 × overload ÷ capacity", 0.95, False),
    "vip_wait": (8, "a vip's p95 among 3 × the load ÷ idle", 1.3, True),
    "busy_wait": (4, "first audio, p95 at 80 % load ÷ idle", 2.0, True),
}
"""Function of `polytalk.sim.figures` -> number, what, goal, whether that is a limit; the longest first."""
OURS_NAMES = {OURS.name: "polytalk"}


def measure(plan: Plan) -> Figure:
    """As many seeds as runs."""
    seeds = SEEDS[: plan.runs]
    with ProcessPoolExecutor(len(os.sched_getaffinity(0)), mp_context=get_context("spawn")) as pool:
        tasks = {name: [pool.submit(_one, name, seed) for seed in seeds] for name in SERVICES}
        lines = [
            Line(number, what, goal, _joined(task.result() for task in tasks[name]), at_most, setting=SETTING)
            for name, (number, what, goal, at_most) in SERVICES.items()
        ]
    lines += _shares(seeds)
    rows: list[Row] = [
        {"figure": line.number, "measured": line.what, "policy": name, **row(values)}
        for line in sorted(lines, key=lambda line: line.number)
        for name, values in line.runs.items()
    ]
    return Figure("simulated", "Promises in virtual time", "see bench/README.md", rows, lines=lines)


def _one(name: str, seed: int) -> dict[str, float]:
    """One figure with one seed: policy -> value. In a process of its own."""
    figure: Callable[[Sequence[Policy], Sequence[int]], Sequence[figures.Row]] = (
        partial(figures.speakers, renders=figures.RENDERS) if name == "beside_renders" else getattr(figures, name)
    )
    return {_named(one.policy): one.value.median for one in figure(POLICIES, (seed,))}


def _joined(seeds: Iterable[dict[str, float]]) -> Runs:
    found: Runs = {}
    for one in seeds:
        for name, value in one.items():
            found.setdefault(name, []).append(value)
    return found


def _shares(seeds: Sequence[int]) -> list[Line]:
    """Figures 6, 7 and 14."""
    jain: Runs = {}
    gap: Runs = {}
    used: Runs = {}
    reclaim: Runs = {}
    regrets: dict[str, Runs] = {}
    for seed in seeds:
        for fair in shares.fairness((seed,)):
            jain.setdefault(_named(fair.policy), []).append(fair.jain.median)
            gap.setdefault(_named(fair.policy), []).append(fair.gap.median)
        for lent in shares.lending((seed,)):
            used.setdefault(_named(lent.policy), []).append(lent.idle_used.median)
            reclaim.setdefault(_named(lent.policy), []).append(lent.reclaim.median)
        for one in shares.windows((seed,)):
            regrets.setdefault(one.phase, {}).setdefault(_named(one.policy), []).append(100 * one.regret.median)
    return [
        Line(6, "fairness of backlogged tenants: Jain's index", 0.99, jain, False, setting=SETTING),
        Line(6, "largest gap between two tenants", 2.0, gap, unit="batches", setting=SETTING),
        Line(7, "bank: idle entitlement in use", 0.95, used, False, setting=SETTING),
        Line(7, "longest reclaim by the owner", 1.0, reclaim, unit="batches", setting=SETTING),
        *(
            Line(14, f"window: regret to the best fixed one, {phase}", 5.0, runs, unit="%", setting=SETTING)
            for phase, runs in regrets.items()
        ),
    ]


def _named(policy: str) -> str:
    return OURS_NAMES.get(policy, policy)

"""How long to wait for one more: the adaptive window against fixed ones, each at its best, phase by phase.

    low      one job now and then: any wait is lost
    medium   60 % of what full batches give
    burst    sixteen jobs within 30 ms, three times a second: a wait at the right moment saves a batch

All windows run at the same time on the same arrivals, so that what disturbs one disturbs all; only the window differs.
Regret is the mean time to the answer over that of the best fixed window of the phase.
"""

import asyncio
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack

import numpy as np

from bench.peers import model
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.contender import Ask, Machine
from bench.scheduler.load import serving
from bench.scheduler.ours import Ours
from bench.scheduler.spread import Runs, row
from polytalk.types import Seconds

MACHINE = Machine(slots=1, max_batch=16)
WINDOWS: Sequence[Seconds] = (0.0, 0.005, 0.01, 0.02, 0.04)
ADAPTIVE = "adaptive"
PHASES = ("low", "medium", "burst")
LASTS: Seconds = 8.0
SETTLE: Seconds = 2.0
"""At the beginning of a phase, not counted: the estimate of arrivals is of the phase before."""
BURST, WITHIN, EVERY = 16, 0.03, 0.33
SET = "live, sleep model"


def measure(plan: Plan) -> Figure:
    """Each phase, each window."""
    found: dict[str, list[dict[str, float]]] = {phase: [] for phase in PHASES}
    for run in range(plan.runs):
        for phase in PHASES:
            found[phase].append(asyncio.run(_phase(phase, run)))
    rows: list[Row] = []
    regrets: dict[str, list[float]] = {}
    for phase in PHASES:
        for name in found[phase][0]:
            times = [1000 * one[name] for one in found[phase]]
            rows.append({"phase": phase, "window": name} | row(times, 1))
        regrets[phase] = [100 * regret(one) for one in found[phase]]
        rows.append({"phase": phase, "window": "regret, %"} | row(regrets[phase], 1))
    title = "Adaptive window against the best fixed one"
    plot.bars("sched_window", f"{title}: regret in %", plot.of(regrets, 1), 5.0)
    goal = "regret ≤ 5 % in every phase"
    lines = [
        Line(
            14,
            f"window: regret against the best fixed one, {phase}",
            5.0,
            _regrets(found[phase]),
            unit="%",
            setting=SET,
        )
        for phase in PHASES
    ]
    return Figure("sched_window", f"{title}: mean time to the answer, ms", goal, rows, lines=lines)


def _regrets(found: Sequence[dict[str, float]]) -> Runs:
    """Of ours, and of each fixed window against the others, in percent."""
    ours = {"polytalk": [100 * regret(one) for one in found]}
    for name in found[0]:
        if name != ADAPTIVE:
            ours[name] = [100 * (one[name] / min(v for n, v in one.items() if n != ADAPTIVE) - 1) for one in found]
    return ours


def regret(times: dict[str, float]) -> float:
    """How much worse the adaptive window is than the best fixed one; negative when it is better."""
    best = min(value for name, value in times.items() if name != ADAPTIVE)
    return times[ADAPTIVE] / best - 1


def arrivals(phase: str, seed: int) -> Iterator[Seconds]:
    """Moments within the phase, rising."""
    random = np.random.default_rng(seed)
    if phase == "burst":
        for start in np.arange(0, LASTS, EVERY):
            yield from sorted(start + random.uniform(0, WITHIN, BURST))
        return
    rate = 3.0 if phase == "low" else 0.6 * model.capacity("item", MACHINE.max_batch)
    now = 0.0
    while (now := now + random.exponential(1 / rate)) < LASTS:
        yield now


async def _phase(phase: str, seed: int) -> dict[str, float]:
    contenders = {ADAPTIVE: Ours(MACHINE)} | {_named(window): Ours(MACHINE) for window in WINDOWS}
    for window in WINDOWS:
        contenders[_named(window)].fix_window(window)
    times: dict[str, list[Seconds]] = {name: [] for name in contenders}

    async def one(name: str, contender: Ours, counts: bool) -> None:
        began = time.monotonic()
        await contender.ask(Ask(due=began + 1.0))
        if counts:
            times[name].append(time.monotonic() - began)

    async with AsyncExitStack() as stack:
        for contender in contenders.values():
            await stack.enter_async_context(serving(contender))
        start = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for moment in arrivals(phase, seed):
                await asyncio.sleep(max(0.0, start + moment - time.monotonic()))
                for name, contender in contenders.items():
                    group.create_task(one(name, contender, moment > SETTLE))
    return {name: statistics.mean(values) for name, values in times.items()}


def _named(window: Seconds) -> str:
    return f"{window * 1000:.0f} ms"

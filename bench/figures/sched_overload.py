"""Three times as many turns as the machine can serve: how much of what it could do does it still do in time?

A good turn begins to be heard within 1.5 s of the end of speech and has no gap. Capacity is the most good turns a
second that any contender served at a load of 100 %, in the median of its runs, so nobody is measured against a wish.
Polytalk has its admission in front: a caller who is told to wait longer than 0.4 s hangs up. Peers have limits of their
own.
"""

import asyncio
import statistics
from collections.abc import Mapping

from bench.figures.sched_first_audio import WARM, offered
from bench.plan import QUICK, Plan
from bench.report import Figure, Row
from bench.scheduler import plot, turns
from bench.scheduler.servers import Target, installed, started
from bench.scheduler.spread import QUICK_RUNS, RUNS, Runs, interleaved, missing, row
from polytalk.types import Seconds

GOAL = 0.95
OVERLOAD = 3.0
CAPACITY_LOAD = 1.0
SECONDS: Seconds = 16.0
BEST: Mapping[str, Mapping[str, str]] = {
    "fifo": {"FIFO_LIMIT": "12"},
    "litserve": {"MODEL_BATCH_WAIT": "0"},
    "bentoml": {"MODEL_LIMIT": "16"},
    "ray": {"MODEL_BATCH_WAIT": "0.005", "MODEL_LIMIT": "16"},
}
"""Limits on jobs: the best of 6, 12 and 32 (fifo), of 8, 16 and 32 (peers). LitServe has none."""


def measure(plan: Plan) -> Figure:
    """All contenders."""
    normal: Runs = {}
    outcomes: dict[str, list[turns.Turn]] = {}

    def once(name: str, run: int) -> float:
        with started(name, turns.machine(), BEST.get(name, {})) as target:
            full = asyncio.run(_offered(target, CAPACITY_LOAD, run))
            normal.setdefault(name, []).append(turns.goodput(full, SECONDS - WARM))
            over = asyncio.run(_offered(target, OVERLOAD, run))
        outcomes.setdefault(name, []).extend(over)
        return turns.goodput(over, SECONDS - WARM)

    runs = interleaved(installed(), once, QUICK_RUNS if plan == QUICK else RUNS)
    capacity = max(statistics.median(rates) for rates in normal.values())
    ratios = {name: [rate / capacity for rate in rates] for name, rates in runs.items()}
    rows: list[Row] = []
    for name, values in ratios.items():
        count = len(outcomes[name])
        shares = {
            what: round(sum(turn.outcome == what for turn in outcomes[name]) / count, 2)
            for what in ("answered", "refused", "broken")
        }
        line: Row = {"server": name, "good turns/s": row(runs[name], 2)["median"], **shares, **row(values)}
        rows.append(line)
    title = f"Good turns at {OVERLOAD:.0f} times the capacity ÷ capacity"
    plot.bars("sched_overload", title, plot.of(ratios), GOAL)
    notes = [
        f"Capacity: {capacity:.2f} good turns a second were the most at {CAPACITY_LOAD:.0%} load; with every "
        f"batch full it would be {turns.capacity(turns.machine()):.2f}.",
        *missing(),
    ]
    return Figure("sched_overload", title, f"≥ {GOAL}", rows, notes)


async def _offered(target: Target, load: float, seed: int) -> list[turns.Turn]:
    found = await offered(target, load, seed, SECONDS)
    await target.http.close()
    return found

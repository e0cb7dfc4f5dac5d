"""Three times as many turns as the machine can serve: how much of what it could do does it still do in time?

A good turn begins to be heard within 1.5 s of the end of speech and has no gap. Capacity is the most good turns a
second that any contender served at a load of 100 %, in the median of its runs, so nobody is measured against a wish.
Polytalk has its admission in front: a caller who is told to wait longer than 0.4 s hangs up. Peers have limits of their
own.
"""

import statistics
from collections.abc import Mapping

from bench.figures.sched_first_audio import WARM, offered
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot, together, turns
from bench.scheduler.servers import Target
from bench.scheduler.spread import Runs, contenders, missing, row
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
    found = together.servers(contenders(plan), turns.machine(), BEST, _both, plan.long_runs)
    lasts = SECONDS - WARM
    normal: Runs = {name: [turns.goodput(full, lasts) for full, _ in pairs] for name, pairs in found.items()}
    runs: Runs = {name: [turns.goodput(over, lasts) for _, over in pairs] for name, pairs in found.items()}
    outcomes = {name: [turn for _, over in pairs for turn in over] for name, pairs in found.items()}
    capacity = max(statistics.median(rates) for rates in normal.values())
    ratios = {name: [rate / capacity for rate in rates] for name, rates in runs.items()}
    rows: list[Row] = []
    for name, values in ratios.items():
        count = len(outcomes[name])
        shares = {
            what: round(sum(turn.outcome == what for turn in outcomes[name]) / count, 2)
            for what in ("answered", "refused", "broken")
        }
        cells: Row = {"server": name, "good turns/s": row(runs[name], 2)["median"], **shares, **row(values)}
        rows.append(cells)
    title = f"Good turns at {OVERLOAD:.0f} times the capacity ÷ capacity"
    plot.bars("sched_overload", title, plot.of(ratios), GOAL)
    notes = [
        f"Capacity: {capacity:.2f} good turns a second were the most at {CAPACITY_LOAD:.0%} load; with every "
        f"batch full it would be {turns.capacity(turns.machine()):.2f}.",
        *missing(plan),
    ]
    what = f"good turns at {OVERLOAD:.0f} × overload ÷ capacity"
    line = Line(5, what, GOAL, ratios, at_most=False, setting="live, sleep model")
    return Figure("sched_overload", title, f"≥ {GOAL}", rows, notes, [line])


async def _both(target: Target, seed: int) -> tuple[list[turns.Turn], list[turns.Turn]]:
    full = await offered(target, CAPACITY_LOAD, seed, SECONDS)
    return full, await offered(target, OVERLOAD, seed, SECONDS)

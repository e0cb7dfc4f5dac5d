"""Turns at 80 % of what full batches could serve: how much later do answers begin than on an idle machine?

A turn is a listen, a think, and six sentences, of which the first is urgent and the others are made ahead of playback
(see bench.scheduler.turns). Who knows deadlines lets first sentences go before fifth ones. The time to first audio
counts from the end of speech, 0.3 s of endpointing included.
"""

import time
from collections.abc import Mapping

import numpy as np

from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot, together, turns
from bench.scheduler.load import open_loop
from bench.scheduler.servers import Target
from bench.scheduler.spread import Runs, contenders, missing, row
from polytalk.types import Seconds

GOAL = 2.0
LOAD = 0.8
UNLOADED = 6
"""Turns, one after another."""
SECONDS: Seconds = 16.0
WARM: Seconds = 8.0
"""Turns asked earlier don't count: a turn takes four seconds, and leases and costs are learnt meanwhile."""
BEST: Mapping[str, Mapping[str, str]] = {
    "litserve": {"MODEL_BATCH_WAIT": "0"},
    "ray": {"MODEL_BATCH_WAIT": "0.005"},
}


def measure(plan: Plan) -> Figure:
    """All contenders."""
    found = together.servers(contenders(plan), turns.machine(), BEST, _both, plan.runs)
    runs: Runs = {name: [p95(loaded) / p95(idle) for idle, loaded in pairs] for name, pairs in found.items()}
    rows: list[Row] = []
    for name, values in runs.items():
        idle = float(np.median([1000 * p95(one) for one, _ in found[name]]))
        loaded = float(np.median([1000 * p95(one) for _, one in found[name]]))
        good = round(float(np.median([sum(turn.good for turn in one) / len(one) for _, one in found[name]])), 3)
        cells: Row = {
            "server": name,
            "idle p95 ms": round(idle),
            "p95 ms": round(loaded),
            "in time": good,
            **row(values, 2),
        }
        rows.append(cells)
    title = f"Time to first audio at {LOAD:.0%} load ÷ idle, p95"
    plot.bars("sched_first_audio", title, plot.of(runs, 2), GOAL)
    notes = [
        f"100 % are {turns.capacity(turns.machine()):.2f} turns a second: {turns.machine().slots} slots, every batch "
        f"full. In time: of all turns asked, those whose audio began within {turns.FIRST_AUDIO} s and had no gap; "
        "a turn that Polytalk's gate refused counts as one that was not.",
        *missing(plan),
    ]
    line = Line(4, f"first audio, p95 at {LOAD:.0%} load ÷ idle", GOAL, runs, setting="live, sleep model")
    return Figure("sched_first_audio", title, f"≤ {GOAL}", rows, notes, [line])


def p95(of: list[turns.Turn]) -> Seconds:
    """Of those that had audio."""
    return float(np.percentile([turn.ttfa for turn in of if turn.ttfa is not None], 95))


async def _both(target: Target, seed: int) -> tuple[list[turns.Turn], list[turns.Turn]]:
    idle = [await turns.take(target, turns.Turn(time.monotonic()), listen=False) for _ in range(UNLOADED)]
    return idle, await offered(target, LOAD, seed, SECONDS)


async def offered(target: Target, load: float, seed: int, seconds: Seconds) -> list[turns.Turn]:
    """The turns of an open loop, those of the first seconds left out."""
    began = time.monotonic()
    found: list[turns.Turn] = []

    async def one(_: int) -> None:
        turn = turns.Turn(time.monotonic())
        found.append(turn)
        await turns.take(target, turn)

    await open_loop(one, load * turns.capacity(turns.machine()), seconds, seed)
    return [turn for turn in found if turn.asked >= began + WARM]

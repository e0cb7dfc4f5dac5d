"""One user on an idle machine, real models: end of speech → first audio; the short form of `first_audio`.

Runs are conversations of five turns, every other one with a server that does not speculate: it begins to work only
when the end of the turn is proven, as a server without spare capacity does.
"""

import asyncio

import numpy as np

from bench.figures.first_audio import CONVERSATION, moments_of, talk
from bench.plan import Plan
from bench.questions import QUESTIONS
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.spread import Runs, row
from bench.server import serving

WAYS = {"polytalk": "true", "without speculation": "false"}
GOALS = {50: 400.0, 95: 600.0}


def measure(plan: Plan) -> Figure:
    """Both ways, in turn."""
    found: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    for run in range(plan.long_runs):
        for name, speculate in WAYS.items():
            with serving({"TURN__SPECULATE": speculate}) as server:
                turns = asyncio.run(talk(server, QUESTIONS, CONVERSATION, since=CONVERSATION * run))
            waits = [1000 * moments["first audio"] for _, turn in turns if (moments := moments_of(turn, "", []))]
            if waits:
                found[name].append(waits)
    lines, rows = [], []
    for percent, goal in GOALS.items():
        runs: Runs = {name: [float(np.percentile(waits, percent)) for waits in of] for name, of in found.items()}
        what = f"end of speech → first audio, one user, p{percent}"
        lines.append(Line(15, what, goal, runs, unit="ms", setting="live, real models, 300 ms of silence in it"))
        cells: list[Row] = [{"way": name, "percentile": percent, **row(values, 0)} for name, values in runs.items()]
        rows += cells
        plot.bars(f"sched_one_user_p{percent}", f"{what}, ms", plot.of(runs, 0), goal)
    title = "End of speech → first audio, one user, percentiles of conversations of five turns, ms"
    return Figure("sched_one_user", title, "p50 ≤ 400 ms, p95 ≤ 600 ms", rows, lines=lines)

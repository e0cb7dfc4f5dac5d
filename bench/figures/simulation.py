"""How fast the simulator is: 10,000 sessions of an hour on one core, in seconds of CPU, with those by the clock beside.

A hundredth is simulated, 1,000 sessions of six minutes, and multiplied: turns have the same work whenever they are.
`polytalk` is as installed; `compiled` are the same files, translated by mypyc, and must report the same.
"""

from pathlib import Path

from bench.compiled import NotCompiled, compiled
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.hour import CROWDS, HUNDREDTH, Took, measured
from bench.scheduler.spread import Runs, row

GOAL = 60.0


def measure(plan: Plan) -> Figure:
    """Ours, ours compiled, and the greedy batcher, which decides almost nothing: its time is the simulator's own."""
    contenders: dict[str, tuple[str, Path | None]] = {"polytalk": ("polytalk", None), "greedy": ("greedy", None)}
    notes = []
    try:
        contenders["compiled"] = ("polytalk", compiled())
    except NotCompiled as error:
        notes.append(str(error))
    found: dict[str, dict[str, list[Took]]] = {crowd: {name: [] for name in contenders} for crowd in CROWDS}
    for seed in range(plan.long_runs):
        for crowd, of in found.items():
            for name, (policy, modules) in contenders.items():
                of[name].append(measured(crowd, policy, seed, modules))
            if "compiled" in of and of["compiled"][-1].report != of["polytalk"][-1].report:
                raise AssertionError(f"compiled, {crowd} with seed {seed} come out otherwise")
    rows, lines, bars = list[Row](), list[Line](), Runs()
    for crowd, contended in found.items():
        runs = {name: [one.cpu / HUNDREDTH for one in took] for name, took in contended.items()}
        bars |= {f"{crowd}, {name}": values for name, values in runs.items()}
        for name, took in contended.items():
            clock = [one.wall / HUNDREDTH for one in took]
            each = [1e6 * one.cpu / one.jobs for one in took]
            rows.append(
                {
                    "crowd": crowd,
                    "simulator": name,
                    **row(runs[name], 0),
                    "by the clock": row(clock, 0)["median"],
                    "µs a job": row(each, 1)["median"],
                }
            )
        what = f"simulating 10,000 {crowd} for an hour, one core"
        lines.append(Line(16, what, GOAL, runs, unit="s", setting="1 % of it × 100"))
        turns, jobs = contended["polytalk"][-1].turns, contended["polytalk"][-1].jobs
        notes.append(f"An hour of {crowd} has {turns / HUNDREDTH:,.0f} turns and {jobs / HUNDREDTH:,.0f} jobs.")
    title = "CPU seconds to simulate 10,000 sessions of an hour"
    plot.bars("simulation", title, plot.of(bars, 0), GOAL)
    return Figure("simulation", title, f"≤ {GOAL:.0f} s", rows, notes, lines)

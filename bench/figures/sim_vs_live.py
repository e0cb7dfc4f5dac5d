"""Does the simulator say what the live workers do? The same questions in both, on the sleep model's engines.

Batches take in the simulator what they took live on average: the simulator is calibrated, as for a plan. What is left
is the simulator's error, and what the event loop waited for while others had the machine.
"""

import asyncio
from collections.abc import Mapping
from statistics import fmean

from bench.peers import model
from bench.plan import Plan
from bench.report import Figure, Row
from bench.scheduler import plot
from bench.scheduler.contender import Machine
from bench.scheduler.live import TOKEN, live
from bench.scheduler.ours import Ours
from bench.scheduler.spread import Runs, row
from polytalk.sim.costs import Hardware, StageCost, Unit
from polytalk.sim.estimate import best_rate
from polytalk.sim.policy import RING_ONLY
from polytalk.sim.script import Habits, Script
from polytalk.sim.simulate import Service, simulate
from polytalk.sim.tally import percentile
from polytalk.sim.workload import Workload, questions
from polytalk.types import Seconds, Stage

LOADS = (0.5, 0.8)
"""Of what full batches could serve."""
MACHINE = Machine(2, 4, ("listen", "speak", "item"))
HABITS = Habits(interruptions=0.0)
WORDS = StageCost(slope=0.0, overhead=TOKEN, units="tokens", pool="words", max_batch=64, basis="assumed")
"""The LLM is no part of the comparison: the sleep model has none that streams."""


def measure(plan: Plan) -> Figure:
    """Each load, simulated and live, in turn."""
    found: dict[str, dict[str, list[float]]] = {}
    later: list[float] = []
    for seed in range(plan.long_runs):
        for load in LOADS:
            crowd = _crowd(load, plan.seconds, seed)
            lived, late = _lived(crowd)
            simulated = _simulated(crowd, seed, late)
            later.append(1000 * late)
            for what in simulated:
                kept = found.setdefault(f"{load:.0%}, {what}", {"simulated": [], "live": [], "ratio": []})
                kept["simulated"].append(simulated[what])
                kept["live"].append(lived[what])
                kept["ratio"].append(lived[what] / simulated[what])
    rows: list[Row] = [
        {
            "load, measured": what,
            "simulated": row(values["simulated"])["median"],
            "live": row(values["live"])["median"],
            **{f"live ÷ simulated, {name}": value for name, value in row(values["ratio"]).items()},
        }
        for what, values in found.items()
    ]
    ratios: Runs = {what: values["ratio"] for what, values in found.items()}
    plot.bars("sim_vs_live", "The live workers ÷ the simulator", plot.of(ratios), 1.0)
    notes = [
        f"Batches took {min(later):.1f} to {max(later):.1f} ms longer than the sleep model says, on average of a run."
    ]
    title = "The live workers and the simulator, same questions, sleep model"
    return Figure("sim_vs_live", title, "ratio 1", rows, notes)


def _hardware(late: Seconds) -> Hardware:
    """With batches that take so much longer."""

    def cost(stage: str, units: Unit) -> StageCost:
        slope, overhead = model.STAGES[stage]
        return StageCost(slope, overhead + late, units, "cores", MACHINE.max_batch)

    stages = {
        Stage.LISTEN: cost("listen", "turns"),
        Stage.THINK: WORDS,
        Stage.SPEAK: cost("speak", "seconds"),
        Stage.MOUTH: cost("item", "seconds"),
    }
    return Hardware("sleep model", stages)


def _service(late: Seconds = 0.0) -> Service:
    return Service(_hardware(late), {"cores": MACHINE.slots, "words": 1}, RING_ONLY, noise=0.0)


def _crowd(load: float, seconds: Seconds, seed: int) -> Workload:
    service = _service()
    rate = load * best_rate(service.hardware, service.slots, Script(HABITS, seed).mean())
    return questions(rate, seconds, seed, habits=HABITS)


def _simulated(crowd: Workload, seed: int, late: Seconds) -> Mapping[str, float]:
    report = simulate(_service(late), crowd, seed)
    p50, p95, _ = report.ttfa["all"]
    return {"first audio p50, s": p50, "first audio p95, s": p95, "use of the cores": report.use["cores"]}


def _lived(crowd: Workload) -> tuple[Mapping[str, float], Seconds]:
    """What was heard, and by how much a batch took longer than the sleep model says."""
    ours = Ours(MACHINE)
    asked = [(visit.at, crowd.script.shape(number, 0)) for number, visit in enumerate(crowd.visits)]
    turns, began = asyncio.run(live(ours, asked, RING_ONLY.max_lead))
    waits = [turn.ttfa for turn in turns if turn.at >= crowd.settle]
    ends = began + crowd.until
    busy = sum(max(0.0, min(batch.ended, ends) - batch.began) for batch in ours.log.batches)
    late = fmean(
        batch.ended - batch.began - model.total([(ask.stage, ask.units) for ask in batch.asks])
        for batch in ours.log.batches
    )
    return {
        "first audio p50, s": percentile(waits, 50),
        "first audio p95, s": percentile(waits, 95),
        "use of the cores": busy / crowd.until / MACHINE.slots,
    }, late

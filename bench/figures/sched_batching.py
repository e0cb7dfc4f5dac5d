"""How much of what batching could give is got: 32 clients that ask again when they are answered, over HTTP.

With batches of 16 a queue is always full when a batch ends. With batches of 32 it is empty: all clients come back at
once, and who runs what comes first runs twice the batches. Items a second ÷ those of full batches without a pause.
"""

import asyncio
import time
from collections.abc import Mapping

from bench.peers import model
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.contender import Ask, Machine
from bench.scheduler.load import closed_loop
from bench.scheduler.servers import Target, started
from bench.scheduler.spread import Runs, contenders, interleaved, missing, row
from polytalk.types import Seconds

GOAL = 0.97
CLIENTS = 32
BATCHES = (16, 32)
SECONDS: Seconds = 4.0
DUE: Seconds = 2.0
"""A deadline that everybody can keep: what is measured is how batches are filled."""
BEST: Mapping[str, Mapping[str, str]] = {
    "litserve": {"MODEL_BATCH_WAIT": "0"},
    "ray": {"MODEL_BATCH_WAIT": "0.05"},
}
"""Of waits of 0, 5, 20 and 50 ms (BentoML chooses its own)."""


def measure(plan: Plan) -> Figure:
    """All contenders, for both sizes of batch."""
    rows: list[Row] = []
    drawn: list[plot.Bar] = []
    found: dict[int, Runs] = {}
    for size in BATCHES:
        machine = Machine(1, size)

        def once(name: str, _: int, machine: Machine = machine) -> float:
            with started(name, machine, BEST.get(name, {})) as target:
                return asyncio.run(_efficiency(target, machine))

        runs = found[size] = interleaved(
            [name for name in contenders(plan) if name != "ungated"], once, plan.runs if size == BATCHES[0] else 1
        )
        for name, values in runs.items():
            cells: Row = {"max batch": size, "server": name, **row(values)}
            rows.append(cells)
            drawn.append(
                plot.Bar(
                    f"{name}, batches of {size}", round(sorted(values)[len(values) // 2], 3), min(values), max(values)
                )
            )
    title = f"Batching efficiency: {CLIENTS} clients in closed loops over HTTP, sleep model"
    plot.bars("sched_batching", title, drawn, GOAL)
    slope, overhead = model.STAGES["item"]
    notes = [
        f"Model: {overhead * 1000:.0f} ms + {slope * 1000:.0f} ms an item; one slot. 1.0 is a full batch always, and "
        "no time between batches; HTTP and the background's share of the cores are in it.",
        *missing(plan),
    ]
    what = f"batching: items/s ÷ those of full batches without a pause, {CLIENTS} clients, batches of {BATCHES[0]}"
    line = Line(1, what, GOAL, found[BATCHES[0]], at_most=False, setting="live, sleep model")
    return Figure("sched_batching", title, f"≥ {GOAL}", rows, notes, [line])


async def _efficiency(target: Target, machine: Machine) -> float:
    async def work(client: int) -> None:
        await target.ask(Ask(session=f"client_{client}", due=time.monotonic() + DUE))

    rate = await closed_loop(work, CLIENTS, SECONDS, warm=1.0)
    await target.http.close()
    return rate / model.capacity("item", machine.max_batch)

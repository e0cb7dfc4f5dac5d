"""A vip among three times the work that the machine can do: how much later is it answered than on an idle machine?

Four slots. A vip asks now and then; the others keep three times as many jobs waiting as all batches of all slots hold.
Polytalk is measured as it comes, and with one of the slots kept for vips, which costs the others a quarter of their
throughput less what vips use: the last column says how much they got.
"""

import asyncio
import time
from collections.abc import Callable

import numpy as np

from bench.peers import model
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.baselines import BoundedFifo, Greedy
from bench.scheduler.contender import Ask, Contender, Machine
from bench.scheduler.load import closed_loop, open_loop, serving
from bench.scheduler.ours import Ours
from bench.scheduler.spread import interleaved, row
from polytalk.types import Seconds, Tier

GOAL = 1.3
MACHINE = Machine(slots=4, max_batch=8)
OTHERS = 3 * MACHINE.slots * MACHINE.max_batch
RATE = 6.0
"""Of the vip's jobs a second."""
SECONDS: Seconds = 15.0
"""Long enough for ninety vips: of thirty-three, the second worst was the p95."""
KEPT = "polytalk, a slot for vips"
"""The setting `vip_cores`."""
MAKERS: dict[str, Callable[[], Contender]] = {
    KEPT: lambda: Ours(MACHINE, vip_slots=1),
    "polytalk": lambda: Ours(MACHINE),
    "greedy": lambda: Greedy(MACHINE),
    "fifo": lambda: BoundedFifo(MACHINE, 10_000),
}


def measure(plan: Plan) -> Figure:
    """Ours, with and without a reserve, and the baselines."""
    times: dict[str, list[tuple[float, float, float]]] = {name: [] for name in MAKERS}
    idle: dict[str, float] = {}

    def once(name: str, run: int) -> float:
        if name == next(iter(MAKERS)):
            idle.update(asyncio.run(_idle(run)))
        busy, rate = asyncio.run(_vip(MAKERS[name](), OTHERS, run))
        share = rate / model.capacity("item", MACHINE.max_batch, MACHINE.slots)
        times[name].append((1000 * idle[name], 1000 * busy, share))
        return busy / idle[name]

    runs = interleaved(tuple(MAKERS), once, plan.long_runs)
    rows: list[Row] = []
    for name, values in runs.items():
        alone, busy, share = (float(np.median(column)) for column in zip(*times[name], strict=True))
        middle: Row = {"idle p95 ms": round(alone, 1), "p95 ms": round(busy, 1)}
        cells: Row = {"scheduler": name, **middle, **row(values, 2), "others' throughput": round(share, 2)}
        rows.append(cells)
    title = "A vip's time to the answer at three times the load ÷ idle, p95"
    plot.bars("sched_vip", title, plot.of(runs, 2), GOAL)
    setting = f"live, sleep model, {MACHINE.slots} slots"
    others = {name: values for name, values in runs.items() if "polytalk" not in name}
    lines = [
        Line(8, what, GOAL, {"polytalk": runs[name]} | others, setting=setting)
        for what, name in (
            ("a vip's p95 among 3 × the load ÷ idle, one slot kept for vips", KEPT),
            ("a vip's p95 among 3 × the load ÷ idle, none kept", "polytalk"),
        )
    ]
    return Figure("sched_vip", title, f"≤ {GOAL}", rows, lines=lines)


async def _idle(seed: int) -> dict[str, Seconds]:
    """Each contender's vip alone, all side by side: six jobs a second leave the machine idle. They come at moments of
    their own, so that nobody's waits for the event loop."""
    found = await asyncio.gather(*(_vip(make(), 0, seed + 1_000 * one) for one, make in enumerate(MAKERS.values())))
    return {name: p95 for name, (p95, _) in zip(MAKERS, found, strict=True)}


async def _vip(contender: Contender, others: int, seed: int) -> tuple[Seconds, float]:
    """The vip's p95, and what the others got done a second."""
    found: list[Seconds] = []

    async def vip(_: int) -> None:
        began = time.monotonic()
        await contender.ask(Ask(due=began + 1.0, session="vip", tenant="vip", tier=Tier.VIP))
        found.append(time.monotonic() - began)

    async def other(client: int) -> None:
        await contender.ask(Ask(due=time.monotonic() + 1.0, session=f"{client}", tenant=f"tenant_{client % 4}"))

    async with serving(contender), asyncio.TaskGroup() as group:
        crowd = group.create_task(closed_loop(other, others, SECONDS))
        await asyncio.sleep(0.5)
        await open_loop(vip, RATE, SECONDS - 0.5, seed)
    return float(np.percentile(found, 95)), crowd.result()

"""A tenant that owns half of the machine rests, then comes back: is its half used meanwhile, and had back at once?

Two others are backlogged all the time. Idle entitlement in use: what they computed beyond their own, over what the
owner left. Reclaim: dispatches from the owner's first job on until one has its work, 1 being the very next; after that
its share of the compute, which should be at least the half it owns.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Sequence

from bench.peers import model
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot, together
from bench.scheduler.baselines import BoundedFifo, Greedy
from bench.scheduler.contender import Ask, Batch, Contender, Machine
from bench.scheduler.load import closed_loop, serving
from bench.scheduler.ours import Ours
from bench.scheduler.spread import Runs, row
from polytalk.schedule.bank import Account
from polytalk.types import Seconds

MACHINE = Machine(slots=1, max_batch=8)
OWNER = "owner"
OWNS = 0.5
OTHERS = {"left": 0.25, "right": 0.25}
CLIENTS = 16
REST: Seconds = 3.0
WORK: Seconds = 3.0
CYCLES = 3
FULL_BATCH = model.seconds("item", MACHINE.max_batch)


def _ours() -> Contender:
    return Ours(MACHINE, [Account(OWNER, OWNS), *(Account(name, share) for name, share in OTHERS.items())])


MAKERS: dict[str, Callable[[], Contender]] = {
    "polytalk": _ours,
    "greedy": lambda: Greedy(MACHINE),
    "fifo": lambda: BoundedFifo(MACHINE, 1_000),
}


def measure(plan: Plan) -> Figure:
    """Ours and the baselines."""
    runs: Runs = {name: [] for name in MAKERS}
    reclaims: Runs = {name: [] for name in MAKERS}
    shares: Runs = {name: [] for name in MAKERS}
    for name, found in together.in_process(MAKERS, _cycles, plan.runs).items():
        for batches, rests, works in found:
            runs[name].append(statistics.mean(in_use(batches, *rest) for rest in rests))
            reclaims[name].append(float(max(reclaim(batches, began) for began, _ in works)))
            shares[name].append(statistics.mean(share(batches, began + FULL_BATCH, ended) for began, ended in works))
    rows: list[Row] = []
    for name in MAKERS:
        for what, goal, values in (
            ("idle entitlement in use", "≥ 0.95", runs[name]),
            ("longest reclaim, dispatches", "≤ 1", reclaims[name]),
            ("owner's share after", f"≥ {OWNS}", shares[name]),
        ):
            rows.append({"scheduler": name, "measured": what, "goal": goal} | row(values))
    title = "An owner rests and comes back"
    plot.bars("sched_bank", f"{title}: longest reclaim, in dispatches", plot.of(reclaims), 1.0)
    lines = [
        Line(7, "bank: idle entitlement in use", 0.95, runs, at_most=False, setting="live, sleep model"),
        Line(7, "longest reclaim by the owner", 1.0, reclaims, unit="dispatches", setting="live, sleep model"),
    ]
    return Figure("sched_bank", title, "in use ≥ 0.95; reclaimed at the next dispatch", rows, lines=lines)


Stretch = tuple[Seconds, Seconds]


async def _cycles(contender: Contender, _: int) -> tuple[Sequence[Batch], list[Stretch], list[Stretch]]:
    rests: list[Stretch] = []
    works: list[Stretch] = []

    async def ask(tenant: str, client: int) -> None:
        await contender.ask(Ask(due=time.monotonic() + 60, session=f"{tenant}{client}", tenant=tenant))

    async def owner() -> None:
        for _ in range(CYCLES):
            began = time.monotonic()
            await asyncio.sleep(REST)
            rests.append((began + 0.5, time.monotonic()))
            began = time.monotonic()
            await closed_loop(lambda client: ask(OWNER, client), CLIENTS, WORK, warm=0.0)
            works.append((began, began + WORK))

    async with serving(contender), asyncio.TaskGroup() as group:
        for name in OTHERS:
            lasts = CYCLES * (REST + WORK) + 0.5
            group.create_task(closed_loop(lambda client, name=name: ask(name, client), CLIENTS, lasts))  # type: ignore[misc]
        group.create_task(owner())
    return [batch for batch in contender.log.batches if batch.asks], rests, works


def in_use(batches: Sequence[Batch], began: Seconds, ended: Seconds) -> float:
    """What others computed beyond their own in a stretch, over what the owner was entitled to."""
    busy = sum(max(0.0, min(batch.ended, ended) - max(batch.began, began)) for batch in batches)
    own = sum(OTHERS.values()) * (ended - began)
    return (busy - own) / (OWNS * (ended - began))


def reclaim(batches: Sequence[Batch], asked: Seconds) -> int:
    """How many batches began after the owner's first job had come, up to the first that has one of the owner's."""
    after = [batch for batch in batches if batch.began >= asked]
    owners = (index for index, batch in enumerate(after, 1) if any(ask.tenant == OWNER for ask in batch.asks))
    return next(owners, len(after) + 1)


def share(batches: Sequence[Batch], began: Seconds, ended: Seconds) -> float:
    """The owner's part of the compute, by units."""
    within = [batch for batch in batches if began <= batch.began and batch.ended <= ended]
    total = sum(batch.ended - batch.began for batch in within)
    own = sum(
        (batch.ended - batch.began) * sum(ask.units for ask in batch.asks if ask.tenant == OWNER) / _units(batch)
        for batch in within
    )
    return own / total if total else 0.0


def _units(batch: Batch) -> float:
    return sum(ask.units for ask in batch.asks)

"""Tenants who all ask for more than there is: does each get its weighted share, and how far do they drift apart?

Service is what a tenant's work cost, divided by its weight (a vip weighs four). Jain's index over it is 1 when all are
equal. The gap is the largest difference between two tenants at any moment, in full batches of compute.
"""

import time
from collections.abc import Callable, Sequence

import numpy as np

from bench.peers import model
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot, together
from bench.scheduler.baselines import BoundedFifo, Greedy
from bench.scheduler.contender import Ask, Batch, Contender, Machine
from bench.scheduler.load import closed_loop, serving
from bench.scheduler.ours import Ours
from bench.scheduler.spread import Runs, row
from polytalk.schedule.fairshare import WEIGHT
from polytalk.types import Seconds, Tier

MACHINE = Machine(slots=1, max_batch=8)
TENANTS = (
    ("vip", Tier.VIP, 48, 1.0),
    ("small", Tier.STANDARD, 8, 1.0),
    ("big", Tier.STANDARD, 16, 4.0),
    *((f"other_{n}", Tier.STANDARD, 12, 1.0) for n in range(5)),
)
"""Name, tier, clients in closed loops, units of a job: enough that everybody always has something waiting."""
SECONDS: Seconds = 8.0
FULL_BATCH = model.seconds("item", MACHINE.max_batch)
MAKERS: dict[str, Callable[[], Contender]] = {
    "polytalk": lambda: Ours(MACHINE),
    "greedy": lambda: Greedy(MACHINE),
    "fifo": lambda: BoundedFifo(MACHINE, 1_000),
}


def measure(plan: Plan) -> Figure:
    """Index and gap of ours and the baselines."""
    found = together.in_process(MAKERS, _backlogged, plan.runs)
    services = {name: [served(batches) for batches in of] for name, of in found.items()}
    runs: Runs = {name: [jain(service[-1]) for service in of] for name, of in services.items()}
    gaps: Runs = {name: [largest_gap(service) / FULL_BATCH for service in of] for name, of in services.items()}
    rows: list[Row] = []
    for name in MAKERS:
        rows.append({"scheduler": name, "measured": "Jain index", "goal": "≥ 0.99"} | row(runs[name], 4))
        rows.append({"scheduler": name, "measured": "gap, batches", "goal": "≤ 2"} | row(gaps[name], 2))
    title = "Weighted fairness between eight backlogged tenants"
    plot.bars("sched_fairness", f"{title}: Jain's index", plot.of(runs), 0.99)
    lines = [
        Line(6, "fairness of backlogged tenants: Jain's index", 0.99, runs, at_most=False, setting="live, sleep model"),
        Line(6, "largest gap between two tenants", 2.0, gaps, unit="batches", setting="live, sleep model"),
    ]
    return Figure("sched_fairness", title, "index ≥ 0.99; gap ≤ 2 full batches", rows, lines=lines)


async def _backlogged(contender: Contender, _: int) -> Sequence[Batch]:
    clients = [one for one in TENANTS for _ in range(one[2])]

    async def work(client: int) -> None:
        tenant, tier, _, units = clients[client]
        await contender.ask(Ask(units=units, due=time.monotonic() + 60, session=f"{client}", tenant=tenant, tier=tier))

    async with serving(contender):
        await closed_loop(work, len(clients), SECONDS)
    batches = [batch for batch in contender.log.batches if batch.asks]
    until = batches[0].began + SECONDS  # afterwards not everybody asks any more
    return [batch for batch in batches if batch.ended <= until][2:]


def served(batches: Sequence[Batch]) -> list[list[float]]:
    """Weighted compute-seconds of every tenant so far, after each batch; shared within a batch by units."""
    total = {name: 0.0 for name, *_ in TENANTS}
    found = []
    for batch in batches:
        cost = (batch.ended - batch.began) / sum(ask.units for ask in batch.asks)
        for ask in batch.asks:
            total[ask.tenant] += cost * ask.units / WEIGHT[ask.tier]
        found.append(list(total.values()))
    return found


def jain(values: Sequence[float]) -> float:
    """(Σx)² / (n Σx²): Jain, Chiu and Hawe, "A Quantitative Measure of Fairness" (DEC TR-301, 1984)."""
    array = np.array(values)
    return float(array.sum() ** 2 / (len(array) * (array**2).sum()))


def largest_gap(service: Sequence[Sequence[float]]) -> Seconds:
    """The largest difference in service between two tenants over any stretch of the backlog.

    What they had gained on each other before a stretch does not count, so it is the range of the running difference.
    """
    array = np.array(service)
    pairs = [array[:, a] - array[:, b] for a in range(array.shape[1]) for b in range(a)]
    return float(max(difference.max() - difference.min() for difference in pairs))

"""The worked example of docs/scheduling.md, run through the code: what it prints is what the page says."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from polytalk.schedule.admission import Admission, Admitted, Ask, Waiting
from polytalk.schedule.bank import Account, Bank
from polytalk.schedule.batch import Batch, form
from polytalk.schedule.cost import Cost
from polytalk.schedule.order import RESCUE_SLACK, ReadyQueue
from polytalk.schedule.playout import Playout
from polytalk.schedule.window import Arrivals, hold
from polytalk.types import AnalyseWork, Job, Seconds, Tier
from tests.support.jobs import job

SOURCE = Path(__file__).parents[2] / "src/polytalk"
PAGE = (SOURCE.parents[1] / "docs/scheduling.md").read_text(encoding="utf-8")
CACHE_PAGE = (SOURCE.parents[1] / "docs/cache.md").read_text(encoding="utf-8")
START = 10.0
MAX_BATCH = 4
SPOKEN = {"shop": Tier.STANDARD, "desk": Tier.VIP}
WAITING = (
    # job, tenant, session's playout: begun, sent; when the job came
    ("a1", "shop", 8.35, 2.0, 9.50),
    ("v1", "desk", 9.40, 1.5, 9.70),
    ("b1", "shop", 9.50, 1.5, 9.80),
    ("v2", "desk", 9.40, 2.5, 10.00),
)


def one_second(of: Job) -> float:
    """Every job moves a mouth through one second of speech."""
    return 1.0


def known_cost() -> Cost:
    """0.1 s a second of speech and 0.1 s a batch, learnt from two batches that took just that."""
    cost = Cost()
    for units in (0.5, 1.5):
        cost.observe(units, 0.1 * units + 0.1)
    return cost


def deadline(begun: Seconds, sent: Seconds) -> Seconds:
    playout = Playout()
    playout.send(sent, now=begun)
    return playout.deadline()


class Example:
    """One engine on one core, at 10.00 s."""

    def __init__(self) -> None:
        self.bank = Bank(1.0, START - 1.0)
        self.bank.open(Account("shop", 0.1))
        self.bank.open(Account("desk", 0.5))
        self.bank.advance(START)
        self.queue = ReadyQueue(bank=self.bank)
        self.cost = known_cost()
        self.arrivals = Arrivals()
        for name, tenant, begun, sent, came in WAITING:
            self.arrivals.note(came)
            work = AnalyseWork(b"")
            due = deadline(begun, sent)
            self.queue.push(
                job(id=name, tenant=tenant, tier=SPOKEN[tenant], created=came, deadline=due, work=work, session=name[0])
            )
        self.queue.fair.charge("shop", 0.4, 1.0)  # what they had before
        self.queue.fair.charge("desk", 0.4, 4.0)

    def form(self, now: Seconds) -> Batch:
        return form(self.queue, now, self.cost, one_second, MAX_BATCH)

    def run(self, batch: Batch, now: Seconds) -> Seconds:
        """As the worker does: what it took is learnt and charged by size."""
        took = 0.1 * batch.units + 0.1
        self.cost.observe(batch.units, took, len(batch.jobs))
        for one in batch.jobs:
            self.queue.charge(one, took / len(batch.jobs), now + took)
        return now + took

    def counters(self) -> str:
        known = self.queue.fair.counters
        return "  ".join(f"{tenant} {known[tenant]:.4f}" if tenant in known else f"{tenant} -" for tenant in SPOKEN)


def told() -> Iterator[str]:
    """The example, line by line."""
    at = Example()
    yield "waiting at 10.00"
    for one in sorted(at.queue, key=lambda one: one.deadline):
        slack = one.deadline - START - at.cost.predict(1.0)
        rescued = "  rescue" if 0 <= slack < RESCUE_SLACK else ""
        yield f"  {one.id}  {one.tenant} {one.tier:<8}  due {one.deadline:.2f}  slack {slack:.2f}{rescued}"
    yield f"counters   {at.counters()}"
    now = START
    for _ in range(2):
        batch = at.form(now)
        names = " ".join(one.id for one in batch.jobs)
        yield f"batch at {now:.2f}: {names}, released for {batch.reason}, must start by {batch.due:.2f}"
        if batch.reason == "idle":
            yield f"  window   {window(at, batch, now)}"
        yield f"  advance  {at.counters()}"
        before = len(at.bank.ledger)
        now = at.run(batch, now)
        yield f"done at {now:.2f}"
        yield f"  counters {at.counters()}"
        if before == LEDGER_BEGINS:
            yield "  ledger"
            for entry in at.bank.ledger[before:]:
                yield f"    {entry.kind:<8} {entry.source:>5} -> {entry.target:<5} {entry.amount:.2f}"
            yield f"  entitled shop {at.bank.entitled('shop')}, desk {at.bank.entitled('desk')}"


LEDGER_BEGINS = 3
"""Entries before the first batch: three deposits at 10.00."""


def window(at: Example, batch: Batch, now: Seconds) -> str:
    size = len(batch.jobs)
    gap, saving = at.arrivals.gap(now), at.cost.saving(batch.units, size)
    decision = hold(
        now,
        oldest=min(one.created for one in batch.jobs),
        size=size,
        max_size=MAX_BATCH,
        gap=gap,
        saving=saving,
        slack=batch.due - now,
    )
    return f"gap {gap:.2f} s, one more would save {saving:.3f} s each: {decision.reason}"


def test_the_page_says_what_the_code_does() -> None:
    (block,) = re.findall(r"^```text\n(waiting at 10\.00\n.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert block.splitlines() == list(told())


def test_the_ladder_and_the_queue_of_the_page() -> None:
    """Admission's example: 4 cores, turns that take 0.5 with the face and 0.4 without."""
    admission = Admission({"cores": 4.0})
    rungs = [{"cores": 0.5}, {"cores": 0.4}]
    outcomes = [admission.request(Ask(f"t{n}", Tier.STANDARD, rungs), 0.0) for n in range(9)]
    assert outcomes[:7] == [Admitted(0)] * 6 + [Admitted(1)]
    assert outcomes[7:] == [Waiting(1, 2.0), Waiting(2, 4.0)]
    assert admission.request(Ask("vip", Tier.VIP, rungs), 0.0) == Admitted(1)
    assert admission.use("cores") == pytest.approx(0.95)


def test_every_test_of_the_page_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)::(test_\w+)`", PAGE)
    assert len(named) >= 20
    folder = Path(__file__).parent
    assert not [(file, test) for file, test in named if f"def {test}(" not in (folder / file).read_text("utf-8")]


def test_every_metric_is_told_and_none_that_is_not_there() -> None:
    source = (SOURCE / "gateway/metrics.py").read_text("utf-8")
    exported = set(re.findall(r'"(polytalk_\w+)"', source))
    exported |= {f"polytalk_bank_{name}" for name in re.findall(r'^            "(\w+)": "', source, re.MULTILINE)}
    told_of = {name.removesuffix("_total") for name in re.findall(r"`(polytalk_\w+)`", PAGE + CACHE_PAGE)}
    assert told_of == exported


def test_every_file_of_the_page_exists() -> None:
    named = set(re.findall(r"`((?:\w+/)+\w+\.py)`", PAGE))
    assert len(named) > 15
    assert not [name for name in named if not any((base / name).exists() for base in (SOURCE, SOURCE.parents[1]))]

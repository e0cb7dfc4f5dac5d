"""The arithmetic of the scheduler's figures, and the baselines it is compared with."""

import asyncio
import time

import pytest

from bench.figures.sched_bank import OTHERS, OWNER, OWNS, in_use, reclaim, share
from bench.figures.sched_fairness import TENANTS, jain, largest_gap, served
from bench.figures.sched_window import ADAPTIVE, LASTS, PHASES, arrivals, regret
from bench.peers import model
from bench.scheduler import plot, turns
from bench.scheduler.baselines import BoundedFifo, Greedy
from bench.scheduler.contender import Ask, Batch, Contender, Machine
from bench.scheduler.load import closed_loop, open_loop, serving
from bench.scheduler.ours import Ours
from bench.scheduler.spread import PEER_RUNS, interleaved, row
from bench.scheduler.turns import Turn, capacity, goodput, machine
from polytalk.errors import Shed

FAST = Machine(slots=1, max_batch=4)


@pytest.fixture(autouse=True)
def fast_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(model.STAGES, "item", (0.0, 0.001))


def batch(began: float, ended: float, *tenants: str) -> Batch:
    return Batch(began, ended, [Ask(tenant=tenant) for tenant in tenants])


def test_the_model_takes_a_line_for_each_stage_in_a_batch() -> None:
    slope, overhead = model.STAGES["speak"]
    assert model.total([("speak", 1.0), ("speak", 2.0)]) == pytest.approx(3 * slope + overhead)
    assert model.total([("speak", 1.0), ("listen", 1.0)]) == pytest.approx(
        model.seconds("speak", 1.0) + model.seconds("listen", 1.0)
    )


def test_capacity_is_that_of_full_batches_on_all_slots() -> None:
    assert model.capacity("speak", 4, slots=2) == pytest.approx(8 / model.seconds("speak", 4))
    of = machine()
    full = sum(model.seconds(stage, of.max_batch) / of.max_batch for stage in ("listen", "think"))
    full += turns.SENTENCES * model.seconds("speak", of.max_batch) / of.max_batch
    assert capacity(of) == pytest.approx(of.slots / full)


@pytest.mark.parametrize("make", [Ours, Greedy, lambda of: BoundedFifo(of, 100)], ids=["ours", "greedy", "fifo"])
async def test_every_contender_does_all_that_is_asked_in_batches(make: type[Ours]) -> None:
    contender: Contender = make(FAST)
    async with serving(contender):
        await asyncio.gather(*(contender.ask(Ask(session=str(n), due=time.monotonic() + 9)) for n in range(12)))
    sizes = [len(one.asks) for one in contender.log.batches]
    assert sum(sizes) == 12
    assert max(sizes) <= 4
    assert contender.log.size() > 1


async def test_a_full_fifo_refuses() -> None:
    contender = BoundedFifo(FAST, limit=1)
    waiting = asyncio.create_task(contender.ask(Ask()))
    await asyncio.sleep(0)
    with pytest.raises(Shed):
        await contender.ask(Ask())
    async with serving(contender):
        await waiting


async def test_a_closed_loop_counts_what_its_clients_got() -> None:
    async def work(_: int) -> None:
        await asyncio.sleep(0.01)

    assert 100 <= await closed_loop(work, clients=2, seconds=0.2, warm=0.0) <= 201


async def test_an_open_loop_brings_as_many_as_expected() -> None:
    seen: list[int] = []

    async def work(index: int) -> None:
        seen.append(index)

    assert await open_loop(work, rate=200.0, seconds=0.1, seed=1) == 20
    assert seen == list(range(20))


def test_peers_run_less_often_and_everybody_in_turn() -> None:
    order: list[tuple[str, int]] = []

    def once(name: str, run: int) -> float:
        order.append((name, run))
        return float(run)

    runs = interleaved(("polytalk", "litserve"), once, runs=PEER_RUNS + 1)
    assert order[:3] == [("polytalk", 0), ("litserve", 0), ("polytalk", 1)]
    assert (len(runs["polytalk"]), len(runs["litserve"])) == (PEER_RUNS + 1, PEER_RUNS)
    assert row([3.0, 1.0, 2.0]) == {"median": 2.0, "min": 1.0, "max": 3.0, "runs": 3}


def test_service_is_shared_by_units_and_weighed() -> None:
    names = [name for name, *_ in TENANTS]
    vip, big = TENANTS[0], TENANTS[2]
    ran = Batch(0.0, 1.0, [Ask(tenant=vip[0], tier=vip[1], units=1.0), Ask(tenant=big[0], tier=big[1], units=4.0)])
    [service] = served([ran])
    assert service[names.index(vip[0])] == pytest.approx(0.2 / 4)
    assert service[names.index(big[0])] == pytest.approx(0.8)


def test_the_index_is_one_for_equals_and_one_nth_for_a_monopoly() -> None:
    assert jain([2.0, 2.0, 2.0]) == pytest.approx(1.0)
    assert jain([6.0, 0.0, 0.0]) == pytest.approx(1 / 3)


def test_the_gap_is_that_of_the_worst_stretch() -> None:
    assert largest_gap([[1.0, 0.0], [1.0, 1.0], [1.0, 3.0]]) == pytest.approx(3.0)  # from +1 to -2


def test_idle_entitlement_in_use_is_what_others_had_beyond_their_own() -> None:
    other = next(iter(OTHERS))
    all_of_it, half = [batch(0.0, 10.0, other)], [batch(0.0, 7.5, other)]
    assert in_use(all_of_it, 0.0, 10.0) == pytest.approx(1.0)
    assert in_use(half, 0.0, 10.0) == pytest.approx((7.5 - 10 * sum(OTHERS.values())) / (10 * OWNS))


def test_reclaim_ends_when_a_batch_with_the_owners_work_begins() -> None:
    ran = [batch(0.0, 1.0, "left"), batch(1.0, 2.0, OWNER, "left"), batch(2.0, 3.0, OWNER)]
    assert reclaim(ran, 0.5) == 1
    assert reclaim(ran, 0.0) == 2
    assert share(ran, 1.0, 3.0) == pytest.approx(0.75)


def test_regret_is_against_the_best_fixed_window_of_the_phase() -> None:
    assert regret({ADAPTIVE: 1.1, "0 ms": 1.0, "5 ms": 2.0}) == pytest.approx(0.1)
    assert regret({ADAPTIVE: 0.9, "0 ms": 1.0}) == pytest.approx(-0.1)


@pytest.mark.parametrize("phase", PHASES)
def test_arrivals_rise_within_their_phase(phase: str) -> None:
    moments = list(arrivals(phase, seed=3))
    assert moments == sorted(moments)
    assert moments[0] >= 0
    assert moments[-1] < LASTS + 1


def test_a_good_turn_begins_in_time_and_has_no_gap() -> None:
    good, late, broken = (Turn(asked=10.0) for _ in range(3))
    for turn, first in ((good, 10.9), (late, 10.0 + turns.FIRST_AUDIO + 0.1), (broken, 10.9)):
        turn.first_audio, turn.outcome = first, "answered"
    broken.playout.send(0.5, 11.0)
    broken.playout.send(0.5, 11.5 + turns.GAP + 0.1)
    assert [turn.good for turn in (good, late, broken)] == [True, False, False]
    assert goodput([good, late, broken], 2.0) == 0.5


def test_a_plot_has_a_bar_for_each_contender() -> None:
    assert [bar.label for bar in plot.of({"polytalk": [1.0, 3.0, 2.0], "none": []})] == ["polytalk"]
    assert plot.of({"polytalk": [1.0, 3.0, 2.0]})[0] == plot.Bar("polytalk", 2.0, 1.0, 3.0)

"""The simulated machine: events in order, queueing theory, and the short cut that must decide what the ring decides."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.sim.chance import poisson
from polytalk.sim.costs import StageCost
from polytalk.sim.events import Loop
from polytalk.sim.policy import FIFO, GREEDY, INTERVAL, OURS, PlainDesk, Policy, fixed
from polytalk.sim.ring import RingDesk
from polytalk.sim.stage import Bench, Piece
from polytalk.sim.task import Task, new_task
from polytalk.types import Stage, Tier

SECOND = StageCost(slope=1.0, overhead=0.0, units="seconds", pool="bench")
BATCHED = StageCost(slope=0.02, overhead=0.1, units="seconds", pool="bench", max_batch=4)


def test_events_happen_in_order_of_time_then_of_making() -> None:
    loop, seen = Loop(), list[tuple[float, str]]()
    for moment, name in ((2.0, "late"), (1.0, "first"), (1.0, "second")):
        loop.at(moment, lambda what: seen.append((loop.now(), what)), name)
    loop.run()
    assert seen == [(1.0, "first"), (1.0, "second"), (2.0, "late")]


def test_the_past_is_over() -> None:
    loop = Loop()
    loop.at(1.0, lambda _: loop.at(0.5, print, None), None)
    with pytest.raises(ValueError, match=r"0\.5 s is over"):
        loop.run()


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_one_server_waits_as_long_as_queueing_theory_says(load: float) -> None:
    """M/D/1: the mean wait is load * service / (2 * (1 - load)) (Pollaczek and Khinchine)."""
    bench = Bench(SECOND, FIFO.desk(1))
    bench.feed(Piece(at) for at in poisson(lambda _: load, load, 60_000, random.Random(1)))
    waits = [ran.started - ran.task.created for ran in bench.run()]
    assert sum(waits) / len(waits) == pytest.approx(load / (2 * (1 - load)), rel=0.05)


def test_the_ring_loses_no_time_where_batching_gains_none() -> None:
    def busy(desk: RingDesk | PlainDesk) -> float:
        bench = Bench(SECOND, desk)
        bench.feed(Piece(at) for at in poisson(lambda _: 0.8, 0.8, 5_000, random.Random(2)))
        return max(ran.ended for ran in bench.run())

    assert busy(RingDesk(1)) == pytest.approx(busy(PlainDesk(1)))


def test_a_fixed_window_waits_for_company_and_no_longer() -> None:
    bench = Bench(BATCHED, fixed(0.5).desk(4))
    bench.feed([Piece(1.0), Piece(1.2), Piece(5.0)])
    assert [round(ran.started, 9) for ran in bench.run()] == [1.5, 1.5, 5.5]


def test_a_full_batch_leaves_before_its_window_ends() -> None:
    bench = Bench(BATCHED, fixed(0.5).desk(4))
    bench.feed(Piece(1.0 + n / 100) for n in range(4))
    assert [round(ran.started, 9) for ran in bench.run()] == [1.03] * 4


def test_a_dropped_job_never_runs() -> None:
    desk = PlainDesk(1)
    bench = Bench(SECOND, desk)
    bench.feed([Piece(0.0), Piece(0.1), Piece(0.2)])
    bench.loop.at(0.5, lambda _: bench.station.cancel(next(iter(desk.waiting.values()))), None)
    assert [ran.task.created for ran in bench.run()] == [0.0, 0.2]
    assert (bench.station.created, bench.station.finished, bench.station.cancelled) == (3, 2, 1)


pieces = st.lists(st.builds(Piece, st.floats(0, 10), st.floats(0.1, 5), patience=st.floats(0, 2)), max_size=40)


@settings(max_examples=60, deadline=None)
@given(pieces, st.sampled_from([1, 4]), st.integers(1, 3))
def test_the_short_cut_for_a_lone_job_decides_what_the_ring_decides(
    waiting: list[Piece], most: int, slots: int
) -> None:
    def run(*, shared: bool) -> list[tuple[str, float, float]]:
        cost = StageCost(slope=0.02, overhead=0.1, units="seconds", pool="bench", max_batch=most)
        bench = Bench(cost, RingDesk(most, shared=shared), slots=slots, noise=0.1)
        bench.feed(waiting)
        return [(ran.task.id, ran.started, ran.ended) for ran in bench.run()]

    assert run(shared=True) == run(shared=False)


@settings(max_examples=60, deadline=None)
@given(pieces, st.sampled_from([OURS, FIFO, GREEDY, fixed(0.3), INTERVAL]), st.integers(1, 3))
def test_every_job_runs_once(waiting: list[Piece], policy: Policy, slots: int) -> None:
    bench = Bench(BATCHED, policy.desk(4), slots=slots)
    bench.feed(waiting)
    assert len({ran.task.id for ran in bench.run()}) == len(bench.ran) == len(waiting)


def test_offline_work_gets_its_twentieth_in_the_simulation_too() -> None:
    bench = Bench(SECOND, RingDesk(1))
    bench.feed([Piece(0.0, 0.1, "live") for _ in range(400)])
    bench.feed([Piece(0.0, 0.1, "renders", Tier.BATCH) for _ in range(400)])
    early = [ran for ran in bench.run() if ran.ended <= 40]
    assert 0.04 <= sum(ran.task.tenant == "renders" for ran in early) / len(early) <= 0.08


def test_a_wait_for_more_is_thought_over_with_every_arrival() -> None:
    """As the worker does: what one more is worth shrinks with those who wait for it."""
    desk = RingDesk(4, shared=False)
    for count in range(40):
        size = count % 4 + 1
        desk.cost.observe(size, 0.1 + 0.02 * size, size)
        desk.arrivals.note(-0.01 * (40 - count))
    until = desk.lone(_job(1, 0.0), 0.0)
    assert until is not None
    for number in (2, 3):
        desk.push(_job(number, number / 100))
        earlier = desk.again(_job(number, number / 100), number / 100, until)
        assert earlier is None or earlier < until
    desk.push(_job(4, 0.04))
    assert desk.again(_job(4, 0.04), 0.04, until) is None
    assert desk.again(_job(5, 0.04, due=1.0), 0.04, until) is None


def _job(number: int, now: float, due: float = 9.0) -> Task:
    return new_task(number, Stage.MOUTH, now, due, 1.0)

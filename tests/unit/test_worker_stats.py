"""What a worker tells an autoscaler."""

from collections import Counter

import pytest

from polytalk.broker.memory import MemoryBroker
from polytalk.clock import VirtualClock
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.scale import ScaleRule, desired
from polytalk.types import Stage
from polytalk.worker.desk import Desk
from polytalk.worker.stats import read


def desk_with(arrivals: int, every: float, took: float) -> Desk:
    """Jobs came for a while, each of which takes `took` alone and half of it in pairs."""
    clock = VirtualClock()
    desk = Desk(Stage.SPEAK, "voice", MemoryBroker(), clock, ReadyQueue())
    for _ in range(arrivals):
        desk.arrivals.note(clock.now())
        desk.cost.observe(2.0, took, 2)
        clock.advance(every)
    return desk


def test_load_is_what_arrives_times_what_it_takes_in_the_batches_that_ran() -> None:
    stats = read(desk_with(40, every=0.1, took=0.8), 0, Counter())
    assert stats.load == pytest.approx(0.4 / 0.1, rel=0.05)
    assert desired(ScaleRule(), stats.load, stats.backlog) == 5  # 4.0 of work a second, at nine tenths


def test_when_nothing_comes_any_more_the_least_is_asked_for() -> None:
    desk = desk_with(40, every=0.1, took=0.8)
    clock = desk.clock
    assert isinstance(clock, VirtualClock)
    clock.advance(20.0)
    stats = read(desk, 0, Counter())
    assert stats.load == 0.0
    assert desired(ScaleRule(), stats.load, stats.backlog) == 1

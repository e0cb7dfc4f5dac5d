"""How many workers a stage needs."""

from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.scale import Scaler, ScaleRule, desired

RULE = ScaleRule(minimum=1, maximum=20, drain=1.0, target=0.9, patience=60.0)


def test_the_load_alone_is_sized_for_the_target_utilisation() -> None:
    assert desired(RULE, 4.5, 0.0) == 5


def test_a_backlog_asks_for_as_many_as_drain_it_in_time() -> None:
    assert desired(RULE, 0.9, 3.0) == 4


def test_workers_come_at_once_and_go_after_a_while() -> None:
    scaler = Scaler(RULE, 1)
    assert scaler.decide(9.0, 0.0, now=0.0) == 10
    assert scaler.decide(0.9, 0.0, now=1.0) == 10
    assert scaler.decide(2.7, 0.0, now=30.0) == 10
    assert scaler.decide(0.9, 0.0, now=61.0) == 3  # the most that was needed meanwhile


def test_a_new_burst_ends_the_patience() -> None:
    scaler = Scaler(RULE, 5)
    scaler.decide(0.9, 0.0, now=0.0)
    scaler.decide(4.5, 0.0, now=59.0)
    assert scaler.decide(0.9, 0.0, now=61.0) == 5


@given(st.floats(0, 1e4), st.floats(0, 1e4))
def test_the_number_stays_within_its_bounds(load: float, backlog: float) -> None:
    assert 1 <= desired(RULE, load, backlog) <= 20

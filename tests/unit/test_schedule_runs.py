"""Runs are shorter when an engine is busy, longer when it is idle; and together they are what there was to do."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.runs import LEAST, OVERHEAD, SHORTEST, Pressure, length, opening

RENDERER = Pressure(slope=0.18, overhead=0.002, slots=2)
"""7 ms a picture at 25 a second, on two cores."""

times = st.floats(0.001, 20.0)
pressures = st.builds(
    Pressure,
    waiting=st.integers(0, 200),
    gap=st.floats(0.001, 10.0) | st.just(inf),
    slope=st.just(0.0) | st.floats(0.001, 3.0),
    overhead=st.floats(0.0, 0.5),
    slots=st.integers(1, 64),
)


def test_an_idle_engine_is_given_all_that_can_be_done_in_time() -> None:
    assert length(3.0, RENDERER, slack=0.4) == 3.0


def test_a_busy_engine_is_given_little_at_a_time() -> None:
    busy = replace(RENDERER, waiting=9)
    assert length(6.0, busy, slack=1.0) == pytest.approx(6.0 / 5)  # 10 runs in 1 s on two slots: 0.2 s each
    assert length(6.0, replace(busy, waiting=100), slack=1.0) == LEAST


def test_what_will_come_counts_like_what_waits() -> None:
    assert length(9.0, replace(RENDERER, gap=0.1), slack=1.0) == length(9.0, replace(RENDERER, waiting=10), slack=1.0)


def test_who_plays_far_ahead_is_given_more_at_once() -> None:
    busy = replace(RENDERER, waiting=20)
    assert length(9.0, busy, slack=3.0) > 2 * length(9.0, busy, slack=0.4)


def test_no_run_is_mostly_overhead_however_busy_the_engine() -> None:
    costly = Pressure(waiting=10_000, slope=0.1, overhead=0.05)
    run = length(60.0, costly, slack=0.0)
    assert costly.overhead / costly.lasts(run) <= OVERHEAD * 1.05


def test_a_run_is_no_longer_than_memory_allows() -> None:
    assert length(3.0, Pressure(), slack=10.0, longest=1.0) == 1.0


def test_nothing_can_not_be_cut() -> None:
    with pytest.raises(ValueError, match="nothing to cut"):
        length(0.0, RENDERER, slack=0.4)


@given(left=times, pressure=pressures, slack=st.floats(-5.0, 20.0), longest=st.floats(LEAST, 20.0))
def test_runs_are_equal_and_make_up_the_whole(left: float, pressure: Pressure, slack: float, longest: float) -> None:
    run = length(left, pressure, slack, longest)
    assert 0 < run <= min(left, longest) * 1.0001
    assert left / run == pytest.approx(round(left / run))


@given(left=times, pressure=pressures, slack=st.floats(-5.0, 20.0), more=st.integers(1, 100))
def test_the_busier_the_engine_the_shorter_the_run(left: float, pressure: Pressure, slack: float, more: int) -> None:
    run = length(left, pressure, slack)
    assert length(left, replace(pressure, waiting=pressure.waiting + more), slack) <= run * 1.0001
    assert length(left, replace(pressure, gap=pressure.gap / (1 + more)), slack) <= run * 1.0001


@given(left=times, pressure=pressures, slack=st.floats(-5.0, 5.0), more=st.floats(0.0, 10.0))
def test_more_slack_never_makes_a_run_shorter_where_nobody_comes(
    left: float, pressure: Pressure, slack: float, more: float
) -> None:
    alone = replace(pressure, gap=inf)
    assert length(left, alone, slack + more) >= length(left, alone, slack) * 0.9999


@given(left=times, pressure=pressures, slack=st.floats(0.0, 20.0))
def test_nobody_who_waits_is_made_late_by_a_run_that_is_longer_than_the_shortest(
    left: float, pressure: Pressure, slack: float
) -> None:
    run = length(left, pressure, slack)
    shortest = max(LEAST, pressure.overhead * (1 / OVERHEAD - 1) / pressure.slope if pressure.slope else 0.0)
    if pressure.slope and run > 2 * shortest * 1.0001:  # twice: rather one run than one and a stump
        assert (1 + pressure.waiting) * pressure.lasts(run / 2) <= slack * pressure.slots * 1.0001


def test_an_answer_begins_with_a_short_run_where_the_next_is_drawn_meanwhile() -> None:
    first = length(6.0, RENDERER, slack=0.0, longest=1.0, begun=0.0)
    second = length(6.0 - first, RENDERER, slack=5.0, longest=1.0, begun=first)
    assert first == SHORTEST
    assert second > first
    assert 2 * RENDERER.lasts(second) <= first + 1e-9


@pytest.mark.parametrize("busy", [replace(RENDERER, waiting=9), replace(RENDERER, gap=0.05), Pressure(slope=1.2)])
def test_an_answer_begins_with_a_long_run_where_others_are_drawn_meanwhile(busy: Pressure) -> None:
    assert length(6.0, busy, slack=0.0, longest=1.0, begun=0.0) == pytest.approx(LEAST)


@given(pressures, times)
def test_the_first_run_of_an_answer_lies_between_the_two_bounds(pressure: Pressure, left: float) -> None:
    assert SHORTEST <= opening(pressure) <= LEAST
    assert 0 < length(left, pressure, slack=0.0, longest=1.0, begun=0.0) <= min(left, 1.0)


def test_runs_grow_where_nothing_is_known_of_the_engine() -> None:
    assert length(6.0, Pressure(), slack=5.0, longest=1.0, begun=SHORTEST) == pytest.approx(2 * SHORTEST)

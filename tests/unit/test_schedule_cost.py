"""What a batch will cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.cost import WINDOW, Cost

observations = st.lists(st.tuples(st.floats(0, 1e4), st.floats(0, 1e3)), max_size=80)


def learnt(points: list[tuple[float, float]]) -> Cost:
    cost = Cost()
    for units, seconds in points:
        cost.observe(units, seconds)
    return cost


def test_before_the_first_batch_there_is_a_guess() -> None:
    assert Cost(guess=0.2).predict(7) == 0.2


def test_batches_of_one_size_cost_what_they_cost() -> None:
    assert learnt([(4, 1.0), (4, 3.0)]).predict(4) == pytest.approx(2.0)


def test_only_the_last_batches_count() -> None:
    slow_then_fast = [(n % 7 + 1.0, 9.0) for n in range(WINDOW)] + [(n % 7 + 1.0, 0.1) for n in range(WINDOW)]
    assert learnt(slow_then_fast).predict(3) == pytest.approx(0.1)


@given(st.floats(0, 5), st.floats(0, 5), st.lists(st.integers(1, 100), min_size=2, max_size=WINDOW, unique=True))
def test_a_line_is_recovered(slope: float, overhead: float, sizes: list[int]) -> None:
    cost = learnt([(size, slope * size + overhead) for size in sizes])
    for size in (0, 1, 50, 1000):
        assert cost.predict(size) == pytest.approx(slope * size + overhead, rel=1e-6, abs=1e-6)


@given(observations, st.floats(0, 1e6))
def test_a_cost_is_never_negative(points: list[tuple[float, float]], units: float) -> None:
    assert learnt(points).predict(units) >= 0


@given(observations, st.floats(0, 1e6), st.floats(0, 1e6))
def test_more_work_never_costs_less(points: list[tuple[float, float]], one: float, other: float) -> None:
    cost = learnt(points)
    assert cost.predict(min(one, other)) <= cost.predict(max(one, other))


ran = st.tuples(st.integers(1, 4), st.floats(0.1, 100), st.floats(0.001, 10))


@given(st.lists(ran, min_size=2, max_size=4 * WINDOW))
def test_sums_that_are_kept_say_what_sums_made_anew_would(batches: list[tuple[int, float, float]]) -> None:
    kept, anew = Cost(), Cost()
    for jobs, units, seconds in batches:
        kept.observe(units, seconds, jobs)
    for jobs, units, seconds in batches[-WINDOW:]:
        anew.observe(units, seconds, jobs)
    for jobs in (1, 2, 4):
        assert kept.predict(10.0, jobs) == pytest.approx(anew.predict(10.0, jobs), rel=1e-4, abs=1e-6)
    assert kept.typical() == pytest.approx(anew.typical(), rel=1e-4, abs=1e-6)


def test_a_job_is_cheaper_in_a_full_batch_where_batching_pays() -> None:
    cost = Cost()
    for jobs in (1, 2, 1, 2):
        cost.observe(jobs, 0.1 + 0.1 * jobs, jobs)
    assert cost.economy(4) == pytest.approx(0.125 / (1.0 / 6))
    assert cost.economy(1) == 1.0
    assert Cost().economy(4) == 1.0


def test_a_small_batch_is_known_to_be_cheap_after_a_long_time_of_full_ones() -> None:
    cost = Cost()
    for jobs in (1, 2, 8):
        cost.observe(jobs, 0.02 + 0.002 * jobs, jobs)
    for _ in range(3 * WINDOW):
        cost.observe(8, 0.036, 8)
    assert cost.predict(1, 1) == pytest.approx(0.022)
    for _ in range(WINDOW):  # a machine that became twice as slow
        cost.observe(8, 0.072, 8)
    assert cost.predict(8, 8) == pytest.approx(0.072)
    assert cost.predict(1, 1) < 0.072


def test_full_batches_alone_tell_nothing_of_small_ones() -> None:
    cost = Cost()
    for _ in range(WINDOW):
        cost.observe(8, 0.036, 8)
    assert cost.predict(1, 1) == pytest.approx(0.036)

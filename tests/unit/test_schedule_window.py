"""How long to wait for one more."""

from itertools import pairwise
from math import log
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.cost import Cost
from polytalk.schedule.window import MEMORY, Arrivals, Release, hold, outlook, worth

seconds = st.floats(0, 5)


def decide(**changes: float) -> tuple[float | None, Release | None]:
    given_fields = {"oldest": 10.0, "size": 1, "max_size": 8, "gap": 0.01, "saving": 0.05, "slack": 1.0} | changes
    decision = hold(10.0, **given_fields)  # type: ignore[arg-type]
    return decision.until, decision.reason


def test_at_low_load_nobody_waits() -> None:
    assert decide(gap=2.0) == (None, Release.NO_GAIN)
    assert decide(gap=float("inf")) == (None, Release.IDLE)


def test_it_waits_while_another_is_expected_before_waiting_costs_more_than_it_saves() -> None:
    assert decide() == (10.05, None)


def test_the_window_is_counted_from_the_oldest_job() -> None:
    assert decide(oldest=9.98)[0] == pytest.approx(10.03)
    assert decide(oldest=9.9)[0] is None


def test_a_full_batch_does_not_wait() -> None:
    assert decide(size=8) == (None, Release.FULL)


def test_a_member_without_slack_does_not_wait() -> None:
    assert decide(slack=0.0) == (None, Release.SLACK)
    assert decide(slack=0.02) == (10.02, None)


@given(oldest=st.floats(0, 10), size=st.integers(1, 8), gap=seconds, saving=seconds, slack=st.floats(-1, 5))
def test_the_wait_never_outlasts_saving_or_slack(
    oldest: float, size: int, gap: float, saving: float, slack: float
) -> None:
    until, reason = decide(oldest=oldest, size=size, gap=gap, saving=saving, slack=slack)
    assert (until is None) != (reason is None)
    if until is not None:
        assert 10.0 < until <= min(oldest + saving, 10.0 + slack) + 1e-9


def test_the_gap_is_that_of_the_last_ten_seconds() -> None:
    arrivals = Arrivals()
    for tick in range(11):
        arrivals.note(tick * 0.1)
    assert abs(arrivals.gap(1.0) - 0.1) < 1e-9
    assert arrivals.gap(1.0 + MEMORY + 1) == float("inf")


def test_a_burst_that_is_over_does_not_look_as_if_it_went_on() -> None:
    arrivals = Arrivals()
    for tick in range(10):
        arrivals.note(tick * 0.001)
    assert arrivals.gap(5.0) > 0.4


def test_within_a_burst_the_next_is_expected_as_soon_as_the_last_came() -> None:
    arrivals = Arrivals()
    for burst in range(5):
        for tick in range(10):
            arrivals.note(burst + tick * 0.002)
    assert arrivals.gap(4.018) < 0.003
    assert arrivals.gap(4.1) > 0.05


@given(st.lists(st.floats(0, 100), min_size=2))
def test_a_gap_is_positive(moments: list[float]) -> None:
    arrivals = Arrivals()
    for moment in sorted(moments):
        arrivals.note(moment)
    assert arrivals.gap(max(moments)) > 0


COST = Cost()
for jobs, took in ((1, 0.022), (8, 0.036), (16, 0.052)):
    COST.observe(jobs, took, jobs)  # 20 ms a batch, 2 ms a job


def test_waiting_is_worth_less_the_more_there_are_who_wait() -> None:
    worths = [worth(COST, size, size, load=0.0) for size in range(1, 16)]
    assert worths == sorted(worths, reverse=True)
    assert worths[0] == pytest.approx(0.018)
    assert worths[-1] < 0


def test_under_load_a_saved_overhead_is_saved_for_those_behind_too() -> None:
    assert worth(COST, 16, 16, load=0.1) < 0 < worth(COST, 16, 16, load=0.97)


def test_where_batching_saves_nothing_no_wait_is_worth_it() -> None:
    straight = Cost()
    for jobs in (1, 4, 8):
        straight.observe(jobs, 0.02 * jobs, jobs)
    assert worth(straight, 4, 4, load=0.99) < 0


@given(st.lists(st.floats(0, 4), min_size=2, max_size=200), st.floats(0, 6))
def test_gaps_that_are_kept_in_order_say_what_gaps_looked_at_anew_would(gaps: list[float], since: float) -> None:
    arrivals, moments = Arrivals(), [0.0]
    arrivals.note(0.0)
    for gap in gaps:
        moments.append(moments[-1] + gap)
        arrivals.note(moments[-1])
        if gap > 3:
            arrivals.gap(moments[-1])  # asked at any time, it forgets what is old
    now = moments[-1] + since
    found = arrivals.gap(now)
    lately = [moment for moment in moments if moment >= now - MEMORY]
    if len(lately) < 2:
        assert found == float("inf")
        return
    usual = max(median([b - a for a, b in pairwise(lately[-64:])]) / log(2), 1e-9)
    expected = arrivals.mean_gap(now) if now - lately[-1] > 3 * usual else min(arrivals.mean_gap(now), usual)
    assert found == pytest.approx(expected)


def test_a_wait_ends_before_its_last_moment_by_as_much_as_predictions_err() -> None:
    def slack(errs: float) -> float:
        cost, arrivals = Cost(), Arrivals()
        for turn in range(40):
            cost.observe(1.0, 0.1 * (1 + errs * (-1) ** turn))
            arrivals.note(turn * 0.2)
        return outlook(cost, arrivals, 8.0, each=1.0, size=1, max_size=4, cores=1, due=9.0).slack

    assert slack(0.0) == pytest.approx(1.0)
    assert 0.95 < slack(0.1) < 0.99


def test_more_cores_make_waiting_worth_less() -> None:
    arrivals = Arrivals()
    for turn in range(40):
        arrivals.note(turn * 0.1)
    one, four = (
        outlook(COST, arrivals, 4.0, each=1.0, size=1, max_size=8, cores=cores, due=9.0).saving for cores in (1, 4)
    )
    assert four < one

"""What a client's network bears, by synthetic reports of loss and bandwidth."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.congestion import LONGEST_PATIENCE, PATIENCE, SETTLE, Congestion, Quality


def reports(congestion: Congestion, share: float, since: float, until: float) -> list[Quality]:
    """A report of loss a second; what is sent after each."""
    seen = []
    for at in range(round(since), round(until)):
        congestion.lost(share, float(at))
        seen.append(congestion.quality)
    return seen


def test_one_lossy_report_is_a_burst_and_two_in_a_row_are_congestion() -> None:
    congestion, seen = Congestion(), []
    for at, share in enumerate((0.3, 0.0, 0.3, 0.0, 0.3, 0.3)):
        congestion.lost(share, float(at))
        seen.append(congestion.quality)
    assert seen == [Quality.FULL] * 5 + [Quality.SLOWER]


def test_one_packet_of_the_few_that_a_report_is_about_is_no_congestion() -> None:
    congestion = Congestion()
    for count in range(500):
        congestion.lost(1 / 6 if count % 4 == 0 else 0.0, count / 5)
    assert congestion.quality is Quality.FULL


def test_it_goes_down_step_by_step_each_with_time_to_help_and_no_further_than_to_sound() -> None:
    seen = reports(Congestion(), 0.3, 0, 60)
    assert seen[:2] == [Quality.FULL, Quality.SLOWER]
    assert seen.index(Quality.SOUND) >= 1 + SETTLE
    assert seen[-1] is Quality.SOUND


def test_a_little_loss_changes_nothing_in_either_direction() -> None:
    congestion = Congestion()
    assert set(reports(congestion, 0.05, 0, 100)) == {Quality.FULL}
    reports(congestion, 0.3, 100, 103)
    assert set(reports(congestion, 0.05, 103, 300)) == {Quality.SLOWER}


def test_it_comes_back_after_a_while_without_loss() -> None:
    congestion = Congestion()
    reports(congestion, 0.3, 0, 10)
    assert congestion.quality is Quality.SOUND
    seen = reports(congestion, 0.0, 10, 40)
    assert seen[: round(PATIENCE) - 4] == [Quality.SOUND] * (round(PATIENCE) - 4)
    assert seen[-1] is Quality.FULL


def test_a_network_that_never_bears_more_is_asked_less_and_less_often() -> None:
    congestion, at, tries = Congestion(), 0.0, []
    while at < 2000:
        before = congestion.quality
        congestion.lost(0.3 if congestion.quality is not Quality.SOUND else 0.0, at)
        if congestion.quality < before:
            tries.append(at)
        at += 1.0
    gaps = [later - earlier for earlier, later in pairwise(tries)]
    assert gaps[0] < gaps[1] < gaps[2]
    assert gaps[-1] == pytest.approx(LONGEST_PATIENCE, abs=10)


def test_an_estimate_under_what_is_sent_counts_like_loss_whatever_reports_of_loss_say() -> None:
    congestion, seen = Congestion((Quality.FULL, Quality.SOUND)), []
    for at in range(20):
        congestion.room(300e3, 500e3 if at < 4 else 20e3, float(at))
        congestion.lost(0.0, float(at))
        seen.append(congestion.quality)
    assert (seen[3], seen[-1]) == (Quality.SOUND, Quality.FULL)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.1, 5), st.booleans()), max_size=200))
def test_it_never_leaves_its_steps_nor_moves_twice_within_the_time_to_settle(
    given_: list[tuple[float, float, bool]],
) -> None:
    congestion, now, moved = Congestion(), 0.0, float("-inf")
    for share, gap, estimate in given_:
        now += gap
        before = congestion.quality
        if estimate:
            congestion.room(share, 0.5, now)
        else:
            congestion.lost(share, now)
        assert abs(congestion.quality - before) <= 1
        if congestion.quality != before:
            assert now - moved >= SETTLE
            moved = now

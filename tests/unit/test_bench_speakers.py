"""The arithmetic of the figures that are steered: how many speakers are sustained, and callers up to a load."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import sched_barge_in
from bench.figures.barge_in import Cut
from bench.figures.sched_barge_in import LOAD, MOST, stale, wanted
from bench.figures.sched_speakers import GUESS, IN_EVERY_RUN, WAYS, ratios
from bench.record import JITTER, Answer
from bench.scheduler.audience import IN_TIME, PATIENCE, Heard, Listener
from bench.scheduler.halving import Halving
from bench.scripted import story

SECOND = 1.0


class Hand:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Hand:
    return Hand()


def found(most: int, guess: int, grain: float = 0.1) -> tuple[int, int]:
    """What halving finds where so many hold, and after how many tries."""
    search, tries = Halving(guess, grain), 0
    while (number := search.number) is not None:
        search.tell(number, number <= most)
        tries += 1
    return search.most, tries


@given(most=st.integers(0, 200), guess=st.integers(0, 200))
def test_halving_ends_near_the_most_that_holds_wherever_it_sets_out(most: int, guess: int) -> None:
    number, _ = found(most, guess)
    assert number <= most
    assert most - number < max(1.0, 0.1 * (most + 1))


def test_a_good_guess_takes_few_tries() -> None:
    assert found(13, 12, grain=0.15) == (12, 3)
    assert found(13, 12, grain=0.3) == (12, 2)


def test_a_search_ends_after_so_many_tries_with_the_most_that_held() -> None:
    search = Halving(4, 0.01, tries=3)
    while (number := search.number) is not None:
        search.tell(number, holds=True)
    assert search.most == 8


def test_where_nothing_holds_the_most_is_none() -> None:
    assert found(0, 5)[0] == 0


def heard(speakers: int = 10) -> Heard:
    return Heard(speakers, since=0.0, until=10.0)


def test_speech_that_comes_while_the_last_is_played_is_in_time(clock: Hand) -> None:
    crowd = heard()
    listener = Listener(crowd, clock)
    listener.ask()
    for clock.now in (0.5, 1.0, 2.0):
        listener.hear(SECOND)
    assert (crowd.waits, crowd.spoken, crowd.late) == ([0.5], 3.0, 0.0)
    assert listener.ends == pytest.approx(0.5 + JITTER + 3.0)


def test_a_gap_makes_late_what_comes_after_it_and_no_more_than_that(clock: Hand) -> None:
    crowd = heard()
    listener = Listener(crowd, clock)
    listener.ask()
    listener.hear(SECOND)
    clock.now = SECOND + JITTER + 0.3
    listener.hear(SECOND)
    assert crowd.late == pytest.approx(0.3)
    clock.now += 5 * SECOND
    listener.hear(SECOND)
    assert crowd.late == pytest.approx(0.3 + SECOND)


def test_pictures_that_are_left_out_are_late_and_those_not_promised_are_not(clock: Hand) -> None:
    crowd = heard()
    listener = Listener(crowd, clock)
    listener.ask()
    for drawn, pictures in ((True, 25), (False, 0), (True, 0)):
        listener.film(drawn)
        listener.hear(SECOND, pictures, filmed=True)
    assert (crowd.late, crowd.filmed, crowd.pictures) == (SECOND, 3.0, 25)


def test_what_happens_outside_the_window_is_not_judged(clock: Hand) -> None:
    crowd = Heard(10, since=5.0, until=10.0)
    listener = Listener(crowd, clock)
    listener.ask()
    clock.now = 6.0
    listener.hear(SECOND)
    assert (crowd.waits, crowd.spoken) == ([], SECOND)


def test_whoever_still_waits_for_an_answer_too_long_is_not_forgotten(clock: Hand) -> None:
    crowd = heard()
    Listener(crowd, clock).ask()
    assert crowd.overdue(PATIENCE) == 0
    assert crowd.overdue(PATIENCE + 0.1) == 1


def served(late: float, waits: list[float]) -> Heard:
    return Heard(10, 0.0, 10.0, late=late, spoken=100.0, waits=waits)


@pytest.mark.parametrize(
    ("crowd", "well"),
    [
        (served(0.0, [1.0] * 20), True),
        (served(100 * (1 - IN_TIME), [1.0] * 20), True),
        (served(0.2, [1.0] * 20), False),
        (served(0.0, [1.0] * 19 + [PATIENCE + 1]), True),
        (served(0.0, [1.0] * 18 + [PATIENCE + 1] * 2), False),
        (served(0.0, []), False),
    ],
)
def test_all_are_served_when_frames_come_in_time_and_answers_begin_soon(crowd: Heard, well: bool) -> None:
    assert crowd.sustained(10.0) is well


@given(late=st.floats(0, 1), waits=st.lists(st.floats(0, 10), max_size=50), spoken=st.floats(0, 100))
def test_what_is_broken_off_as_hopeless_would_not_have_been_sustained(
    late: float, waits: list[float], spoken: float
) -> None:
    crowd = Heard(10, 0.0, 10.0, late=late, spoken=spoken, waits=waits)
    if crowd.hopeless(10.0):
        assert not crowd.sustained(10.0)


def test_ratios_are_of_the_same_run() -> None:
    runs = ratios({"polytalk": [12.0, 10.0], "fifo": [4.0, 5.0], "order alone": [6.0], "none": [0.0]}, "fifo")
    assert runs == {"polytalk": [3.0, 2.0], "fifo": [1.0, 1.0], "order alone": [1.5], "none": [0.0]}


def test_every_way_sets_out_from_a_guess_and_has_a_fifo_of_its_own_setting() -> None:
    assert GUESS.keys() == WAYS.keys()
    assert set(IN_EVERY_RUN) < WAYS.keys()
    assert {way.clip for way in WAYS.values() if way.fifo} == {way.clip for way in WAYS.values()}


def test_sentences_of_a_script_differ() -> None:
    chance = random.Random(1)
    assert len({story(chance) for _ in range(1_000)}) > 990


def test_callers_come_and_go_until_the_load_is_reached() -> None:
    each: Callable[[int], float] = lambda callers: min(1.0, 0.06 * callers + 0.05)  # noqa: E731
    callers = sched_barge_in.FIRST
    for _ in range(8):
        callers = wanted(callers, each(callers))
    assert each(callers) == pytest.approx(LOAD, abs=sched_barge_in.NEAR)
    assert wanted(callers, LOAD) == callers


def test_there_is_always_a_caller_and_never_too_many() -> None:
    assert wanted(1, 1.0) == 1
    assert wanted(MOST, 0.01) == MOST


def test_what_came_before_the_client_knew_is_not_stale() -> None:
    answer = Answer("resp", 0.0, first_audio=1.0, last_audio=5.0)
    cuts = [Cut(answer, told=5.5), Cut(answer, cancelled=4.9), Cut(answer), Cut(Answer("mute", 0.0), told=1.0)]
    assert stale(cuts) == [0.0, pytest.approx(0.1)]

"""What a cache of so many bytes keeps."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.cache.frequency import LEAST_COUNTS, MOST, Frequency
from polytalk.cache.sieve import Sieve

steps = st.lists(st.tuples(st.sampled_from(["ask", "admit", "at once", "drop"]), st.integers(0, 7), st.integers(0, 60)))


@given(st.integers(0, 100), steps)
def test_it_never_holds_more_than_its_capacity_and_always_knows_what_it_holds(
    capacity: int, plan: list[tuple[str, int, int]]
) -> None:
    sieve: Sieve[int] = Sieve(capacity)
    kept: dict[int, int] = {}
    for what, key, size in plan:
        if what == "ask":
            assert sieve.ask(key) == (key in kept)
        elif what == "drop":
            if kept.pop(key, None) is not None:
                sieve.drop(key)
        else:
            taken, gone = sieve.admit(key, size, at_once=what == "at once")
            kept.pop(key, None)
            for old in gone:
                del kept[old]
            if taken:
                kept[key] = size
            assert taken or what == "admit" or size > capacity
        assert set(sieve) == set(kept)
        assert sieve.used == sum(kept.values()) <= capacity
        assert [sieve.size(key) for key in sieve] == [kept[key] for key in sieve]


def test_what_was_asked_for_is_spared_and_the_oldest_of_the_rest_goes() -> None:
    sieve: Sieve[str] = Sieve(30)
    for key in "abc":
        sieve.ask(key)
        sieve.admit(key, 10)
    sieve.ask("a")
    sieve.ask("d")
    assert sieve.admit("d", 10) == (True, ["b"])
    assert set(sieve) == set("acd")


def test_a_newcomer_does_not_drive_out_what_is_wanted_more() -> None:
    sieve: Sieve[str] = Sieve(10)
    for _ in range(3):
        sieve.ask("often")
    sieve.admit("often", 10)
    sieve.ask("once")
    assert sieve.admit("once", 10) == (False, [])
    for _ in range(2):
        sieve.ask("once")
    assert sieve.admit("once", 10) == (True, ["often"])


def test_a_scan_of_things_asked_for_once_leaves_the_favourites() -> None:
    sieve: Sieve[int] = Sieve(100)
    for _ in range(5):
        for key in range(10):
            if not sieve.ask(key):
                sieve.admit(key, 10)
    for key in range(1000, 2000):
        sieve.ask(key)
        sieve.admit(key, 10)
    assert set(range(10)) <= set(sieve)


def test_an_entry_can_be_too_large() -> None:
    assert Sieve[str](10).admit("a", 11, at_once=True) == (False, [])


def test_a_capacity_is_not_negative() -> None:
    with pytest.raises(ValueError, match="-1"):
        Sieve[str](-1)


def test_what_was_popular_long_ago_gives_way() -> None:
    counts = Frequency()
    for _ in range(2 * MOST):
        counts.note("old", 1)
    assert counts.of("old") == MOST
    for _ in range(5_000):
        counts.note("new", 1)
    assert counts.of("old") < counts.of("new")


def test_counts_of_strangers_do_not_pile_up() -> None:
    counts = Frequency()
    for key in range(3 * LEAST_COUNTS):
        counts.note(key, 1)
    assert len(counts._counts) <= LEAST_COUNTS

"""Refusals that leave one after another."""

from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.turnstile import BURST, BURST_OF_ALL, EVERY, EVERY_OF_ALL, MOST, Turnstile


def test_the_first_refusals_leave_at_once_and_then_one_after_another() -> None:
    turnstile = Turnstile()
    waits = [turnstile.refuse("192.0.2.1", 100.0) for _ in range(BURST + 3)]
    assert max(waits[:BURST]) < 1e-9
    assert [round(wait / EVERY) for wait in waits[BURST:]] == [1, 2, 3]
    assert turnstile.refuse("192.0.2.2", 100.0) == 0
    assert turnstile.refuse("192.0.2.1", 100.0 + (BURST + 3) * EVERY) == 0


def test_many_addresses_together_are_spaced_too() -> None:
    turnstile = Turnstile()
    waits = [turnstile.refuse(f"192.0.{n // 256}.{n % 256}", 0.0) for n in range(BURST_OF_ALL + 2)]
    assert max(waits[:BURST_OF_ALL]) < 1e-9
    assert [round(wait / EVERY_OF_ALL) for wait in waits[BURST_OF_ALL:]] == [1, 2]


def test_an_ipv6_client_has_one_place_for_its_whole_network_and_the_table_is_bounded() -> None:
    turnstile = Turnstile(most=10)
    waits = [turnstile.refuse(f"2001:db8::{n:x}", 0.0) for n in range(1, BURST + 2)]
    assert waits[-1] > 0
    for n in range(100):
        turnstile.refuse(f"198.51.100.{n}", 0.0)
    assert len(turnstile) == 10


@given(gaps=st.lists(st.floats(0, 0.2), max_size=200))
def test_no_refusal_waits_longer_than_the_most_and_they_leave_no_faster_than_their_rate(gaps: list[float]) -> None:
    turnstile, now, leaves = Turnstile(), 0.0, list[float]()
    for gap in gaps:
        now += gap
        wait = turnstile.refuse("192.0.2.1", now)
        assert 0 <= wait <= MOST + 1e-9
        if wait < MOST - EVERY:  # beyond it they leave unspaced, rather than wait on and on
            leaves.append(now + wait)
    if leaves:
        assert len(leaves) <= BURST + 2 + (max(leaves) - min(leaves)) / EVERY

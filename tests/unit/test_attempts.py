"""Failed attempts, by address."""

from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.attempts import Attempts
from polytalk.types import Seconds


def test_an_address_has_a_burst_of_failures_and_then_one_from_time_to_time() -> None:
    attempts = Attempts(burst=3, every=6.0)
    for _ in range(3):
        assert attempts.wait("8.8.8.8", 0.0) == 0.0
        attempts.failed("8.8.8.8", 0.0)
    assert attempts.wait("8.8.8.8", 0.0) == 6.0
    assert attempts.wait("8.8.4.4", 0.0) == 0.0
    assert attempts.wait("8.8.8.8", 4.5) == 1.5
    assert attempts.wait("8.8.8.8", 6.0) == 0.0
    attempts.failed("8.8.8.8", 6.0)
    assert attempts.wait("8.8.8.8", 6.0) == 6.0
    assert attempts.wait("8.8.8.8", 24.0) == 0.0
    assert len(attempts) == 0, "who has all its attempts again is forgotten"


def test_an_ipv6_client_is_its_network_and_an_ipv4_client_is_one_in_either_form() -> None:
    attempts = Attempts(burst=1, every=6.0)
    attempts.failed("2001:db8:1:2::1", 0.0)
    attempts.failed("::ffff:8.8.8.8", 0.0)
    attempts.failed("", 0.0)
    assert attempts.wait("2001:db8:1:2:ffff::9", 0.0) > 0
    assert attempts.wait("2001:db8:1:3::1", 0.0) == 0
    assert attempts.wait("8.8.8.8", 0.0) > 0
    assert attempts.wait("", 0.0) > 0


@given(st.lists(st.tuples(st.integers(0, 9), st.floats(0, 30)), max_size=60))
def test_the_table_is_bounded_and_nobody_waits_longer_than_for_one(moves: list[tuple[int, Seconds]]) -> None:
    attempts, now = Attempts(most=4, burst=2, every=6.0), 0.0
    for address, pause in moves:
        now += pause
        if attempts.wait(f"10.0.0.{address}", now) == 0:
            attempts.failed(f"10.0.0.{address}", now)
        assert len(attempts) <= 4
        assert 0 <= attempts.wait(f"10.0.0.{address}", now) <= 6.0 + 1e-6

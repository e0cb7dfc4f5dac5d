"""Who may come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from polytalk.errors import Shed
from polytalk.schedule.admission import MAX_RETRY_AFTER, Places
from polytalk.types import Seconds


def test_the_last_place_is_given_once() -> None:
    leases = Places(1)
    leases.acquire("first", 0.0)
    with pytest.raises(Shed, match="all 1 places are taken; try again in 5 s"):
        leases.acquire("second", 0.0)
    leases.release("first", 1.0)
    leases.acquire("second", 1.0)


def test_a_holder_takes_one_place_however_often_it_asks() -> None:
    leases = Places(1)
    leases.acquire("one", 0.0)
    leases.acquire("one", 5.0)
    assert leases.held == {"one": 0.0}


def test_giving_back_twice_frees_one_place() -> None:
    leases = Places(1)
    leases.acquire("one", 0.0)
    leases.release("one", 1.0)
    leases.release("one", 1.0)
    leases.acquire("two", 1.0)
    with pytest.raises(Shed):
        leases.acquire("three", 1.0)


def test_the_wait_is_the_mean_time_between_departures() -> None:
    leases = Places(4)
    for holder, length in (("a", 20.0), ("b", 60.0)):
        leases.acquire(holder, 0.0)
        leases.release(holder, length)
    assert leases.retry_after() == 10.0


@given(st.integers(1, 100), st.lists(st.floats(0, 1e6), max_size=60))
def test_the_wait_is_one_that_sdks_accept(capacity: int, lengths: list[Seconds]) -> None:
    leases = Places(capacity)
    for length in lengths:
        leases.acquire("x", 0.0)
        leases.release("x", length)
    assert 1.0 <= leases.retry_after() <= MAX_RETRY_AFTER


class AnyComingAndGoing(RuleBasedStateMachine):
    """Places taken never exceed places there are, and nobody is refused while one is free."""

    def __init__(self) -> None:
        super().__init__()
        self.leases = Places(3)
        self.inside: set[str] = set()
        self.now = 0.0

    @rule(holder=st.sampled_from("abcdef"), after=st.floats(0, 100))
    def come(self, holder: str, after: Seconds) -> None:
        self.now += after
        if holder in self.inside or len(self.inside) < 3:
            self.leases.acquire(holder, self.now)
            self.inside.add(holder)
        else:
            with pytest.raises(Shed) as refused:
                self.leases.acquire(holder, self.now)
            assert 1.0 <= refused.value.retry_after <= MAX_RETRY_AFTER

    @rule(holder=st.sampled_from("abcdef"), after=st.floats(0, 100))
    def go(self, holder: str, after: Seconds) -> None:
        self.now += after
        self.leases.release(holder, self.now)
        self.inside.discard(holder)

    @invariant()
    def counts_agree(self) -> None:
        assert set(self.leases.held) == self.inside
        assert len(self.inside) <= 3


TestAnyComingAndGoing = AnyComingAndGoing.TestCase

"""Who may come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from polytalk.errors import Shed
from polytalk.schedule.admission import (
    MAX_RETRY_AFTER,
    TARGET,
    VIP_RESERVE,
    Admission,
    Admitted,
    Ask,
    Places,
    Waiting,
)
from polytalk.schedule.overload import DelayControl, StageDelays
from polytalk.types import Seconds, Tier


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


# --- turns -----------------------------------------------------------------------------------------------------------

FULL: dict[str, float] = {"cores": 0.5}
VOICE: dict[str, float] = {"cores": 0.2}


def ask(holder: str, tier: Tier = Tier.STANDARD, tenant: str = "default") -> Ask:
    return Ask(holder, tier, [FULL, VOICE], tenant)


def test_a_turn_takes_the_best_rung_that_fits() -> None:
    admission = Admission({"cores": 1.0})
    assert admission.request(ask("a"), 0.0) == Admitted(0)
    assert admission.request(ask("b"), 0.0) == Admitted(1)
    waiting = admission.request(ask("c"), 0.0)
    assert isinstance(waiting, Waiting)
    assert waiting.position == 1


def test_a_vip_may_take_what_is_kept_back_for_vips() -> None:
    admission = Admission({"cores": 1.0})
    small = [{"cores": 0.04}]
    while admission.request(Ask(f"s{len(admission.leases)}", Tier.STANDARD, small), 0.0) == Admitted(0):
        assert admission.use("cores") <= TARGET - VIP_RESERVE
    assert admission.request(Ask("v", Tier.VIP, small), 0.0) == Admitted(0)


def test_where_a_twentieth_is_less_than_a_turn_a_whole_turn_is_kept_for_vips() -> None:
    admission = Admission({"cores": 1.0})
    turn = [{"cores": 0.09}]
    while admission.request(Ask(f"s{len(admission.leases)}", Tier.STANDARD, turn), 0.0) == Admitted(0):
        pass
    assert admission.request(Ask("v", Tier.VIP, turn), 0.0) == Admitted(0)


def test_vips_wait_before_the_others_and_each_tier_by_arrival() -> None:
    admission = Admission({"cores": 0.25})
    for holder, tier in (("first", Tier.STANDARD), ("a", Tier.STANDARD), ("b", Tier.STANDARD), ("v", Tier.VIP)):
        admission.request(ask(holder, tier), 0.0)
    order = []
    holder = "first"
    for now in (1.0, 2.0, 3.0):
        ((holder, _),) = admission.release(holder, now)
        order.append(holder)
    assert order == ["v", "a", "b"]


def test_the_expected_wait_follows_from_how_fast_turns_end() -> None:
    admission = Admission({"cores": 0.25})
    admission.request(ask("first"), 0.0)
    for number in range(4):
        admission.request(ask(f"w{number}"), 0.0)
    admission.release("first", 2.0)
    admission.release("w0", 4.0)
    assert admission.waiting("w2") == Waiting(1, 2.0)
    assert admission.waiting("w3") == Waiting(2, 4.0)


def test_who_gives_up_waiting_leaves_the_queue() -> None:
    admission = Admission({"cores": 0.25})
    admission.request(ask("first"), 0.0)
    admission.request(ask("second"), 0.0)
    assert admission.release("second", 1.0) == []
    assert admission.release("first", 2.0) == []
    assert admission.queued == 0


def test_a_full_queue_refuses_with_a_time_to_come_back() -> None:
    admission = Admission({"cores": 0.25}, max_queue=1)
    admission.request(ask("first"), 0.0)
    admission.request(ask("second"), 0.0)
    with pytest.raises(Shed) as refused:
        admission.request(ask("third"), 0.0)
    assert 1 <= refused.value.retry_after <= MAX_RETRY_AFTER


def test_a_tenant_at_its_ceiling_waits_and_holds_up_nobody() -> None:
    admission = Admission({"cores": 4.0}, ceilings={"small": 0.5})
    assert admission.request(ask("a", tenant="small"), 0.0) == Admitted(0)
    assert isinstance(admission.request(ask("b", tenant="small"), 0.0), Waiting)
    assert admission.request(ask("c", tenant="big"), 0.0) == Admitted(0)
    assert admission.release("a", 1.0) == [("b", Admitted(0))]


def test_a_machine_too_small_for_one_turn_still_serves_one_at_a_time() -> None:
    admission = Admission({"cores": 0.1})
    assert admission.request(ask("a"), 0.0) == Admitted(1)
    assert isinstance(admission.request(ask("b"), 0.0), Waiting)


@given(st.lists(st.tuples(st.integers(0, 12), st.sampled_from([Tier.VIP, Tier.STANDARD]), st.booleans()), max_size=80))
def test_what_is_admitted_is_feasible(steps: list[tuple[int, Tier, bool]]) -> None:
    admission = Admission({"cores": 2.0})
    for now, (number, tier, enters) in enumerate(steps):
        holder = f"h{number}"
        if enters and holder not in admission.leases and admission.waiting(holder) is None:
            admission.request(ask(holder, tier), float(now))
        elif not enters:
            admission.release(holder, float(now))
        assert admission.use("cores") <= TARGET + 1e-9
        assert (admission.queued == 0) or admission.leases


@given(
    st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["small", "big"]), st.floats(0.001, 0.9), st.booleans())),
    st.integers(1, 20),
)
def test_sums_that_are_kept_say_what_the_leases_add_up_to(steps: list[tuple[int, str, float, bool]], anew: int) -> None:
    admission = Admission({"cores": 4.0}, ceilings={"small": 1.0}, _until_anew=anew)
    for now, (number, tenant, rate, enters) in enumerate(steps):
        holder = f"{tenant}{number}"
        if enters:
            admission.adopt(Ask(holder, Tier.STANDARD, [{"cores": rate}], tenant))
        else:
            admission.release(holder, float(now))
        leases = {name: lease["cores"] for name, lease in admission.leases.items()}
        assert admission.use("cores") == pytest.approx(sum(leases.values()) / 4.0, abs=1e-9)
        small = sum(rate for name, rate in leases.items() if name.startswith("small"))
        assert admission._held("small", "cores") == pytest.approx(small, abs=1e-9)


def test_the_shortest_delay_of_an_interval_tells_overload_from_a_burst() -> None:
    burst, overload = DelayControl(), DelayControl()
    for tick in range(100):
        now = tick * 0.02
        burst.observe(0.9 if tick % 5 else 0.0, now)
        overload.observe(0.9, now)
    assert not burst.overloaded
    assert overload.overloaded


def test_overload_sheds_offline_work_first_and_vips_last() -> None:
    control = DelayControl()
    now = 0.0
    shed = dict.fromkeys(Tier, 0.0)
    while control.level < 0.5:
        control.observe(0.9, now)
        now += 0.05
    for tier in Tier:
        shed[tier] = sum(control.sheds(tier, f"h{number}", now) for number in range(500)) / 500
    assert shed[Tier.BATCH] == 1.0
    assert 0.35 < shed[Tier.STANDARD] < 0.65
    assert shed[Tier.VIP] == 0.0


def test_a_long_queue_is_not_hidden_by_a_short_one_at_another_stage() -> None:
    delays = StageDelays()
    for tick in range(300):
        delays.observe("listen", 0.0, tick * 0.02)
        delays.observe("think", 0.9, tick * 0.02)
    assert delays.controls["think"].overloaded
    assert not delays.controls["listen"].overloaded
    assert any(delays.sheds(Tier.STANDARD, f"h{number}", 6.0) for number in range(100))


def test_overload_ends() -> None:
    control = DelayControl()
    for tick in range(100):
        control.observe(0.9, tick * 0.05)
    for tick in range(100, 200):
        control.observe(0.0, tick * 0.05)
    assert not control.overloaded

"""Fair shares: the virtual token counters alone."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.fairshare import FairShare


def test_service_is_weighed() -> None:
    fair = FairShare()
    for tenant in ("vip", "standard"):
        fair.arrive(tenant)
    fair.charge("vip", 4.0, 4.0)
    fair.charge("standard", 1.0, 1.0)
    assert fair.rank("vip") == fair.rank("standard")


def test_a_tenant_back_from_idleness_enters_at_the_minimum_of_the_active() -> None:
    fair = FairShare()
    fair.arrive("busy")
    fair.charge("busy", 7.0, 1.0)
    fair.arrive("new")
    assert fair.rank("new") == 7.0


def test_leaving_and_coming_back_does_not_wash_service_away() -> None:
    fair = FairShare()
    fair.arrive("steady")
    fair.arrive("greedy")
    fair.charge("greedy", 9.0, 1.0)
    fair.leave("greedy")
    fair.arrive("greedy")
    assert fair.rank("greedy") == 9.0


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.floats(0, 3)), max_size=60))
def test_the_memory_of_idle_tenants_is_bounded_by_those_who_are_ahead(charges: list[tuple[str, float]]) -> None:
    fair = FairShare()
    fair.arrive("always")
    fair.charge("always", 1000.0, 1.0)
    for tenant, cost in charges:
        fair.arrive(tenant)
        fair.charge(tenant, cost, 1.0)
        fair.leave(tenant)
    assert all(fair.rank(tenant) >= 1000.0 for tenant in fair.counters)


steps = st.tuples(st.sampled_from(["arrive", "leave", "charge"]), st.sampled_from("abcd"), st.floats(-0.5, 2.0))


@given(st.lists(steps, max_size=300))
def test_who_enters_is_lifted_to_the_least_of_those_that_wait_whatever_happened_before(
    steps: list[tuple[str, str, float]],
) -> None:
    fair, waiting = FairShare(), Counter[str]()
    for what, tenant, cost in steps:
        if what == "charge":
            fair.charge(tenant, cost, 1.0)
        elif what == "arrive":
            others = [fair.rank(other) for other in waiting if waiting[other]]
            before, idle = fair.rank(tenant), not waiting[tenant]
            fair.arrive(tenant)
            waiting[tenant] += 1
            if idle:
                assert fair.rank(tenant) == max([before, min(others)] if others else [before])
        elif waiting[tenant]:
            fair.leave(tenant)
            waiting[tenant] -= 1

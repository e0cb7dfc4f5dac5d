"""Whose turn it is."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.bank import Account, Bank
from polytalk.schedule.order import BATCH_FLOOR, RESCUE_SLACK, ReadyQueue
from polytalk.types import Job, Seconds, Tier
from tests.support.jobs import job, jobs

NOW: Seconds = 0.0
COST: Seconds = 0.1
SAFE = NOW + COST + RESCUE_SLACK + 1
URGENT = NOW + COST + RESCUE_SLACK / 2
LOST = NOW + COST / 2


def queued(*waiting: Job, queue: ReadyQueue | None = None) -> ReadyQueue:
    queue = queue if queue is not None else ReadyQueue()
    for one in waiting:
        queue.push(one)
    return queue


def drained(queue: ReadyQueue, cost: Seconds = COST) -> list[Job]:
    """The jobs in the order in which they would run, each charged what it costs."""
    served = []
    while (head := queue.head(NOW, COST)) is not None:
        queue.remove(head)
        queue.charge(head, cost, NOW)
        served.append(head)
    return served


def ids(served: list[Job]) -> list[str]:
    return [one.id for one in served]


def test_the_earliest_deadline_goes_first_within_a_tenant() -> None:
    queue = queued(job(id="late", deadline=SAFE + 2), job(id="early", deadline=SAFE), job(id="mid", deadline=SAFE + 1))
    assert ids(drained(queue)) == ["early", "mid", "late"]


def test_a_vip_is_served_four_times_as_much_as_a_standard_tenant() -> None:
    waiting = [job(id=f"v{n}", tenant="v", tier=Tier.VIP, deadline=SAFE + n) for n in range(40)]
    waiting += [job(id=f"s{n}", tenant="s", deadline=SAFE + n) for n in range(40)]
    first = Counter(one.tenant for one in drained(queued(*waiting))[:25])
    assert abs(first["v"] - 20) <= 1


def test_a_vip_who_asks_now_and_then_waits_for_nobody_who_is_served_all_the_time() -> None:
    waiting = [job(id=f"{tenant}{n}", tenant=tenant, deadline=SAFE + n) for tenant in "ab" for n in range(4)]
    queue = queued(*waiting)
    for tenant in "ab":  # both at 1, where the vip comes in
        queue.fair.charge(tenant, 1.0, 1.0)
    queue.push(job(id="vip", tenant="v", tier=Tier.VIP, deadline=SAFE + 9))
    assert queue.fair.rank("v") == queue.fair.rank("a") == 1.0
    assert ids(drained(queue))[0] == "vip"


def test_a_listener_about_to_hear_a_gap_goes_before_a_vip_who_can_wait() -> None:
    queue = queued(job(id="vip", tier=Tier.VIP, tenant="v", deadline=SAFE), job(id="dry", deadline=URGENT))
    assert ids(drained(queue)) == ["dry", "vip"]


def test_a_render_is_never_rescued() -> None:
    queue = queued(job(id="render", tier=Tier.BATCH, deadline=URGENT), job(id="talk", deadline=SAFE))
    assert ids(drained(queue)) == ["talk", "render"]


def test_a_job_past_saving_is_not_rescued_before_one_that_can_be() -> None:
    queue = queued(job(id="lost", deadline=LOST, tenant="a"), job(id="dry", deadline=URGENT, tenant="b"))
    assert ids(drained(queue)) == ["dry", "lost"]


def test_offline_work_gets_its_twentieth_while_live_work_could_use_all() -> None:
    live = [job(id=f"l{n}", deadline=SAFE + n) for n in range(200)]
    offline = [job(id=f"o{n}", tenant="o", tier=Tier.BATCH, deadline=SAFE + n) for n in range(200)]
    share = Counter(one.tier for one in drained(queued(*live, *offline))[:200])[Tier.BATCH] / 200
    assert BATCH_FLOOR * 0.8 <= share <= BATCH_FLOOR * 1.5


def test_who_lives_on_its_own_goes_before_who_borrows() -> None:
    bank = Bank(2.0, NOW)
    bank.open(Account("owner", 1.0))
    bank.charge("borrower", 0.5, NOW + 5)
    queue = queued(
        job(id="borrowed", tenant="borrower", deadline=SAFE),
        job(id="owned", tenant="owner", deadline=SAFE + 9),
        queue=ReadyQueue(bank=bank),
    )
    queue.fair.charge("owner", 99.0, 1.0)  # however much it had before
    assert ids(drained(queue)) == ["owned", "borrowed"]


def test_a_tenant_back_from_idleness_has_hoarded_nothing() -> None:
    busy = [job(id=f"b{n}", tenant="busy", deadline=SAFE + n) for n in range(40)]
    queue = queued(*busy)
    for _ in range(20):
        head = queue.head(NOW, COST)
        assert head is not None
        queue.remove(head)
        queue.charge(head, COST, NOW)
    queued(*(job(id=f"n{n}", tenant="new", deadline=SAFE + n) for n in range(40)), queue=queue)
    first = Counter(one.tenant for one in drained(queue)[:10])
    assert first["busy"] == first["new"] == 5


def test_work_under_way_counts_before_it_is_done() -> None:
    queue = queued(*(job(id=f"{tenant}{n}", tenant=tenant, deadline=SAFE + n) for tenant in "ab" for n in range(3)))
    order = []
    while (head := queue.head(NOW, COST)) is not None:
        queue.take(head, COST)
        order.append(head.tenant)
    assert order == ["a", "b"] * 3


def test_a_job_put_back_has_cost_its_tenant_nothing() -> None:
    queue = queued(job(id="a", tenant="a", deadline=SAFE), job(id="b", tenant="b", deadline=SAFE + 1))
    queue.charge(job(tenant="b"), COST, NOW)
    before = dict(queue.fair.counters)
    for one in list(queue):
        queue.take(one, COST)
        queue.push(one)
    assert queue.fair.counters == before
    assert ids(drained(queue)) == ["a", "b"]


def test_what_was_charged_in_advance_is_set_right_by_what_it_cost() -> None:
    one = job(deadline=SAFE)
    queue = queued(one)
    queue.take(one, 5 * COST)
    queue.charge(one, COST, NOW)
    assert abs(queue.fair.rank(one.tenant) - COST) < 1e-9


@given(st.lists(jobs, unique_by=lambda one: one.id))
def test_every_job_is_served_once(waiting: list[Job]) -> None:
    """Work conserving, and nobody starves."""
    assert sorted(ids(drained(queued(*waiting)))) == sorted(ids(waiting))


@given(st.lists(st.sampled_from("abc"), min_size=30, max_size=120), st.floats(0.01, 1.0))
def test_the_service_of_backlogged_tenants_differs_by_less_than_two_jobs(tenants: list[str], cost: Seconds) -> None:
    waiting = [job(id=str(n), tenant=tenant, deadline=SAFE + n) for n, tenant in enumerate(tenants)]
    left, service = Counter(tenants), Counter[str]()
    for one in drained(queued(*waiting), cost):
        backlogged = [tenant for tenant in left if left[tenant] > 0]
        spread = max(service[t] for t in backlogged) - min(service[t] for t in backlogged)
        assert spread * cost <= 2 * cost + 1e-9
        left[one.tenant] -= 1
        service[one.tenant] += 1


@given(st.lists(jobs, unique_by=lambda one: one.id, min_size=1))
def test_whoever_can_be_rescued_is_first(waiting: list[Job]) -> None:
    rescuable = [one for one in waiting if 0 <= one.deadline - NOW - COST < RESCUE_SLACK and one.tier is not Tier.BATCH]
    if rescuable:
        head = queued(*waiting).head(NOW, COST)
        assert head is not None
        assert head.deadline == min(one.deadline for one in rescuable)


# --- guesses -----------------------------------------------------------------------------------------------------


def test_a_guess_runs_after_everything_else_and_is_never_rescued() -> None:
    queue = queued(
        job(id="guess", deadline=URGENT, speculative=True),
        job(id="vip's guess", tier=Tier.VIP, tenant="v", deadline=URGENT + 0.01, speculative=True),
        job(id="render", tier=Tier.BATCH, tenant="o", deadline=SAFE),
        job(id="talk", deadline=SAFE),
    )
    assert queue.earliest() == SAFE
    assert queue.vip() is None
    assert ids(drained(queue)) == ["talk", "render", "guess", "vip's guess"]


def test_a_queue_of_guesses_asks_last_for_a_slot() -> None:
    assert queued(job(deadline=URGENT, speculative=True)).earliest() == float("inf")


def test_an_adopted_guess_counts_as_any_other_at_once() -> None:
    guess = job(id="guess", session="sure", deadline=URGENT, speculative=True)
    queue = queued(
        guess, job(id="other guess", session="unsure", deadline=URGENT, speculative=True), job(id="talk", deadline=SAFE)
    )
    queue.adopt("sure")
    assert queue.earliest() == URGENT
    served = drained(queue)
    assert ids(served) == ["guess", "talk", "other guess"]
    assert [one.speculative for one in served] == [False, False, True]
    assert queue.fair._waiting == {}


guesses = st.builds(
    job,
    session=st.sampled_from(["a", "b", "c"]),
    tenant=st.sampled_from(["a", "b"]),
    deadline=st.floats(-5, 20),
    tier=st.sampled_from(Tier),
    speculative=st.booleans(),
)


@given(st.lists(guesses, max_size=20), st.lists(st.sampled_from(["a", "b", "c"]), max_size=2))
def test_no_guess_runs_before_what_is_wanted(waiting: list[Job], adopted: list[str]) -> None:
    queue = queued(*waiting)
    for session in adopted:
        queue.adopt(session)
    served = drained(queue)
    assert sorted(ids(served)) == sorted(one.id for one in waiting)
    assert [one.speculative for one in served] == sorted(one.speculative for one in served)
    assert not any(one.speculative for one in served if one.session in adopted)

"""Token buckets of keys and tenants, and their places."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.errors import OverQuota
from polytalk.schedule.quota import Bucket, Holder, Quotas, Rate

KEY = Holder("key one", {"requests": Rate(60)}, places=2)
OTHER = Holder("key two", {"requests": Rate(60)}, places=2)
TENANT = Holder("tenant shop", {"requests": Rate(90), "tokens": Rate(600)}, places=3)


def test_a_full_bucket_gives_its_burst_and_then_its_rate() -> None:
    quotas = Quotas()
    for _ in range(60):
        quotas.take([KEY], "requests", 100.0)
    with pytest.raises(OverQuota, match="key one has used up its requests a minute") as refused:
        quotas.take([KEY], "requests", 100.0)
    assert refused.value.retry_after == 1.0
    quotas.take([KEY], "requests", 101.0)
    with pytest.raises(OverQuota):
        quotas.take([KEY], "requests", 101.5)


def test_the_tenants_bucket_is_shared_by_its_keys_and_a_refusal_takes_from_nobody() -> None:
    quotas = Quotas()
    for _ in range(60):
        quotas.take([KEY, TENANT], "requests", 0.0)
    for _ in range(30):
        quotas.take([OTHER, TENANT], "requests", 0.0)
    with pytest.raises(OverQuota, match="tenant shop"):
        quotas.take([OTHER, TENANT], "requests", 0.0)
    standing = quotas.standing([OTHER], "requests", 0.0)
    assert standing is not None
    assert standing.remaining == 30


def test_what_is_known_afterwards_may_leave_a_debt_that_time_pays() -> None:
    quotas = Quotas()
    quotas.take([TENANT], "tokens", 0.0, amount=1)
    quotas.charge([TENANT], "tokens", 0.0, 799)
    standing = quotas.standing([KEY, TENANT], "tokens", 0.0)
    assert standing is not None
    assert (standing.limit, standing.remaining) == (600, 0)
    assert standing.reset == pytest.approx(80)
    with pytest.raises(OverQuota) as refused:
        quotas.take([TENANT], "tokens", 0.0)
    assert refused.value.retry_after == pytest.approx(20.1)
    quotas.take([TENANT], "tokens", 20.2)


def test_more_than_a_full_bucket_is_granted_when_it_is_full_and_waits_are_bounded() -> None:
    quotas, slow = Quotas(), Holder("slow", {"speech_seconds": Rate(1, burst=10)})
    quotas.take([slow], "speech_seconds", 0.0, amount=25)
    with pytest.raises(OverQuota) as refused:
        quotas.take([slow], "speech_seconds", 0.0)
    assert refused.value.retry_after == 120.0


def test_what_is_not_named_is_not_bounded() -> None:
    quotas, free = Quotas(), Holder("anybody")
    quotas.take([free], "requests", 0.0, amount=1e9)
    quotas.enter([free], "s", 0.0)
    assert quotas.standing([free], "requests", 0.0) is None


def test_places_are_counted_by_key_and_by_tenant() -> None:
    quotas = Quotas()
    quotas.enter([KEY, TENANT], "a", 0.0)
    quotas.enter([KEY, TENANT], "a", 0.0)  # twice is once
    quotas.enter([KEY, TENANT], "b", 0.0)
    with pytest.raises(OverQuota, match="key one has 2 sessions"):
        quotas.enter([KEY, TENANT], "c", 0.0)
    assert quotas.places("tenant shop") == 2
    quotas.enter([OTHER, TENANT], "c", 0.0)
    with pytest.raises(OverQuota, match="tenant shop has 3 sessions"):
        quotas.enter([OTHER, TENANT], "d", 0.0)
    assert quotas.places("key two") == 1
    quotas.leave([KEY, TENANT], "a")
    quotas.leave([KEY, TENANT], "a")
    quotas.enter([OTHER, TENANT], "d", 0.0)


def test_changed_limits_hold_from_the_next_use_and_sessions_keep_their_places() -> None:
    quotas = Quotas()
    quotas.enter([KEY], "a", 0.0)
    quotas.take([KEY], "requests", 0.0, amount=60)
    raised = Holder("key one", {"requests": Rate(120)}, places=1)
    quotas.take([raised], "requests", 0.0, amount=120)
    with pytest.raises(OverQuota):
        quotas.enter([raised], "b", 0.0)


def test_accounts_are_bounded_and_those_in_debt_outlive_the_full() -> None:
    quotas = Quotas(accounts=3)
    owing = Holder("owing", {"requests": Rate(1)})
    quotas.take([owing], "requests", 0.0)
    for index in range(50):
        quotas.take([Holder(f"passing {index}", {"requests": Rate(600)})], "requests", float(index))
    assert len(quotas) == 3
    with pytest.raises(OverQuota):
        quotas.take([owing], "requests", 50.0)


def test_a_crowd_that_holds_places_is_not_forgotten() -> None:
    quotas = Quotas(accounts=2)
    for index in range(5):
        quotas.enter([Holder(f"key {index}", places=1)], f"session {index}", 0.0)
    with pytest.raises(OverQuota):
        quotas.enter([Holder("key 0", places=1)], "another", 0.0)


@given(
    per_minute=st.floats(0.1, 1e4),
    burst=st.floats(0.5, 1e3),
    steps=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 50)), max_size=60),
)
def test_never_more_than_the_burst_and_the_rate_in_any_time(
    per_minute: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now, taken = Bucket(Rate(per_minute, burst), 0.0), 0.0, 0.0
    for pause, amount in steps:
        now += pause
        if bucket.wait(amount, now) == 0:
            bucket.charge(amount, now)
            taken += amount
        allowed = burst + now * per_minute / 60
        assert taken <= allowed + max(0.0, max(a for _, a in steps) - burst) + 1e-6 * allowed


@given(amount=st.floats(0.01, 100), spent=st.floats(0, 500))
def test_after_the_wait_that_is_told_it_is_granted(amount: float, spent: float) -> None:
    bucket = Bucket(Rate(30, 40), 0.0)
    bucket.charge(spent, 0.0)
    wait = bucket.wait(amount, 0.0)
    if wait > 0.01:
        assert bucket.wait(amount, wait - 0.01) > 0
    assert bucket.wait(amount, wait + 1e-6) == 0


def test_a_clock_that_goes_back_gives_nothing() -> None:
    bucket = Bucket(Rate(60), 100.0)
    bucket.charge(60, 100.0)
    bucket.charge(0, 0.0)
    assert bucket.wait(1, 100.0) == pytest.approx(1.0)

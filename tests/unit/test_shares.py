"""What tenants are given while the machine runs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.config import TenantSettings
from polytalk.dialogue.capacity.shares import Shares
from polytalk.schedule.bank import HOUSE, Bank
from polytalk.schedule.fairshare import FairShare


def tenant(name: str, entitlement: float = 0.0, **more: float) -> TenantSettings:
    return TenantSettings(name=name, entitlement=entitlement, **more)


def test_tenants_come_change_and_go() -> None:
    bank, fair, ceilings = Bank(4.0, 0.0), FairShare(), dict[str, float]()
    shares = Shares(bank, fair.weights, ceilings)
    assert shares.set([tenant("acme", 3.0, weight=2.0, ceiling=3.5), tenant("blog", 1.0)]) == []
    assert (fair.weights, ceilings, bank.accounts[HOUSE].entitlement) == ({"acme": 2.0}, {"acme": 3.5}, 0.0)
    fair.charge("acme", 1.0, 1.0)
    fair.charge("blog", 1.0, 1.0)
    assert (fair.rank("acme"), fair.rank("blog")) == (0.5, 1.0)
    bank.charge("blog", 0.2, 1.0)
    assert shares.set([tenant("blog", 3.0), tenant("acme", 0.5)]) == [], "who gets less makes room for who gets more"
    assert (fair.weights, ceilings) == ({}, {})
    assert bank.accounts["blog"].used == 0.2
    assert shares.set([]) == []
    assert bank.accounts[HOUSE].entitlement == pytest.approx(4.0)
    assert bank.accounts["acme"].balance == 0.0


def test_what_the_machine_does_not_have_is_refused_and_the_rest_is_given() -> None:
    bank = Bank(2.0, 0.0)
    shares = Shares(bank, {}, {})
    (refused,) = shares.set([tenant("acme", 1.0), tenant("blog", 1.5)])
    assert "blog can't be entitled to 1.5: only 1.000 of 2.0" in refused
    assert bank.accounts["acme"].entitlement == 1.0
    assert shares.set([tenant(HOUSE)]) == ["a tenant can't be called 'house'"]


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.floats(0, 3), max_size=3), max_size=8))
def test_no_more_is_promised_than_there_is(rounds: list[dict[str, float]]) -> None:
    bank = Bank(4.0, 0.0)
    shares = Shares(bank, {}, {})
    for now, wanted in enumerate(rounds):
        refused = shares.set([tenant(name, entitlement) for name, entitlement in wanted.items()])
        bank.charge("a", 0.5, float(now))
        given_ = sum(account.entitlement for account in bank.accounts.values())
        assert given_ == pytest.approx(4.0)
        assert all(account.entitlement >= -1e-9 for account in bank.accounts.values())
        assert refused or all(bank.accounts[n].entitlement == pytest.approx(e) for n, e in wanted.items())

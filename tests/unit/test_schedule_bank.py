"""The bank of compute."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.schedule.bank import HOUSE, KEEP, Account, Bank, Kind
from polytalk.types import Seconds

TENANTS = ("shop", "desk", "guest")
moves = st.lists(st.tuples(st.sampled_from(TENANTS), st.floats(0.001, 0.8), st.floats(0, 2)), max_size=60)


def opened() -> Bank:
    bank = Bank(2.0, 0.0)
    bank.open(Account("shop", 1.0))
    bank.open(Account("desk", 0.5, lending_limit=0.5))
    return bank


def test_what_is_not_used_is_lent() -> None:
    bank = opened()
    bank.advance(3.0)
    bank.charge("guest", 1.0, 3.0)
    guest = bank.account("guest")
    assert guest.borrowed == pytest.approx(1.0)
    assert guest.advanced == 0
    assert not bank.entitled("guest")


def test_who_has_its_own_does_not_borrow() -> None:
    bank = opened()
    bank.charge("shop", 0.4, 1.0)
    assert bank.account("shop").borrowed == 0
    assert bank.entitled("shop")


def test_a_loan_is_repaid_before_the_borrower_keeps_anything() -> None:
    bank = opened()
    bank.charge("desk", 2.0, 3.0)
    desk = bank.account("desk")
    assert desk.debt > 0
    kept = desk.balance
    for tick in range(1, 200):
        bank.advance(3.0 + tick * 0.1)
        if desk.debt > 1e-9:
            assert desk.balance == pytest.approx(kept)
    assert desk.debt == pytest.approx(0, abs=1e-6)
    assert desk.balance > kept


def test_the_lender_is_served_before_the_borrower_at_the_next_dispatch() -> None:
    bank = opened()
    bank.charge("guest", 1.5, 3.0)
    assert bank.entitled("shop")
    assert not bank.entitled("guest")
    assert bank.wait("guest") > bank.wait("shop") == 0


def test_nobody_is_entitled_to_what_is_given_away_already() -> None:
    with pytest.raises(ValueError, match=r"only 0\.500"):
        opened().open(Account("late", 0.6))


def test_a_lending_limit_keeps_the_rest_at_home() -> None:
    bank = Bank(1.0, 0.0)
    bank.open(Account("careful", 1.0, lending_limit=0.25))
    for tick in range(1, 50):
        bank.advance(tick * 0.1)
    assert bank.account("careful").offered <= 0.25 * KEEP + 1e-9


@given(moves)
def test_no_balance_is_ever_negative(charges: list[tuple[str, Seconds, Seconds]]) -> None:
    bank, now = opened(), 0.0
    for tenant, cost, pause in charges:
        now += pause
        bank.charge(tenant, cost, now)
        for account in bank.accounts.values():
            for amount in (account.balance, account.offered, account.borrowed, account.lent, account.advanced):
                assert amount >= -1e-9


@given(moves)
def test_what_is_owed_is_what_is_lent(charges: list[tuple[str, Seconds, Seconds]]) -> None:
    bank, now = opened(), 0.0
    for tenant, cost, pause in charges:
        now += pause
        bank.charge(tenant, cost, now)
        owed = sum(sum(account.debts.values()) for account in bank.accounts.values())
        assert owed == pytest.approx(sum(account.lent for account in bank.accounts.values()), abs=1e-6)


@given(moves)
@settings(deadline=None)
def test_every_loan_comes_back(charges: list[tuple[str, Seconds, Seconds]]) -> None:
    bank, now = opened(), 0.0
    for tenant, cost, pause in charges:
        now += pause
        bank.charge(tenant, cost, now)
    for _ in range(2_000):
        now += 0.1
        bank.advance(now)
    for account in bank.accounts.values():
        assert account.debt == pytest.approx(0, abs=1e-6)
        assert account.lent == pytest.approx(0, abs=1e-6)


@given(moves)
def test_the_ledger_explains_every_use(charges: list[tuple[str, Seconds, Seconds]]) -> None:
    bank, now = opened(), 0.0
    for tenant, cost, pause in charges:
        now += pause
        bank.charge(tenant, cost, now)
    for tenant in TENANTS:
        spent = sum(e.amount for e in bank.ledger if e.kind is Kind.SPEND and e.source == tenant)
        lent = sum(e.amount for e in bank.ledger if e.kind in (Kind.LOAN, Kind.ADVANCE) and e.target == tenant)
        assert spent + lent == pytest.approx(sum(cost for name, cost, _ in charges if name == tenant), abs=1e-6)
    assert all(entry.amount > 0 for entry in bank.ledger)
    assert HOUSE in bank.accounts

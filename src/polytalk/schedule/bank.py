"""The bank of compute: what each tenant is entitled to, what it lends while it does not need it, what it owes.

Capacity is compute-seconds per second. An account's entitlement is deposited as time passes and kept for `KEEP`; what
is not used by then is lent to whoever can use it. Compute can't be stored, so an offer lasts as long again and then
expires. A loan is repaid out of the borrower's own later deposits, before it may keep any of them; until then the debt
puts it behind those who live on what is theirs. What expires unwanted at a lender is set against what it is owed:
nobody missed it. So every loan comes back, a guest's without entitlement too. Every movement is an entry of an
append-only ledger.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from polytalk.types import Seconds

KEEP: Seconds = 1.0
"""How long a deposit is kept for its owner before it is offered."""
HOUSE = "house"
"""Owns the capacity that nobody is entitled to; lends like everybody else, and collects what expires."""
DUST: Seconds = 1e-9


class Kind(StrEnum):
    """What an entry records."""

    DEPOSIT = "deposit"
    SPEND = "spend"
    OFFER = "offer"
    EXPIRE = "expire"
    LOAN = "loan"
    REPAY = "repay"
    FORGIVE = "forgive"
    """A lender's capacity expired unwanted while it was owed some: that much is settled."""
    ADVANCE = "advance"
    """Work begun on capacity that will be deposited only while it runs (a batch is longer than a moment)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One movement of compute-seconds; `source` gives, `target` gets."""

    at: Seconds
    kind: Kind
    source: str
    target: str
    amount: Seconds


@dataclass
class Account:
    """One tenant's."""

    tenant: str
    entitlement: float
    """Compute-seconds a second that are its own."""
    ceiling: float = float("inf")
    """Compute-seconds a second it may use in all, borrowed ones included."""
    lending_limit: float = 1.0
    """The share of its idle entitlement that it offers to others."""
    balance: Seconds = 0.0
    offered: Seconds = 0.0
    used: Seconds = 0.0
    borrowed: Seconds = 0.0
    lent: Seconds = 0.0
    advanced: Seconds = 0.0
    debts: dict[str, Seconds] = field(default_factory=dict)
    """Lender -> compute-seconds owed."""

    @property
    def debt(self) -> Seconds:
        """All it owes, advances included."""
        return sum(self.debts.values()) + self.advanced


class Bank:
    """Accounts of one pool."""

    def __init__(self, capacity: float, now: Seconds, ledger_size: int = 100_000) -> None:
        """`capacity` in compute-seconds a second (cores, or GPUs); the last `ledger_size` entries are kept here."""
        self.capacity = capacity
        self.accounts: dict[str, Account] = {HOUSE: Account(HOUSE, capacity)}
        self.ledger: list[Entry] = []
        self._ledger_size = ledger_size
        self._now = now

    def open(self, account: Account) -> Account:
        """Add a tenant; its entitlement comes out of the house's. Raises ValueError when too little is left."""
        self._entitle(account.tenant, account.entitlement, 0.0)
        self.accounts[account.tenant] = account
        return account

    def change(
        self, tenant: str, entitlement: float, ceiling: float = float("inf"), lending_limit: float = 1.0
    ) -> Account:
        """Give a tenant other terms; what it holds, lent and owes stays. Raises ValueError when too little is left."""
        if tenant not in self.accounts:
            return self.open(Account(tenant, entitlement, ceiling, lending_limit))
        account = self.accounts[tenant]
        self._entitle(tenant, entitlement, account.entitlement)
        account.entitlement, account.ceiling, account.lending_limit = entitlement, ceiling, lending_limit
        if entitlement <= 0:  # no deposit will ever make it expire
            self._note(Kind.EXPIRE, tenant, HOUSE, account.balance + account.offered)
            account.balance = account.offered = 0.0
        return account

    def account(self, tenant: str) -> Account:
        """The tenant's account; one without entitlement is opened for a tenant that has none."""
        return self.accounts.get(tenant) or self.open(Account(tenant, 0.0))

    def _entitle(self, tenant: str, wanted: float, before: float) -> None:
        if tenant == HOUSE:
            raise ValueError(f"a tenant can't be called {HOUSE!r}")
        house = self.accounts[HOUSE]
        if wanted > house.entitlement + before + DUST:
            raise ValueError(
                f"{tenant} can't be entitled to {wanted}: only {house.entitlement + before:.3f} of "
                f"{self.capacity} compute-seconds a second are left"
            )
        house.entitlement -= wanted - before

    def advance(self, now: Seconds) -> None:
        """Let time pass: deposits, repayments, offers."""
        span = min(now - self._now, 10 * KEEP)  # after a long pause all kept and offered has expired anyway
        self._now = now
        if span <= 0:
            return
        for account in self.accounts.values():
            if account.entitlement > 0:
                self._deposit(account, account.entitlement * span, span)

    def charge(self, tenant: str, cost: Seconds, now: Seconds) -> None:
        """The tenant used `cost` compute-seconds: its own, then what others offer, then an advance."""
        self.advance(now)
        account = self.account(tenant)
        account.used += cost
        own = min(account.balance, cost)
        account.balance -= own
        self._note(Kind.SPEND, tenant, tenant, own)
        rest = cost - own
        for lender in sorted(self.accounts.values(), key=lambda other: (other.tenant != HOUSE, -other.offered)):
            if rest <= DUST:
                return
            if lender is not account and lender.offered > 0:
                rest -= self._lend(lender, account, min(lender.offered, rest))
        if rest > DUST:
            account.advanced += rest
            self._note(Kind.ADVANCE, HOUSE, tenant, rest)

    def entitled(self, tenant: str) -> bool:
        """Whether the tenant lives on what is its own; those who do are served before those who borrow."""
        account = self.account(tenant)
        return account.balance > 0 and account.debt <= DUST

    def wait(self, tenant: str) -> Seconds:
        """A borrower's place: how long its own deposits will take to pay what it owes (0 for who owes nothing)."""
        account = self.account(tenant)
        return account.debt / max(account.entitlement, self.capacity * 1e-3)

    def _deposit(self, account: Account, amount: Seconds, span: Seconds) -> None:
        self._note(Kind.DEPOSIT, HOUSE, account.tenant, amount)
        account.advanced -= (settled := min(account.advanced, amount))
        amount = self._repay(account, amount - settled)
        stale = min(account.offered, account.offered * span / KEEP)
        if stale > DUST:
            account.offered -= stale
            self._note(Kind.EXPIRE, account.tenant, HOUSE, stale)
            self._forgive(account, stale)
        account.balance += amount
        idle = account.balance - account.entitlement * KEEP
        if idle > 0:
            account.balance -= idle
            offer = idle * account.lending_limit
            account.offered += offer
            self._note(Kind.OFFER, account.tenant, HOUSE, offer)

    def _repay(self, account: Account, amount: Seconds) -> Seconds:
        """Pay debts out of a deposit, oldest first; returns what is left. A repaid lender may lend it again."""
        for name in list(account.debts):
            if amount <= DUST:
                break
            lender = self.accounts[name]
            paid = self._settle(lender, account, amount, Kind.REPAY)
            lender.offered += paid
            amount -= paid
        return amount

    def _forgive(self, lender: Account, amount: Seconds) -> None:
        """Set expired capacity against debts; advances are the house's to forgive."""
        for borrower in self.accounts.values():
            if amount <= DUST or lender.lent <= DUST:
                break
            if lender.tenant in borrower.debts:
                amount -= self._settle(lender, borrower, amount, Kind.FORGIVE)
        if lender.tenant == HOUSE:
            for borrower in self.accounts.values():
                settled = min(amount, borrower.advanced)
                borrower.advanced -= settled
                amount -= settled

    def _settle(self, lender: Account, borrower: Account, amount: Seconds, how: Kind) -> Seconds:
        paid = min(amount, borrower.debts[lender.tenant])
        borrower.debts[lender.tenant] -= paid
        if borrower.debts[lender.tenant] <= DUST:
            del borrower.debts[lender.tenant]
        borrower.borrowed = max(0.0, borrower.borrowed - paid)
        lender.lent = max(0.0, lender.lent - paid)
        self._note(how, borrower.tenant, lender.tenant, paid)
        return paid

    def _lend(self, lender: Account, borrower: Account, amount: Seconds) -> Seconds:
        lender.offered -= amount
        lender.lent += amount
        borrower.borrowed += amount
        borrower.debts[lender.tenant] = borrower.debts.get(lender.tenant, 0.0) + amount
        self._note(Kind.LOAN, lender.tenant, borrower.tenant, amount)
        return amount

    def _note(self, kind: Kind, source: str, target: str, amount: Seconds) -> None:
        if amount <= 0:
            return
        self.ledger.append(Entry(self._now, kind, source, target, amount))
        if len(self.ledger) > self._ledger_size:
            del self.ledger[: self._ledger_size // 10]

"""What a key and its tenant may use: token buckets, and places counted by who holds them.

A bucket holds at most `burst` tokens and gains `rate` of them a second (Turner, "New Directions in Communications",
IEEE Communications Magazine 1986). What something costs is known before it begins (a request is one) or only
afterwards (the tokens of an answer, the seconds of speech): what is known is *taken*, and refused when there is too
little; what isn't is *charged*, and may leave a debt, which refuses the next one until time has paid it. So nobody gets
more than `rate` in the long run, nor more than `burst` and one answer at once.

Every use is asked of a chain of holders, the key and its tenant: all of them grant it or nothing is taken.
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from polytalk.errors import OverQuota
from polytalk.schedule.admission import MAX_RETRY_AFTER
from polytalk.types import Seconds

MINUTE: Seconds = 60.0
SEARCHED = 16
"""Accounts that are looked at for one that loses nothing: a crowd of names must not make each request slow."""


@dataclass(frozen=True)
class Rate:
    """How fast something may be used."""

    per_minute: float
    """> 0."""
    burst: float | None = None
    """Most at once; None: what a minute gives."""

    @property
    def most(self) -> float:
        """What a full bucket holds."""
        return self.per_minute if self.burst is None else self.burst


@dataclass(frozen=True)
class Standing:
    """How a bucket stands, as `x-ratelimit-*` tells it."""

    limit: float
    remaining: float
    """0 in debt."""
    reset: Seconds
    """Until it is full again."""


class Bucket:
    """Tokens of one holder."""

    def __init__(self, rate: Rate, now: Seconds) -> None:
        self._rate = rate
        self._level = rate.most
        self._at = now

    def wait(self, amount: float, now: Seconds) -> Seconds:
        """Until `amount` can be taken; 0 when it can be now. More than a full bucket is granted when it is full."""
        lacking = min(amount, self._rate.most) - self._fill(now)
        return max(0.0, lacking / self._rate.per_minute * MINUTE)

    def charge(self, amount: float, now: Seconds) -> None:
        """Take it, into debt if need be; negative amounts give back, and no bucket overflows."""
        self._level = min(self._rate.most, self._fill(now) - amount)

    def standing(self, now: Seconds) -> Standing:
        """What is left."""
        level = self._fill(now)
        full = (self._rate.most - level) / self._rate.per_minute * MINUTE
        return Standing(self._rate.most, max(0.0, level), full)

    def full(self, now: Seconds) -> bool:
        """Whether it is as if it had never been used."""
        return self._fill(now) >= self._rate.most

    def _fill(self, now: Seconds) -> float:
        if now > self._at:  # a clock that went back gives nothing, and takes nothing
            self._level = min(self._rate.most, self._level + (now - self._at) * self._rate.per_minute / MINUTE)
            self._at = now
        return self._level


@dataclass(frozen=True)
class Holder:
    """A key or a tenant, and what it may use."""

    name: str
    """Unique among keys and tenants."""
    rates: Mapping[str, Rate] = field(default_factory=dict, hash=False)
    """By what is used; what is not named is not bounded."""
    places: int | None = None
    """Sessions at a time; None: any number."""


@dataclass
class _Account:
    buckets: dict[str, Bucket] = field(default_factory=dict)
    held: set[str] = field(default_factory=set)
    of: Holder | None = None

    def idle(self, now: Seconds) -> bool:
        return not self.held and all(bucket.full(now) for bucket in self.buckets.values())


class Quotas:
    """Accounts of all holders, at most `accounts` of them: those whose buckets are full are forgotten first."""

    def __init__(self, accounts: int = 10_000) -> None:
        self._most = accounts
        self._accounts: OrderedDict[str, _Account] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accounts)

    def take(self, chain: Sequence[Holder], what: str, now: Seconds, amount: float = 1.0) -> None:
        """Use it now, of every holder of the chain. Raises OverQuota with the seconds until all can; nothing is taken
        then."""
        buckets = list(self._buckets(chain, what, now))
        wait, name = max(((bucket.wait(amount, now), name) for name, bucket in buckets), default=(0.0, ""))
        if wait > 0:
            raise OverQuota(
                f"{name} has used up its {what.replace('_', ' ')} a minute",
                retry_after=min(max(1.0, wait), MAX_RETRY_AFTER),
            )
        for _, bucket in buckets:
            bucket.charge(amount, now)

    def charge(self, chain: Sequence[Holder], what: str, now: Seconds, amount: float) -> None:
        """What was used, as it turned out."""
        for _, bucket in self._buckets(chain, what, now):
            bucket.charge(amount, now)

    def standing(self, chain: Sequence[Holder], what: str, now: Seconds) -> Standing | None:
        """That of the holder with least left; None where nothing bounds it."""
        standings = [bucket.standing(now) for _, bucket in self._buckets(chain, what, now)]
        return min(standings, key=lambda one: one.remaining, default=None)

    def enter(self, chain: Sequence[Holder], session: str, now: Seconds) -> None:
        """Hold a place of every holder. Raises OverQuota when one has none left; none is held then."""
        for holder in chain:
            held = self._account(holder, now).held
            if holder.places is not None and session not in held and len(held) >= holder.places:
                raise OverQuota(
                    f"{holder.name} has {len(held)} sessions, and may have {holder.places} at a time", retry_after=5.0
                )
        for holder in chain:
            self._account(holder, now).held.add(session)

    def leave(self, chain: Sequence[Holder], session: str) -> None:
        """Give the places back; twice does no harm."""
        for holder in chain:
            if (account := self._accounts.get(holder.name)) is not None:
                account.held.discard(session)

    def places(self, name: str) -> int:
        """Sessions that a holder has now."""
        account = self._accounts.get(name)
        return len(account.held) if account else 0

    def _buckets(self, chain: Sequence[Holder], what: str, now: Seconds) -> Iterator[tuple[str, Bucket]]:
        for holder in chain:
            if (rate := holder.rates.get(what)) is not None:
                buckets = self._account(holder, now).buckets
                if what not in buckets:
                    buckets[what] = Bucket(rate, now)
                yield holder.name, buckets[what]

    def _account(self, holder: Holder, now: Seconds) -> _Account:
        account = self._accounts.get(holder.name)
        if account is None:
            self._forget(now)
            account = self._accounts[holder.name] = _Account(of=holder)
        elif account.of is not holder and account.of != holder:  # its limits were changed meanwhile
            account.buckets.clear()
            account.of = holder
        self._accounts.move_to_end(holder.name)
        return account

    def _forget(self, now: Seconds) -> None:
        """Room for one more: of the longest unused the first that loses nothing, else the first that holds no place.
        Where all hold one, their number is bounded by that of sessions."""
        if len(self._accounts) < self._most:
            return
        oldest = [name for name in islice(self._accounts, SEARCHED) if not self._accounts[name].held]
        if oldest:
            del self._accounts[next((name for name in oldest if self._accounts[name].idle(now)), oldest[0])]

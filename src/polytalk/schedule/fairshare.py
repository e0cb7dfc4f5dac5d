"""Fair shares between tenants: whoever has had the least service for its weight goes next.

Virtual token counters (Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024): a counter per tenant
grows by cost / weight with every batch that serves it. A tenant that comes back from idleness enters at the minimum of
the active ones, so that nobody hoards; with that the service of two backlogged tenants never differs by more than
what one batch can hold (their Theorem 4.4, here in compute-seconds instead of tokens).
"""

from collections import Counter
from dataclasses import dataclass, field

from polytalk.types import Seconds, Tier

WEIGHT = {Tier.VIP: 4.0, Tier.STANDARD: 1.0, Tier.BATCH: 1.0}
"""A vip counts as four standards. Batch work is weighed among itself; `order` keeps it behind the others."""


@dataclass
class FairShare:
    """Counters of one queue's tenants, in weighted compute-seconds."""

    counters: dict[str, Seconds] = field(default_factory=dict)
    _waiting: Counter[str] = field(default_factory=Counter)

    def arrive(self, tenant: str) -> None:
        """A job of the tenant was queued."""
        if self._waiting[tenant] == 0:
            least = min(
                (self.counters[t] for t in self._waiting if self._waiting[t] and t in self.counters), default=None
            )
            before = self.counters.get(tenant, 0.0)
            self.counters[tenant] = before if least is None else max(before, least)
        self._waiting[tenant] += 1

    def leave(self, tenant: str) -> None:
        """A job of the tenant left the queue, to run or to be dropped."""
        self._waiting[tenant] -= 1
        if self._waiting[tenant] <= 0:
            del self._waiting[tenant]
            self._forget_if_behind(tenant)

    def charge(self, tenant: str, cost: Seconds, weight: float) -> None:
        """The tenant had `cost` compute-seconds of service."""
        self.counters[tenant] = self.counters.get(tenant, 0.0) + cost / weight

    def rank(self, tenant: str) -> Seconds:
        """Smaller goes first."""
        return self.counters.get(tenant, 0.0)

    def _forget_if_behind(self, tenant: str) -> None:
        """An idle tenant at or below the active minimum would re-enter there anyway: nothing to remember."""
        active = [self.counters.get(other, 0.0) for other in self._waiting]
        if active and self.counters.get(tenant, 0.0) <= min(active):
            self.counters.pop(tenant, None)

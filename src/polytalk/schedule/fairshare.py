"""Fair shares between tenants: whoever has had the least service for its weight goes next.

Virtual token counters (Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024): a counter per tenant
grows by cost / weight with every batch that serves it. A tenant that comes back from idleness enters at the minimum of
the active ones, so that nobody hoards; with that the service of two backlogged tenants never differs by more than
what one batch can hold (their Theorem 4.4, here in compute-seconds instead of tokens).
"""

import heapq
from collections import Counter
from dataclasses import dataclass, field

from polytalk.types import Seconds, Tier

WEIGHT = {Tier.VIP: 4.0, Tier.STANDARD: 1.0, Tier.BATCH: 1.0}
"""A vip counts as four standards. Batch work is weighed among itself; `order` keeps it behind the others."""

STALE = 16
"""Entries of the heap for each tenant that waits, beyond which it is made anew."""


@dataclass(slots=True)
class FairShare:
    """Counters of one queue's tenants, in weighted compute-seconds."""

    counters: dict[str, Seconds] = field(default_factory=dict)
    weights: dict[str, float] = field(default_factory=dict)
    """Of tenants that don't weigh what their tier does."""
    _waiting: Counter[str] = field(default_factory=Counter)
    _lowest: list[tuple[Seconds, str]] = field(default_factory=list)
    """Heap of the counters of tenants that wait; entries that are no longer true are dropped when they come up."""

    def arrive(self, tenant: str) -> None:
        """A job of the tenant was queued."""
        if self._waiting[tenant] == 0:
            least = self._least()
            before = self.counters.get(tenant, 0.0)
            self.counters[tenant] = before if least is None else max(before, least)
            heapq.heappush(self._lowest, (self.counters[tenant], tenant))
        self._waiting[tenant] += 1

    def leave(self, tenant: str) -> None:
        """A job of the tenant left the queue, to run or to be dropped."""
        self._waiting[tenant] -= 1
        if self._waiting[tenant] <= 0:
            del self._waiting[tenant]
            self._forget_if_behind(tenant)

    def charge(self, tenant: str, cost: Seconds, weight: float) -> None:
        """The tenant had `cost` compute-seconds of service; `weight` is its tier's, unless it has its own."""
        self.counters[tenant] = self.counters.get(tenant, 0.0) + cost / self.weights.get(tenant, weight)
        if tenant in self._waiting:
            heapq.heappush(self._lowest, (self.counters[tenant], tenant))
            if len(self._lowest) > STALE * len(self._waiting):
                self._lowest = [(self.counters[other], other) for other in self._waiting]
                heapq.heapify(self._lowest)

    def rank(self, tenant: str) -> Seconds:
        """Smaller goes first."""
        return self.counters.get(tenant, 0.0)

    def _forget_if_behind(self, tenant: str) -> None:
        """An idle tenant at or below the active minimum would re-enter there anyway: nothing to remember."""
        least = self._least()
        if least is not None and self.counters.get(tenant, 0.0) <= least:
            self.counters.pop(tenant, None)

    def _least(self) -> Seconds | None:
        """The smallest counter of a tenant that waits; None when nobody does."""
        if not self._waiting:
            self._lowest.clear()
            return None
        while self.counters.get(self._lowest[0][1]) != self._lowest[0][0] or self._lowest[0][1] not in self._waiting:
            heapq.heappop(self._lowest)
        return self._lowest[0][0]

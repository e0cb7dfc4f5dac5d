"""Whose turn it is: rescue, then fair share between tenants, then the earliest deadline.

rescue     a listener is about to run dry (slack under 250 ms): earliest deadline first, whoever the tenant is
entitled   tenants who live on what is theirs before those who borrow
fair       among those, the tenant with the least service for its weight
deadline   within a tenant, earliest first (Liu and Layland, 1973: optimal where all can be kept)
batch      offline work takes what is left, but never less than a twentieth
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from polytalk.schedule.bank import Bank
from polytalk.schedule.fairshare import WEIGHT, FairShare
from polytalk.types import Job, Seconds, Tier

RESCUE_SLACK: Seconds = 0.25
BATCH_FLOOR = 0.05
"""The share of compute that offline work gets even when live work could use all."""
MEMORY: Seconds = 10.0
"""Compute-seconds over which that share is reckoned; older service counts half, a quarter, …"""


@dataclass
class ReadyQueue:
    """Jobs that wait at one engine. A job is in it once; what left it is forgotten at the next look."""

    fair: FairShare = field(default_factory=FairShare)
    bank: Bank | None = None
    _jobs: dict[str, Job] = field(default_factory=dict)
    _by_tenant: dict[tuple[bool, str], list[tuple[Seconds, str]]] = field(default_factory=dict)
    """(offline?, tenant) -> heap of (deadline, job id)."""
    _by_deadline: list[tuple[Seconds, str]] = field(default_factory=list)
    """Live jobs that may still need rescue."""
    _live_served: Seconds = 0.0
    _batch_served: Seconds = 0.0

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self._jobs.values())

    def push(self, job: Job) -> None:
        """Add a job."""
        offline = job.tier is Tier.BATCH
        self._jobs[job.id] = job
        self.fair.arrive(job.tenant)
        heapq.heappush(self._by_tenant.setdefault((offline, job.tenant), []), (job.deadline, job.id))
        if not offline:
            heapq.heappush(self._by_deadline, (job.deadline, job.id))

    def remove(self, job: Job) -> None:
        """Take a job out: it runs, or it is dead."""
        if self._jobs.pop(job.id, None) is not None:
            self.fair.leave(job.tenant)

    def charge(self, job: Job, cost: Seconds, now: Seconds) -> None:
        """A job had `cost` compute-seconds."""
        self.fair.charge(job.tenant, cost, WEIGHT[job.tier])
        if self.bank is not None:
            self.bank.charge(job.tenant, cost, now)
        if job.tier is Tier.BATCH:
            self._batch_served += cost
        else:
            self._live_served += cost
        if self._live_served + self._batch_served > MEMORY:
            self._live_served /= 2
            self._batch_served /= 2

    def head(self, now: Seconds, cost: Seconds) -> Job | None:
        """The job whose turn it is, given that one takes about `cost`; it stays in the queue."""
        live = self._tenants(offline=False)
        offline = self._tenants(offline=True)
        if rescued := self._rescue(now, cost):
            return rescued
        total = self._live_served + self._batch_served
        owed = self._batch_served < BATCH_FLOOR * total
        for tenants in (offline, live) if owed else (live, offline):
            if tenants:
                return self._earliest(min(tenants, key=self._place))
        return None

    def earliest(self) -> Seconds:
        """The earliest deadline of a live job, of any job when none is live, infinite when there is none."""
        self._clean(self._by_deadline)
        if self._by_deadline:
            return self._by_deadline[0][0]
        return min((job.deadline for job in self._jobs.values()), default=float("inf"))

    def _rescue(self, now: Seconds, cost: Seconds) -> Job | None:
        while self._by_deadline:
            self._clean(self._by_deadline)
            if not self._by_deadline:
                return None
            deadline, job_id = self._by_deadline[0]
            slack = deadline - now - cost
            if slack >= RESCUE_SLACK:
                return None
            if slack >= 0:
                return self._jobs[job_id]
            heapq.heappop(self._by_deadline)  # past saving: it waits its fair turn, and drags nobody with it
        return None

    def _tenants(self, *, offline: bool) -> list[tuple[bool, str]]:
        for key, heap in list(self._by_tenant.items()):
            if key[0] == offline and not self._clean(heap):
                del self._by_tenant[key]
        return [key for key in self._by_tenant if key[0] == offline]

    def _place(self, key: tuple[bool, str]) -> tuple[bool, Seconds, Seconds]:
        tenant = key[1]
        borrows = self.bank is not None and not self.bank.entitled(tenant)
        return borrows, self.fair.rank(tenant), self._by_tenant[key][0][0]

    def _earliest(self, key: tuple[bool, str]) -> Job:
        return self._jobs[self._by_tenant[key][0][1]]

    def _clean(self, heap: list[tuple[Seconds, str]]) -> bool:
        """Drop entries of jobs that left; whether any is left."""
        while heap and heap[0][1] not in self._jobs:
            heapq.heappop(heap)
        return bool(heap)

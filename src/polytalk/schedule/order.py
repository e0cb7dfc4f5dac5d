"""Whose turn it is: rescue, then fair share between tenants, then the earliest deadline.

rescue     a listener is about to run dry (slack under 250 ms): earliest deadline first, whoever the tenant is
entitled   tenants who live on what is theirs before those who borrow
fair       among those, the tenant with the least service for its weight; of equals a vip
deadline   within a tenant, earliest first (Liu and Layland, 1973: optimal where all can be kept)
batch      offline work takes what is left, but never less than a twentieth
guess      work of answers that may never be wanted, only where nothing else waits
"""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import structs

from polytalk.schedule.bank import Bank
from polytalk.schedule.fairshare import WEIGHT, FairShare
from polytalk.types import Job, Seconds, Tier

RESCUE_SLACK: Seconds = 0.25
BATCH_FLOOR = 0.05
"""The share of compute that offline work gets even when live work could use all."""
MEMORY: Seconds = 10.0
"""Compute-seconds over which that share is reckoned; older service counts half, a quarter, …"""


@dataclass(slots=True)
class ReadyQueue:
    """Jobs that wait at one engine. A job is in it once; what left it is forgotten at the next look."""

    fair: FairShare = field(default_factory=FairShare)
    bank: Bank | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    """By id; changed by the methods only."""
    _live: dict[str, list[tuple[Seconds, str]]] = field(default_factory=dict)
    """Tenant -> heap of (deadline, job id)."""
    _offline: dict[str, list[tuple[Seconds, str]]] = field(default_factory=dict)
    _by_deadline: list[tuple[Seconds, str]] = field(default_factory=list)
    """Live jobs that may still need rescue."""
    _vips: list[tuple[Seconds, str]] = field(default_factory=list)
    _guesses: list[tuple[Seconds, str]] = field(default_factory=list)
    running: dict[str, Seconds] = field(default_factory=dict)
    """Jobs taken to run -> what their tenants were charged in advance."""
    _live_served: Seconds = 0.0
    _batch_served: Seconds = 0.0

    def __len__(self) -> int:
        return len(self.jobs)

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs.values())

    def push(self, job: Job) -> None:
        """Add a job, or put one back that was taken and did not run."""
        self.jobs[job.id] = job
        advance = self.running.pop(job.id, None)
        if advance is None:
            self.fair.arrive(job.tenant)
        else:
            self.fair.charge(job.tenant, -advance, WEIGHT[job.tier])
        self._line_up(job)

    def adopt(self, session: str) -> None:
        """A guess was right: the session's jobs count as any others from now on."""
        for job in [job for job in self.jobs.values() if job.speculative and job.session == session]:
            wanted = self.jobs[job.id] = structs.replace(job, speculative=False)
            self._line_up(wanted)

    def _line_up(self, job: Job) -> None:
        if job.speculative:
            heapq.heappush(self._guesses, (job.deadline, job.id))
            return
        offline = job.tier is Tier.BATCH
        heaps = self._offline if offline else self._live
        heapq.heappush(heaps.setdefault(job.tenant, []), (job.deadline, job.id))
        if not offline:
            heapq.heappush(self._by_deadline, (job.deadline, job.id))
        if job.tier is Tier.VIP:
            heapq.heappush(self._vips, (job.deadline, job.id))

    def remove(self, job: Job) -> None:
        """Take a job out that is dead, or runs on nobody's account yet."""
        if self._pop(job):
            self.fair.leave(job.tenant)

    def take(self, job: Job, expected: Seconds) -> None:
        """Take a job out to run it; its tenant is charged what is expected until `charge` says what it was.

        So that a batch is shared among tenants while it is formed, and work under way counts when the next one is.
        """
        if self._pop(job):
            self.running[job.id] = expected
            self.fair.charge(job.tenant, expected, WEIGHT[job.tier])

    def charge(self, job: Job, cost: Seconds, now: Seconds) -> None:
        """A job had `cost` compute-seconds; what was charged in advance is part of them."""
        advance = self.running.pop(job.id, None)
        self.fair.charge(job.tenant, cost - (advance or 0.0), WEIGHT[job.tier])
        if advance is not None:
            self.fair.leave(job.tenant)
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
        if len(self.jobs) <= 1:  # as most often when there is capacity to spare
            return next(iter(self.jobs.values()), None)
        if rescued := self._rescue(now, cost):
            return rescued
        total = self._live_served + self._batch_served
        owed = self._batch_served < BATCH_FLOOR * total
        for heaps in (self._offline, self._live) if owed else (self._live, self._offline):
            if heaps and (tenant := self._next_tenant(heaps)) is not None:
                return self.jobs[heaps[tenant][0][1]]
        return self.jobs[self._guesses[0][1]] if self._clean(self._guesses) else None

    def vip(self) -> Job | None:
        """The vip's job that is due first: what may run on a slot that is kept for vips."""
        return self.jobs[self._vips[0][1]] if self._clean(self._vips) else None

    def earliest(self) -> Seconds:
        """The earliest deadline of a live job, of an offline one when none is live, infinite when there is neither."""
        self._clean(self._by_deadline)
        if self._by_deadline:
            return self._by_deadline[0][0]
        return min((job.deadline for job in self.jobs.values() if not job.speculative), default=float("inf"))

    def _pop(self, job: Job) -> bool:
        if self.jobs.pop(job.id, None) is None:
            return False
        if not self.jobs:  # what is left in the heaps are jobs that are gone
            for heaps in (self._live, self._offline, self._by_deadline, self._vips, self._guesses):
                if heaps:
                    heaps.clear()
        return True

    def _rescue(self, now: Seconds, cost: Seconds) -> Job | None:
        heap, jobs = self._by_deadline, self.jobs
        while heap:
            deadline, job_id = heap[0]
            if job_id in jobs:
                slack = deadline - now - cost
                if slack >= RESCUE_SLACK:
                    return None
                if slack >= 0:
                    return jobs[job_id]
            heapq.heappop(heap)  # gone, or past saving: it waits its fair turn, and drags nobody with it
        return None

    def _next_tenant(self, heaps: dict[str, list[tuple[Seconds, str]]]) -> str | None:
        """The one to serve; tenants of whom nothing waits are forgotten."""
        jobs = self.jobs
        gone = [tenant for tenant, heap in heaps.items() if heap[0][1] not in jobs and not self._clean(heap)]
        for tenant in gone:
            del heaps[tenant]
        if len(heaps) > 1:
            return min(heaps, key=lambda tenant: self._place(tenant, *heaps[tenant][0]))
        return next(iter(heaps), None)

    def _place(self, tenant: str, deadline: Seconds, job_id: str) -> tuple[bool, Seconds, bool, Seconds]:
        """A vip who asks now and then comes back at the minimum, beside whoever is next: of the two, it goes first."""
        borrows = self.bank is not None and not self.bank.entitled(tenant)
        return borrows, self.fair.rank(tenant), self.jobs[job_id].tier is not Tier.VIP, deadline

    def _clean(self, heap: list[tuple[Seconds, str]]) -> bool:
        """Drop entries of jobs that left; whether any is left."""
        while heap and heap[0][1] not in self.jobs:
            heapq.heappop(heap)
        return bool(heap)

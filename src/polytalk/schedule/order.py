"""Which job next: rescue those about to run dry, then the better tier, then the earliest deadline."""

from collections.abc import Iterable

from polytalk.types import Job, Seconds, Tier

RESCUE_SLACK: Seconds = 0.25
"""A job with less slack than this goes first, whoever its tenant is: its listener is about to hear a gap."""

_RANK = {Tier.VIP: 0, Tier.STANDARD: 1, Tier.BATCH: 2}


def order(jobs: Iterable[Job], now: Seconds, cost: Seconds) -> list[Job]:
    """The jobs, first to run first.

    `cost` is the predicted time of a typical job here; slack = deadline - now - cost. Earliest deadline first is
    optimal for feasible sets on one machine (Liu and Layland, 1973); jobs that are past saving are not moved ahead
    of others on that account, as they would drag the feasible ones with them.
    """

    def key(job: Job) -> tuple[int, int, Seconds, str]:
        slack = job.deadline - now - cost
        rescue = 0 <= slack < RESCUE_SLACK and job.tier is not Tier.BATCH
        return (0 if rescue else 1, 0 if rescue else _RANK[job.tier], job.deadline, job.id)

    return sorted(jobs, key=key)

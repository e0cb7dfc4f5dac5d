"""Forming a batch: the head of the order, then whoever fits without making a member late.

As in Clockwork (Gujarati et al., OSDI 2020) and Nexus (Shen et al., SOSP 2019) the batch is as large as the deadlines
of its members allow under the cost model; unlike there it stops growing where growing saves nothing, as on most CPU
engines, so that the next batch can run beside it.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from polytalk.schedule.cost import Cost
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.window import Release
from polytalk.types import Job, Seconds, Tier

WORTH = 0.1
"""The least share of a job's own cost that joining must save: less is within the noise of the cost fit."""


@dataclass(slots=True)
class Batch:
    """Jobs to run together, and why no more of them."""

    jobs: list[Job] = field(default_factory=list)
    units: float = 0.0
    reason: Release = Release.IDLE
    due: Seconds = float("inf")
    """By when it must start so that every member that can be kept is kept."""


def form(
    queue: ReadyQueue,
    now: Seconds,
    cost: Cost,
    units: Callable[[Job], float],
    max_batch: int,
    *,
    vips_only: bool = False,
    vips_apart: bool = False,
) -> Batch:
    """Take the jobs to run next out of the queue; empty only when the queue is, or has none of those wanted.

    `vips_apart`: where a slot is kept for vips, none is taken into a batch of others, which lasts longer than its own.

    A member that is late already, alone as well as in company, has nothing left to lose and does not hold the batch
    back. Dead jobs must have been removed from the queue before.
    """
    jobs: list[Job] = []
    total = lasts = 0.0
    reason = Release.IDLE
    binding = float("inf")  # earliest deadline among the members that can still be kept
    typical = cost.typical()
    while (job := queue.vip() if vips_only else queue.head(now, typical)) is not None:
        own, deadline = units(job), job.deadline
        grown = alone = cost.predict(own)
        kept = now + alone <= deadline
        if jobs:
            if job.speculative and not jobs[0].speculative:
                break  # a guess makes nobody wait
            if vips_apart and (job.tier is Tier.VIP) != (jobs[0].tier is Tier.VIP):
                reason = Release.VIP
                break
            grown = cost.predict(total + own, len(jobs) + 1)
            finish = now + grown
            if finish > binding or (kept and finish > deadline):
                reason = Release.SLACK
                break
            if grown > lasts + (1 - WORTH) * alone:
                reason = Release.NO_GAIN
                break
        queue.take(job, alone)
        jobs.append(job)
        total += own
        lasts = grown
        if kept and deadline < binding:
            binding = deadline
        if len(jobs) == max_batch:
            reason = Release.FULL if (queue.vip() if vips_only else queue.jobs) else Release.IDLE
            break
    return Batch(jobs, total, reason, binding - lasts if jobs else float("inf"))

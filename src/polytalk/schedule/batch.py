"""Forming a batch: the head of the order, then whoever fits without making a member late."""

from collections.abc import Callable, Sequence

from polytalk.schedule.cost import Cost
from polytalk.types import Job, Seconds


def form(ordered: Sequence[Job], now: Seconds, cost: Cost, units: Callable[[Job], float], max_batch: int) -> list[Job]:
    """The jobs to run now, in order; empty only when `ordered` is.

    A job joins while the predicted finish keeps every member's deadline. A member that is late already, alone as
    well as in company, has nothing left to lose and does not hold the batch back.
    """
    batch: list[Job] = []
    total = 0.0
    binding: Seconds | None = None  # earliest deadline among the members that can still be kept
    for job in ordered[:max_batch]:
        grown = total + units(job)
        finish = now + cost.predict(grown)
        kept_alone = now + cost.predict(units(job)) <= job.deadline
        if batch and ((binding is not None and finish > binding) or (kept_alone and finish > job.deadline)):
            break
        batch.append(job)
        total = grown
        if kept_alone:
            binding = job.deadline if binding is None else min(binding, job.deadline)
    return batch

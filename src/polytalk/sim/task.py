"""A job of the simulation: the ring's own `Job`, and what the simulated engine needs to know of it."""

from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING

from polytalk.types import Job, MouthWork, Seconds, Stage, Tier

if TYPE_CHECKING:
    from polytalk.sim.call import Call

NOTHING = MouthWork(0)


class Task(Job, frozen=True, kw_only=True):
    """`created` is also the moment it was queued."""

    units: float
    """In the unit of its stage's cost."""
    call: "Call | None" = None
    index: int = 0
    """Which sentence of the answer."""


def new_task(
    number: int,
    stage: Stage,
    now: Seconds,
    due: Seconds,
    units: float,
    *,
    session: str = "",
    generation: int = 0,
    tenant: str = "default",
    tier: Tier = Tier.STANDARD,
    call: "Call | None" = None,
    index: int = 0,
) -> Task:
    """Positional where it can be: one is made for every job of a simulation."""
    return Task(
        str(number), stage, "", session, generation, "", NOTHING, now, due, "", tenant, tier,
        units=units, call=call, index=index,
    )  # fmt: skip


units_of: Callable[[Job], float] = attrgetter("units")
"""What the ring asks of an engine's `units`."""

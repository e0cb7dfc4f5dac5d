"""What waits at one engine, and who decides about it: what the stations of a simulation ask."""

from collections import Counter
from collections.abc import Sized
from typing import Protocol

from polytalk.schedule.runs import Pressure
from polytalk.schedule.window import Release
from polytalk.sim.task import Task
from polytalk.types import Seconds


class Desk(Protocol):
    """Jobs that wait at one engine, and the decision about them."""

    releases: Counter[Release]
    """Why batches were let go."""

    @property
    def waiting(self) -> Sized:
        """The jobs that wait; looked at with every event, so in desks it is an attribute."""
        ...

    def push(self, task: Task) -> None:
        """A job came."""
        ...

    def lone(self, task: Task, now: Seconds) -> Seconds | None:
        """A job finds nobody waiting and a free slot: what `push` and `take` would decide, without the ceremony.

        None: it runs now. Else it was pushed, and this is the moment at which to ask again.
        """
        ...

    def discard(self, task: Task) -> bool:
        """A job died; whether it was still waiting."""
        ...

    def take(self, now: Seconds) -> tuple[list[Task], Seconds | None]:
        """The jobs to run now, or none and the moment at which to ask again."""
        ...

    def ran(self, batch: list[Task], took: Seconds, now: Seconds) -> None:
        """A batch is done."""
        ...

    def stopped(self, task: Task, took: Seconds, now: Seconds) -> None:
        """A stream was interrupted after so long."""
        ...

    def again(self, task: Task, now: Seconds, until: Seconds) -> Seconds | None:
        """A job was pushed while others wait for more until then: until when to wait by now; None to decide anew."""
        ...

    def earliest(self) -> Seconds:
        """How urgent this desk is, against others of its pool: smaller is more."""
        ...

    def run(self, left: Seconds, usual: Seconds, cost: Pressure, now: Seconds, slack: Seconds) -> Seconds:
        """How much of `left` the next run of frames should have; `cost` tells nothing of who waits."""
        ...

"""First in, first out, in the server's own workers: what is the policy worth, all else equal?"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest.mock import patch

from polytalk.schedule.admission import Admission, Admitted, Ask
from polytalk.schedule.order import ReadyQueue
from polytalk.types import Job, Seconds


class ByArrival(ReadyQueue):
    """A queue that looks at nothing but when jobs came."""

    def head(self, now: Seconds, cost: Seconds) -> Job | None:
        """The oldest."""
        return min(self, key=lambda job: job.created, default=None)

    def earliest(self) -> Seconds:
        """For the pool, which serves the stage whose oldest job has waited longest."""
        return min((job.created for job in self), default=float("inf"))


def admit_all(admission: Admission, ask: Ask, now: Seconds) -> Admitted:
    """No turn waits, none loses its face."""
    return Admitted(0)


@contextmanager
def replaced(*, order: bool, admission: bool) -> Iterator[None]:
    """Servers made meanwhile serve by arrival, or admit everybody, or both."""
    with ExitStack() as stack:
        if order:
            stack.enter_context(patch("polytalk.worker.group.ReadyQueue", ByArrival))
        if admission:
            stack.enter_context(patch.object(Admission, "request", admit_all))
        yield

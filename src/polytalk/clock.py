"""Time as a port: policy and dialogue ask a `Clock`, so that tests and the simulator can own time."""

import time
from typing import Protocol

from polytalk.types import Seconds


class Clock(Protocol):
    """A source of monotonic time."""

    def now(self) -> Seconds:
        """Seconds since an arbitrary fixed moment; never goes back."""
        ...


class RealClock:
    """The machine's monotonic clock, the one `asyncio` loops use."""

    def now(self) -> Seconds:
        """Seconds of CLOCK_MONOTONIC."""
        return time.monotonic()


class VirtualClock:
    """A clock that moves only when told to."""

    def __init__(self, start: Seconds = 0.0) -> None:
        self._now = start

    def now(self) -> Seconds:
        """The time it was last set to."""
        return self._now

    def advance(self, seconds: Seconds) -> None:
        """Move forward; raises ValueError for a negative step."""
        if seconds < 0:
            raise ValueError(f"time can't go back by {-seconds} s")
        self._now += seconds

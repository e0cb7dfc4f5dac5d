"""Virtual time: events in order of their moment, and of their making where moments are equal."""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

from polytalk.types import Seconds


class Loop:
    """A clock that jumps from event to event; it is a `polytalk.clock.Clock`."""

    __slots__ = ("_events", "_made", "time")

    def __init__(self) -> None:
        self.time: Seconds = 0.0
        self._events: list[tuple[Seconds, int, Callable[[Any], object], Any]] = []
        self._made = 0

    def now(self) -> Seconds:
        """The moment of the event that runs."""
        return self.time

    def at(self, moment: Seconds, act: Callable[[Any], object], what: Any) -> None:
        """Call `act(what)` then. Raises ValueError for a moment that is over."""
        if moment < self.time:
            raise ValueError(f"{moment} s is over: it is {self.time} s")
        self._made = made = self._made + 1
        heappush(self._events, (moment, made, act, what))

    def run(self) -> None:
        """Until nothing is left to happen."""
        events = self._events
        while events:
            self.time, _, act, what = heappop(events)
            act(what)

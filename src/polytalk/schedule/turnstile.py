"""Refusals leave one after another, so that those who are refused as fast as they ask don't take the machine from those
who talk.

    of one address    `BURST` at once, then one every `EVERY` seconds
    of all            `BURST_OF_ALL` at once, then one every `EVERY_OF_ALL`
    no refusal        waits longer than `MOST`; what waits is thereby bounded too, by what can connect in that time

A virtual schedule for each (GCRA: ITU-T Recommendation I.371, annex A.4), and a bounded table of them.
"""

from collections import OrderedDict

from polytalk.schedule.attempts import network
from polytalk.types import Seconds

BURST, EVERY = 20, 0.05
BURST_OF_ALL, EVERY_OF_ALL = 100, 0.01
MOST: Seconds = 2.0


class Turnstile:
    """One a server."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._free_at: OrderedDict[str, Seconds] = OrderedDict()
        """Address -> when it will be as if it had never been refused; those refused last stand last."""
        self._all_free_at: Seconds = 0.0

    def __len__(self) -> int:
        return len(self._free_at)

    def refuse(self, address: str, now: Seconds) -> Seconds:
        """How long this refusal has to wait before it leaves."""
        key = network(address)
        own, own_wait = _next(self._free_at.pop(key, now), now, BURST, EVERY)
        self._free_at[key] = own
        if len(self._free_at) > self._most:
            self._free_at.popitem(last=False)
        self._all_free_at, wait = _next(self._all_free_at, now, BURST_OF_ALL, EVERY_OF_ALL)
        return max(own_wait, wait)


def _next(free_at: Seconds, now: Seconds, burst: int, every: Seconds) -> tuple[Seconds, Seconds]:
    """When it is free after one more, and how long that one waits."""
    free_at = min(max(now, free_at) + every, now + burst * every + MOST)
    return free_at, max(0.0, free_at - now - burst * every)

"""Refusals leave one after another, so that those who are refused as fast as they ask don't take the machine from those
who talk.

    of one address    `BURST` at once, then one every `EVERY` seconds
    of all            `BURST_OF_ALL` at once, then one every `EVERY_OF_ALL`
    no refusal        waits longer than `MOST`; what waits is thereby bounded too, by what can connect in that time
"""

from polytalk.schedule.attempts import Attempts
from polytalk.types import Seconds

BURST, EVERY = 20, 0.05
BURST_OF_ALL, EVERY_OF_ALL = 100, 0.01
MOST: Seconds = 2.0
ALL = ""
"""Stands for all addresses together."""


class Turnstile:
    """One a server."""

    def __init__(self, most: int = 10_000) -> None:
        self._own = Attempts(most, BURST, EVERY, MOST)
        self._together = Attempts(1, BURST_OF_ALL, EVERY_OF_ALL, MOST)

    def __len__(self) -> int:
        return len(self._own)

    def refuse(self, address: str, now: Seconds) -> Seconds:
        """How long this refusal has to wait before it leaves."""
        wait = max(self._own.wait(address, now), self._together.wait(ALL, now))
        self._own.failed(address, now)
        self._together.failed(ALL, now)
        return wait

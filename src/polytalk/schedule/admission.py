"""Who may come in: counted leases, never sampled load (two that look at a gauge at once both see room for one)."""

from dataclasses import dataclass, field

from polytalk.errors import Shed
from polytalk.types import Seconds

MAX_RETRY_AFTER: Seconds = 120.0
"""SDKs give up when asked to wait longer."""


@dataclass
class Leases:
    """A fixed number of places, each held by a name until released."""

    capacity: int
    held: dict[str, Seconds] = field(default_factory=dict)
    """Holder -> when its lease began."""
    _lengths: list[Seconds] = field(default_factory=list)

    def acquire(self, holder: str, now: Seconds) -> None:
        """Take a place. Raises Shed with the time after which one is likely to be free."""
        if holder not in self.held and len(self.held) >= self.capacity:
            raise Shed(
                f"all {self.capacity} places are taken; try again in {self.retry_after():.0f} s",
                retry_after=self.retry_after(),
            )
        self.held.setdefault(holder, now)

    def release(self, holder: str, now: Seconds) -> None:
        """Give a place back; unknown holders are ignored, so that clean-up may run twice."""
        began = self.held.pop(holder, None)
        if began is not None:
            self._lengths = [*self._lengths[-49:], now - began]

    def retry_after(self) -> Seconds:
        """Mean time between departures when full: mean length / capacity (Little's law), 1 to 120 s."""
        if not self._lengths:
            return 5.0
        gap = sum(self._lengths) / len(self._lengths) / self.capacity
        return min(MAX_RETRY_AFTER, max(1.0, gap))

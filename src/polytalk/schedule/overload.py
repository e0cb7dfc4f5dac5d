"""When the queues themselves say that too much was admitted, and whom to turn away first.

CoDel's insight (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 2012): a burst makes the *longest* delay
long, overload makes the *shortest* one long. So it is overload when no job of a whole interval waited less than the
target.
"""

import hashlib
from dataclasses import dataclass, field

from polytalk.types import Seconds, Tier

HOUR: Seconds = 3600.0


@dataclass(slots=True)
class DelayControl:
    """The minimum queue delay over intervals, and the level of shedding that follows from it."""

    target: Seconds = 0.15
    interval: Seconds = 0.1
    step: float = 0.05
    """How much more (or, doubled, less) is shed after each interval."""
    level: float = 0.0
    """0: nobody is shed; 1: every standard turn; 2: every vip as well."""
    _least: Seconds = float("inf")
    _until: Seconds = 0.0

    def observe(self, delay: Seconds, now: Seconds) -> None:
        """A job began after waiting `delay`."""
        if now >= self._until:
            self._close(now)
        if delay < self._least:
            self._least = delay

    @property
    def overloaded(self) -> bool:
        """Whether anybody is being turned away."""
        return self.level > 0

    def sheds(self, tier: Tier, holder: str, now: Seconds) -> bool:
        """Whether a turn of this holder is turned away now.

        Offline work goes first, then standard, then vip. Within a tier the hash of (holder, hour) decides, so that a
        conversation is not chopped at random, and the unlucky change with the hour (DAGOR's user priority).
        """
        if now >= self._until:
            self._close(now)
        if self.level <= 0:  # as most often
            return False
        if tier is Tier.BATCH:
            return self.overloaded
        floor = 1.0 if tier is Tier.VIP else 0.0
        share = self.level - floor
        return share > 0 and share > _lot(holder, now)

    def _close(self, now: Seconds) -> None:
        """An interval is over."""
        idle = now - self._until > self.interval
        if self._least > self.target and not idle and self._least != float("inf"):
            self.level = min(2.0, self.level + self.step)
        else:
            self.level = max(0.0, self.level - 2 * self.step)
        if idle:
            self.level = 0.0 if now - self._until > 10 * self.interval else self.level
        self._least, self._until = float("inf"), now + self.interval


@dataclass
class StageDelays:
    """A `DelayControl` per stage: beside a queue that is short all the time, one that is long would pass unseen."""

    controls: dict[str, DelayControl] = field(default_factory=dict)

    def observe(self, stage: str, delay: Seconds, now: Seconds) -> None:
        """A job of the stage began after waiting `delay`."""
        control = self.controls.get(stage)
        if control is None:
            control = self.controls[stage] = DelayControl()
        control.observe(delay, now)

    def sheds(self, tier: Tier, holder: str, now: Seconds) -> bool:
        """Whether a turn of this holder is turned away for any stage's sake: a turn needs all of them."""
        return any(control.sheds(tier, holder, now) for control in self.controls.values())


def _lot(holder: str, now: Seconds) -> float:
    """A number in 0..1 that stays the same for an hour."""
    digest = hashlib.blake2b(f"{holder}/{int(now // HOUR)}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64

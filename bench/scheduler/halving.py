"""The most of something that still holds: outwards from a guess until it is between two bounds, then halved."""

from dataclasses import dataclass

STEP = 1.4
"""From one bound that is looked for to the next."""


@dataclass
class Halving:
    """`number` is to be tried next; `tell` what came of it. More is taken never to hold where less does not."""

    guess: int
    grain: float
    """Bounds so near each other, as a share of the upper one, are near enough: tries are dear."""
    tries: int = 100
    """No more than that, however far the bounds are apart."""
    low: int | None = None
    """The most that held."""
    high: int | None = None
    """The least that did not."""

    @property
    def number(self) -> int | None:
        """None when it is known well enough, or was tried often enough."""
        if not self.tries:
            return None
        low, high = self.low, self.high
        if low is None and high is None:
            return max(1, self.guess)
        if high is None:
            assert low is not None
            return max(low + 1, round(low * STEP))
        if low is None:
            return min(high - 1, round(high / STEP)) or None
        return (low + high) // 2 if high - low > max(1.0, self.grain * high) else None

    def tell(self, number: int, holds: bool) -> None:
        """What was tried, and whether it held."""
        self.tries -= 1
        if holds:
            self.low = number
        else:
            self.high = number

    @property
    def most(self) -> int:
        """The most that held; 0 where nothing did that was tried."""
        return self.low or 0

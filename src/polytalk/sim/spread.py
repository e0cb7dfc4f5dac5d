"""A figure over several seeds: the median, and between what it lay."""

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

SEEDS = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Spread:
    """Of one number."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.low:.3g} to {self.high:.3g})"


def spread(values: Iterable[float]) -> Spread:
    """Of what was found. Raises ValueError for nothing."""
    found = list(values)
    return Spread(median(found), min(found), max(found))

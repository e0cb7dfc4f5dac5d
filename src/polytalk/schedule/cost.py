"""What a batch will cost: seconds = slope * units + overhead, learnt from the batches that ran."""

from collections import deque
from dataclasses import dataclass, field

from polytalk.types import Seconds

WINDOW = 50
"""Batches remembered: enough to fit a line, few enough to follow a machine whose load changes."""


@dataclass
class Cost:
    """Least squares over the last `WINDOW` batches, never negative in either coefficient."""

    guess: Seconds = 0.05
    """Answer before the first batch has run."""
    _seen: deque[tuple[float, Seconds]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _fit: tuple[float, Seconds] | None = None

    def observe(self, units: float, seconds: Seconds) -> None:
        """Learn from a batch of `units` (the engine's own) that took `seconds`."""
        self._seen.append((units, seconds))
        self._fit = None

    def predict(self, units: float) -> Seconds:
        """Seconds that a batch of `units` will take."""
        if not self._seen:
            return self.guess
        if self._fit is None:
            self._fit = _line(self._seen)
        slope, overhead = self._fit
        return slope * units + overhead


def _line(points: deque[tuple[float, Seconds]]) -> tuple[float, Seconds]:
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    if spread < 1e-12:  # all batches were of one size: no slope to see
        return 0.0, mean_y
    slope = max(0.0, sum((x - mean_x) * (y - mean_y) for x, y in points) / spread)
    overhead = mean_y - slope * mean_x
    if overhead >= 0:
        return slope, overhead
    # Through the origin: a negative overhead would predict that small batches are free.
    return sum(x * y for x, y in points) / sum(x * x for x, _ in points), 0.0

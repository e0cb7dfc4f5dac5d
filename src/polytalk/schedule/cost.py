"""What a batch will cost: seconds = slope * units + overhead, corrected per batch size, learnt from what ran.

A line is right for most engines and wrong for some: an LLM on a CPU decodes two to four sequences at once slower per
token than one, and eight faster. So beside the line there is a small table of ratios, observed / line, per number of
jobs in the batch; a size that was never seen is taken to be on the line.
"""

from collections import deque
from dataclasses import dataclass, field

from polytalk.types import Seconds

WINDOW = 50
"""Batches remembered: enough to fit a line, few enough to follow a machine whose load changes."""
TRUSTED = 3
"""Batches of one size after which its own ratio is believed."""


@dataclass
class Cost:
    """Least squares over the last `WINDOW` batches, never negative in either coefficient."""

    guess: Seconds = 0.05
    """Answer before the first batch has run."""
    _seen: deque[tuple[int, float, Seconds]] = field(default_factory=lambda: deque(maxlen=WINDOW))
    _fit: tuple[float, Seconds] | None = None
    _ratios: dict[int, float] = field(default_factory=dict)
    error: float = 0.0
    """Mean |predicted - took| / took of late, exported as a metric: how far to trust all this."""

    def observe(self, units: float, seconds: Seconds, jobs: int = 1) -> None:
        """Learn from a batch of `jobs`, of `units` in all (the engine's own), that took `seconds`."""
        if self._seen and seconds > 0:
            off = abs(self.predict(units, jobs) - seconds) / seconds
            self.error += (off - self.error) / min(len(self._seen) + 1, WINDOW)
        self._seen.append((jobs, units, seconds))
        self._fit = None

    def predict(self, units: float, jobs: int = 1) -> Seconds:
        """Seconds that a batch of `jobs` with `units` in all will take."""
        if not self._seen:
            return self.guess
        slope, overhead = self.line()
        return (slope * units + overhead) * self._ratios.get(jobs, 1.0)

    def typical(self) -> Seconds:
        """Seconds that a job of average size will take alone."""
        jobs = sum(count for count, _, _ in self._seen)
        return self.predict(sum(units for _, units, _ in self._seen) / jobs if jobs else 1.0)

    def line(self) -> tuple[float, Seconds]:
        """Slope (seconds a unit) and overhead (seconds a batch); the guess before the first batch has run."""
        if not self._seen:
            return 0.0, self.guess
        if self._fit is None:
            self._fit = _line([(units, seconds) for _, units, seconds in self._seen])
            self._ratios = self._table(*self._fit)
        return self._fit

    def saving(self, units: float, jobs: int) -> Seconds:
        """What one more job of average size saves each of `jobs` + 1: cost(1) - cost(n + 1) / (n + 1)."""
        each = units / max(jobs, 1)
        return max(0.0, self.predict(each, 1) - self.predict(units + each, jobs + 1) / (jobs + 1))

    def _table(self, slope: float, overhead: Seconds) -> dict[int, float]:
        sizes: dict[int, list[float]] = {}
        for jobs, units, seconds in self._seen:
            if (expected := slope * units + overhead) > 0:
                sizes.setdefault(jobs, []).append(seconds / expected)
        if len(sizes) < 2:
            return {}
        return {jobs: sum(seen) / len(seen) for jobs, seen in sizes.items() if len(seen) >= TRUSTED}


def _line(points: list[tuple[float, Seconds]]) -> tuple[float, Seconds]:
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

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
CAUTION = 2.0
"""Usual errors of a prediction that nobody should be late for: who waits until the last moment needs it to be one."""


_SAME = 1e-9
"""Relative spread of the sizes under which they are one size: the sums are floats."""
_ALIKE = 1e-3
"""Relative spread under which sizes say less about the slope than what was seen of it before."""


@dataclass(slots=True)
class _Sums:
    """Of the batches remembered, as a least-squares line needs them."""

    count: int = 0
    jobs: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0

    def add(self, jobs: int, units: float, seconds: Seconds, sign: int = 1) -> None:
        """A batch comes, or (-1) goes."""
        self.count += sign
        self.jobs += sign * jobs
        self.x += sign * units
        self.y += sign * seconds
        self.xx += sign * units * units
        self.xy += sign * units * seconds


@dataclass(slots=True)
class Cost:
    """Least squares over the last `WINDOW` batches, never negative in either coefficient.

    Sums are kept as batches come and go, and made anew every `WINDOW` batches, so that rounding does not add up.
    """

    guess: Seconds = 0.05
    """Answer before the first batch has run."""
    error: float = 0.0
    """Mean |predicted - took| / took of late, exported as a metric: how far to trust all this."""
    _seen: deque[tuple[int, float, Seconds]] = field(default_factory=deque)
    _all: _Sums = field(default_factory=_Sums)
    _sizes: dict[int, _Sums] = field(default_factory=dict)
    """Jobs in the batch -> sums of such batches."""
    _fit: tuple[float, Seconds] | None = None
    _slope: float | None = None
    """As last seen: when all batches are full for long, small ones are not taken to be as dear as those."""
    _ratios: dict[int, float] = field(default_factory=dict)
    _economies: dict[int, float] = field(default_factory=dict)
    """Asked for by every turn that wants to begin, and true until the next batch."""
    _until_anew: int = WINDOW

    def observe(self, units: float, seconds: Seconds, jobs: int = 1) -> None:
        """Learn from a batch of `jobs`, of `units` in all (the engine's own), that took `seconds`."""
        if self._seen and seconds > 0:
            off = abs(self.predict(units, jobs) - seconds) / seconds
            self.error += (off - self.error) / min(len(self._seen) + 1, WINDOW)
        self._seen.append((jobs, units, seconds))
        self._count(jobs, units, seconds, 1)
        if len(self._seen) > WINDOW:
            self._count(*self._seen.popleft(), -1)
        self._until_anew -= 1
        if not self._until_anew:
            self._until_anew = WINDOW
            self._all, self._sizes = _Sums(), {}
            for one in self._seen:
                self._count(*one, 1)
        self._fit = None
        self._economies.clear()

    def predict(self, units: float, jobs: int = 1) -> Seconds:
        """Seconds that a batch of `jobs` with `units` in all will take."""
        if not self._seen:
            return self.guess
        slope, overhead = self._fit or self.line()
        ratio = self._ratios.get(jobs)
        return (slope * units + overhead) * (self._ratio(jobs) if ratio is None else ratio)

    def around(self, each: float, jobs: int, most: int) -> tuple[Seconds, Seconds, Seconds, Seconds]:
        """What a decision about one more asks for at once: `predict` for `jobs` of `each` units, for one of them alone,
        for one more, and for a full batch of `most`."""
        if not self._seen:
            return self.guess, self.guess, self.guess, self.guess
        slope, overhead = self._fit or self.line()
        ratios, ratio = self._ratios, self._ratio
        units = each * jobs
        lasts = (slope * units + overhead) * (ratios[jobs] if jobs in ratios else ratio(jobs))
        alone = lasts if jobs == 1 else (slope * each + overhead) * (ratios[1] if 1 in ratios else ratio(1))
        grown = (slope * (units + each) + overhead) * (ratios[jobs + 1] if jobs + 1 in ratios else ratio(jobs + 1))
        full = (slope * (each * most) + overhead) * (ratios[most] if most in ratios else ratio(most))
        return lasts, alone, grown, full

    def typical(self) -> Seconds:
        """Seconds that a job of average size will take alone."""
        return self.predict(self._all.x / self._all.jobs if self._all.jobs else 1.0)

    def each(self) -> Seconds:
        """Compute-seconds of a job of late, its part of its batch, on average; the guess before the first."""
        return self._all.y / self._all.jobs if self._all.jobs else self.guess

    def line(self) -> tuple[float, Seconds]:
        """Slope (seconds a unit) and overhead (seconds a batch); the guess before the first batch has run."""
        if not self._seen:
            return 0.0, self.guess
        if self._fit is None:
            self._fit = _line(self._all, self._slope)
            if len(self._sizes) > 1:
                self._slope = self._fit[0]
            self._ratios.clear()
        return self._fit

    def saving(self, units: float, jobs: int) -> Seconds:
        """What one more job of average size saves each of `jobs` + 1: cost(1) - cost(n + 1) / (n + 1)."""
        each = units / max(jobs, 1)
        return max(0.0, self.predict(each, 1) - self.predict(units + each, jobs + 1) / (jobs + 1))

    def economy(self, most: int) -> float:
        """What a job would cost in a full batch of `most`, as a share of what jobs did cost of late; 1 at most."""
        known = self._economies.get(most)
        if known is None:
            jobs, known = self._all.jobs, 1.0
            if jobs and self._all.y > 0:
                known = min(1.0, self.predict(self._all.x / jobs * most, most) / most * jobs / self._all.y)
            self._economies[most] = known
        return known

    def _count(self, jobs: int, units: float, seconds: Seconds, sign: int) -> None:
        self._all.add(jobs, units, seconds, sign)
        size = self._sizes.setdefault(jobs, _Sums())
        size.add(jobs, units, seconds, sign)
        if not size.count:
            del self._sizes[jobs]

    def _ratio(self, jobs: int) -> float:
        """Observed / line for batches of so many; 1 for a size that was hardly seen, or when there is no other."""
        slope, overhead = self.line()
        size = self._sizes.get(jobs)
        ratio = 1.0
        if size is not None and size.count >= TRUSTED and len(self._sizes) > 1:
            expected = slope * size.x + overhead * size.count
            ratio = max(0.0, size.y / expected) if expected > 0 else 1.0
        self._ratios[jobs] = ratio
        return ratio


def _line(sums: _Sums, slope_before: float | None) -> tuple[float, Seconds]:
    mean_x, mean_y = sums.x / sums.count, max(0.0, sums.y / sums.count)
    spread = sums.xx - sums.x * mean_x
    if spread <= (_SAME if slope_before is None else _ALIKE) * sums.xx:  # of one size: no slope to see
        slope = min(slope_before or 0.0, mean_y / mean_x if mean_x > 0 else 0.0)
        return slope, mean_y - slope * mean_x
    slope = max(0.0, (sums.xy - sums.x * mean_y) / spread)
    overhead = mean_y - slope * mean_x
    if overhead >= 0:
        return slope, overhead
    # Through the origin: a negative overhead would predict that small batches are free.
    return max(0.0, sums.xy / sums.xx), 0.0

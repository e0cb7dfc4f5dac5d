"""How many workers a stage needs: by the seconds of work that wait, not by the number of jobs."""

import math
from dataclasses import dataclass

from polytalk.types import Seconds


@dataclass(frozen=True)
class ScaleRule:
    """Bounds and the target of one stage."""

    minimum: int = 1
    maximum: int = 100
    drain: Seconds = 1.0
    """The backlog should be gone within this time."""
    target: float = 0.9
    """Utilisation to size for; the rest absorbs bursts."""
    patience: Seconds = 300.0
    """Workers are taken back only when fewer were enough for so long: starting one costs more than keeping it."""


def desired(rule: ScaleRule, load: float, backlog: Seconds) -> int:
    """Workers for a `load` (compute-seconds that arrive per second) and a `backlog` of compute-seconds that wait."""
    needed = load / rule.target + max(0.0, backlog) / rule.drain
    return min(rule.maximum, max(rule.minimum, math.ceil(needed - 1e-9)))


@dataclass
class Scaler:
    """Up at once, down after `patience`."""

    rule: ScaleRule
    workers: int
    _lower_since: Seconds | None = None
    _lower_peak: int = 0

    def decide(self, load: float, backlog: Seconds, now: Seconds) -> int:
        """The number of workers to have from now on."""
        wanted = desired(self.rule, load, backlog)
        if wanted >= self.workers:
            self.workers, self._lower_since = wanted, None
            return self.workers
        if self._lower_since is None:
            self._lower_since, self._lower_peak = now, wanted
        self._lower_peak = max(self._lower_peak, wanted)
        if now - self._lower_since >= self.rule.patience:
            self.workers, self._lower_since = self._lower_peak, None
        return self.workers

"""Random moments."""

import random
from collections.abc import Callable

from polytalk.types import Seconds


def poisson(rate: Callable[[Seconds], float], most: float, until: Seconds, chance: random.Random) -> list[Seconds]:
    """Moments of a Poisson process whose rate is never above `most` (by thinning: Lewis and Shedler, 1979)."""
    moments, moment = [], 0.0
    while (moment := moment + chance.expovariate(most)) < until:
        if chance.random() * most < rate(moment):
            moments.append(moment)
    return moments

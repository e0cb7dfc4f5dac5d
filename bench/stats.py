"""Summaries of measured times."""

from collections.abc import Iterable

import numpy as np

from polytalk.types import Seconds


def percentile_ms(values: Iterable[Seconds], percent: float) -> float | None:
    """Milliseconds; None of nothing."""
    found = list(values)
    return round(float(np.percentile(found, percent)) * 1000, 1) if found else None


def summary(values: Iterable[Seconds]) -> dict[str, float | int | None]:
    """n, p50, p95 and max, in milliseconds."""
    found = list(values)
    return {"n": len(found)} | {
        name: percentile_ms(found, percent) for name, percent in (("p50 ms", 50), ("p95 ms", 95), ("max ms", 100))
    }

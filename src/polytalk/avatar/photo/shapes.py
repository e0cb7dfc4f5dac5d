"""How lips move: for each term, what the edges of the lips and the chin do, in widths of the mouth at rest.

t runs over the mouth from -1 (left corner) to 1, s = sqrt(1 - t²). Upper and lower lip share every horizontal movement,
and each term that parts them has a product with `press` that takes the parting back, so that

    gap = (1 - press) * (jaw * ((1 - round) * WIDE_OPEN + round * ROUND_OPEN) + round * ... + upper * ... + ...) >= 0

and lips neither cross nor fail to seal, under any parameters.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]


class Shape(NamedTuple):
    """One term: displacements [C] at C places along the lips, + is right and down."""

    across: Curve
    """Of everything at this place: horizontal."""
    upper_outer: Curve
    upper_inner: Curve
    lower_inner: Curve
    lower_outer: Curve
    chin: float
    """Down."""
    sealed: Curve
    """Where both inner edges are when `press` is 1."""


OPENING = ("jaw", "round", "jaw*round", "upper", "lower", "teeth")
"""Terms that part the lips."""


def shapes(t: Curve) -> dict[str, Shape]:
    """All terms, their products with `press` included."""
    s = np.sqrt(np.maximum(0.0, 1 - t * t))
    zero = np.zeros_like(t)
    open_wide = s**1.5
    open_round = np.maximum(0.0, 1 - (t / 0.6) ** 2) ** 1.1
    corner = 0.05 * (1 - s)
    all_: dict[str, Shape] = {
        "jaw": Shape(
            -0.035 * t,
            corner - 0.028 * open_wide,
            corner - 0.03 * open_wide,
            corner + 0.24 * open_wide,
            1.15 * corner + 0.222 * s**1.2,
            0.205,
            corner + 0.05 * open_wide,
        ),
        "round": Shape(
            -0.2 * t + 0.03 * t**3,
            -0.035 * s - 0.03 * open_round,
            -0.052 * open_round,
            0.042 * open_round,
            0.036 * s + 0.012 * open_round,
            0.008,
            zero,
        ),
        "jaw*round": Shape(
            0.01 * t,
            0.028 * open_wide - 0.04 * open_round,
            0.03 * open_wide - 0.05 * open_round,
            -0.24 * open_wide + 0.165 * open_round,
            -0.222 * s**1.2 + 0.175 * s**1.8,
            -0.04,
            -0.05 * open_wide + 0.04 * open_round,
        ),
        "wide": Shape(
            0.07 * t,
            0.014 * s - 0.012 * (1 - s),
            -0.012 * (1 - s),
            -0.012 * (1 - s),
            -0.022 * s - 0.012 * (1 - s),
            0.0,
            zero,
        ),
        "press": Shape(0.012 * t, 0.026 * s, zero, zero, -0.036 * s, -0.012, zero),
        "upper": Shape(zero, -0.05 * s, -0.045 * s**1.2, zero, zero, 0.0, zero),
        "lower": Shape(zero, -0.022 * s, -0.028 * s**1.1, 0.01 * s**1.1, -0.06 * s, -0.03, zero),
        "teeth": Shape(zero, -0.012 * s, -0.02 * s**1.2, 0.028 * s**1.2, 0.018 * s, 0.012, zero),
        "smile": Shape(
            0.06 * t,
            -0.055 * t * t + 0.012 * s,
            -0.055 * t * t + 0.006 * s,
            -0.055 * t * t + 0.006 * s,
            -0.055 * t * t - 0.004 * s,
            0.0,
            zero,
        ),
    }
    for name in OPENING:
        one = all_[name]
        all_[f"{name}*press"] = Shape(
            zero,
            0.6 * (one.sealed - one.upper_inner),
            one.sealed - one.upper_inner,
            one.sealed - one.lower_inner,
            0.9 * (one.sealed - one.lower_inner),
            0.0,
            zero,
        )
    return all_

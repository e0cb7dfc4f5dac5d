"""Hair in locks: the surface between two spines, and strands that run along them."""

from collections.abc import Sequence

import numpy as np

from polytalk.avatar.bundle import Layer, Paint
from tools.draw_avatars.geometry import Outline, Points, join, ribbon, smooth
from tools.draw_avatars.layers import layer

Spine = Sequence[tuple[float, float]]
Strand = tuple[float, float, float, float]
"""Where a strand lies between the spines (0..1), the shares of the length where it starts and ends, its width."""


def spline(spine: Spine, share: np.ndarray) -> Points:
    """Points at the shares 0..1 of a Catmull-Rom curve through the spine (by anchor number, not by length)."""
    array = np.array(spine, dtype=np.float64)
    padded = np.concatenate([2 * array[:1] - array[1:2], array, 2 * array[-1:] - array[-2:-1]])
    at = share * (len(array) - 1)
    i = np.clip(at.astype(int), 0, len(array) - 2)
    t = (at - i)[:, None]
    p0, p1, p2, p3 = (padded[i + k] for k in range(4))
    curve: Points = 0.5 * (
        2 * p1 + (p2 - p0) * t + (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    )
    return curve


def lock(outer: Spine, inner: Spine) -> Outline:
    """The closed surface between two spines that start and end near each other."""
    return smooth([*outer, *reversed(inner)], corners=(0, len(outer) - 1, len(outer), len(outer) + len(inner) - 1))


def strands(outer: Spine, inner: Spine, which: Sequence[Strand], samples: int = 7) -> Outline:
    """Tapered strands between the spines, as one path."""
    hairs = []
    for share, start, end, width in which:
        along = np.linspace(start, end, samples)
        spine = spline(outer, along) * (1 - share) + spline(inner, along) * share
        hairs.append(ribbon(spine, width))
    return join(hairs)


def dressed_lock(
    name: str,
    outer: Spine,
    inner: Spine,
    fill: Paint,
    tones: Sequence[tuple[str, float, Sequence[Strand]]],
    *,
    depth: float = 1.0,
) -> list[Layer]:
    """A lock and, over it, one layer of strands for each (colour, opacity, strands) in `tones`."""
    return [
        layer(name, lock(outer, inner), fill, depth=depth),
        *(
            layer(f"{name}_tone{i}", strands(outer, inner, which), color, opacity=opacity, clip=name, depth=depth)
            for i, (color, opacity, which) in enumerate(tones)
        ),
    ]

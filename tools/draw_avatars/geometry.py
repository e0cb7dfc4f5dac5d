"""Smooth curves through points. Every outline is linear in its points, so a delta is the outline of a displacement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from numpy.typing import ArrayLike, NDArray

Points = NDArray[np.float64]
"""[n, 2], x to the right and y down, in pixels."""
Values = NDArray[np.float64]
"""[n]."""
Field = Callable[[Points], Points]
"""A displacement [n, 2] for each of [n, 2] points."""
CENTRE = 256.0
"""The x of the face's axis."""


def points(*pairs: tuple[float, float]) -> Points:
    """Pairs as an array."""
    return np.array(pairs, dtype=np.float64)


def move(dx: Values | float, dy: Values | float) -> Points:
    """A displacement from its two components."""
    return np.stack(np.broadcast_arrays(np.asarray(dx, float), np.asarray(dy, float)), axis=-1)


def mirror(outline: ArrayLike) -> Points:
    """The other side of the face."""
    array = np.array(outline, dtype=np.float64)
    array[:, 0] = 2 * CENTRE - array[:, 0]
    return array


def symmetric(right_half: Sequence[tuple[float, float]]) -> Points:
    """A closed outline from its half with x >= CENTRE, listed from top to bottom; ends on the axis are not doubled."""
    half = points(*right_half)
    inner = half[np.abs(half[:, 0] - CENTRE) > 0.01]
    return np.concatenate([half, mirror(inner)[::-1]])


@dataclass(frozen=True)
class Outline:
    """A path through `anchors`: its commands, and the weights [k, n] that make its k control points of n anchors."""

    anchors: Points
    ops: str
    weights: NDArray[np.float64]

    def coordinates(self, displacement: Points | None = None) -> Points:
        """Control points [k, 2] of the path, or of a displacement of its anchors."""
        return self.weights @ (self.anchors if displacement is None else displacement)

    def __add__(self, other: "Outline") -> "Outline":
        """Both paths, one after the other, as one."""
        rows, columns = self.weights.shape
        weights = np.zeros((rows + other.weights.shape[0], columns + other.weights.shape[1]))
        weights[:rows, :columns] = self.weights
        weights[rows:, columns:] = other.weights
        return Outline(np.concatenate([self.anchors, other.anchors]), self.ops + other.ops, weights)


def join(outlines: Sequence[Outline]) -> Outline:
    """Several paths as one."""
    return reduce(Outline.__add__, outlines)


def smooth(anchors: ArrayLike, *, closed: bool = True, corners: Sequence[int] = (), tension: float = 1.0) -> Outline:
    """A Catmull-Rom spline through the anchors as cubic Beziers; at `corners` both sides end straight."""
    array = np.array(anchors, dtype=np.float64)
    n = len(array)
    sharp = {corner % n for corner in corners} | (set() if closed else {0, n - 1})
    identity = np.eye(n)
    tangent = np.zeros((n, n))
    for i in range(n):
        if i not in sharp:
            tangent[i] = (identity[(i + 1) % n] - identity[(i - 1) % n]) * (tension / 6)
    rows = [identity[0]]
    for i in range(n if closed else n - 1):
        j = (i + 1) % n
        third = (identity[j] - identity[i]) / 3
        out = third * tension if i in sharp else tangent[i]
        into = third * tension if j in sharp else tangent[j]
        rows += [identity[i] + out, identity[j] - into, identity[j]]
    segments = (len(rows) - 1) // 3
    return Outline(array, "M" + "C" * segments + ("Z" if closed else ""), np.array(rows))


def ellipse(x: float, y: float, rx: float, ry: float) -> Outline:
    """An ellipse of eight anchors."""
    angle = np.arange(8) * np.pi / 4
    # Catmull-Rom through a circle's octagon bulges in; this tension gives the arc its right handles.
    return smooth(np.stack([x + rx * np.cos(angle), y + ry * np.sin(angle)], axis=1), tension=1.125)


def ribbon(spine: ArrayLike, width: float, *, widest: float = 0.5, tip: float = 0.0) -> Outline:
    """A strand: a curve through the spine, as wide as `width` at the share `widest` of its length, with pointed ends.

    `tip` is the share of the width left at both ends.
    """
    line = np.array(spine, dtype=np.float64)
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    share = length / length[-1]
    power = np.log(0.5) / np.log(widest)
    half = width / 2 * (tip + (1 - tip) * np.sin(np.pi * share**power))
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1) / np.maximum(np.hypot(*along.T), 1e-9)[:, None]
    left, right = line + across * half[:, None], line - across * half[:, None]
    if tip == 0.0:
        return smooth(np.concatenate([left, right[-2:0:-1]]), corners=(0, len(line) - 1))
    return smooth(np.concatenate([left, right[::-1]]), corners=(0, len(line) - 1, len(line), 2 * len(line) - 1))


def polyline(anchors: ArrayLike, *, closed: bool = True) -> Outline:
    """Straight lines through the anchors."""
    array = np.array(anchors, dtype=np.float64)
    return Outline(array, "M" + "L" * (len(array) - 1) + ("Z" if closed else ""), np.eye(len(array)))

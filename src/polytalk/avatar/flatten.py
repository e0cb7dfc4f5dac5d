"""Curves to polylines, as a linear map of the control points, so that deltas can be flattened once and for all."""

import math

import numpy as np

from polytalk.avatar.bundle import POINT_NUMBERS, Layer
from polytalk.avatar.rig import Floats

_DEGREE = {"L": 1, "Q": 2, "C": 3}


def flatten(layer: Layer, tolerance: float = 0.1) -> tuple[Floats, list[tuple[int, int, bool]]]:
    """A layer's outline as polylines.

    Returns rows [1 + terms, 2 * n] (points, then each delta, x y interleaved) and the subpaths as
    (first point, end point, closed). `tolerance` in pixels bounds the error for the undeformed path and each
    delta applied in full.
    """
    rows = np.array([layer.points, *layer.deltas.values()], dtype=np.float64).reshape(1 + len(layer.deltas), -1, 2)
    poses = np.concatenate([rows[:1], rows[:1] + rows[1:]])
    pieces: list[Floats] = []
    subpaths: list[tuple[int, int, bool]] = []
    at, count, start = 0, 0, 0
    for op in layer.ops:
        if op == "M":
            if count > start:
                subpaths.append((start, count, False))
            start = count
            pieces.append(rows[:, at : at + 1])
        elif op == "Z":
            subpaths.append((start, count, True))
            start = count
            continue
        else:
            span = slice(at - 1, at + _DEGREE[op])
            steps = _steps(poses[:, span], tolerance)
            pieces.append(np.einsum("sk,rkc->rsc", _bernstein(_DEGREE[op], steps), rows[:, span]))
        at += POINT_NUMBERS[op] // 2
        count += pieces[-1].shape[1]
    if count > start:
        subpaths.append((start, count, False))
    return np.concatenate(pieces, axis=1).reshape(len(rows), -1), subpaths


def _steps(poses: Floats, tolerance: float) -> int:
    """Segments that keep a Bezier of degree n within tolerance: sqrt(n (n-1) / 8 * |second difference| / tol)."""
    degree = poses.shape[1] - 1
    if degree == 1:
        return 1
    bend = float(np.abs(np.diff(poses, n=2, axis=1)).max())
    return max(1, math.ceil(math.sqrt(degree * (degree - 1) / 8 * bend / tolerance)))


def _bernstein(degree: int, steps: int) -> Floats:
    """Weights [steps, degree + 1] of the control points at t = 1/steps ... 1."""
    t = np.arange(1, steps + 1)[:, None] / steps
    k = np.arange(degree + 1)
    choose = np.array([math.comb(degree, int(i)) for i in k])
    weights: Floats = choose * t**k * (1 - t) ** (degree - k)
    return weights

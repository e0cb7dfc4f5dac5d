"""From a photograph to an avatar's picture: upright, square, the face in the upper middle."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from polytalk.avatar.points import CHIN, FOREHEAD, roll

SIDE = 1024
"""Largest side of an avatar's picture, in pixels."""
SPAN = 2.3
"""Side of the square, in heights of the face (forehead to chin): head and shoulders."""
LEAST_SPAN = 1.5
"""Closer than this the hair is cut off, so pixels of the border are repeated outside the photograph instead."""
LEVEL = 0.46
"""Where the middle of the face lies in the square, from its top."""
MARGIN = np.array([0.45, 0.55])
"""Heights of the face between its middle and the square's sides, across and along, at least: it is taller than wide."""
STRAIGHT = 1.0
"""Degrees of roll that are left alone, since every rotation costs some sharpness."""

Points = NDArray[np.float32]


def frame(rgb: NDArray[np.uint8], points: Points) -> tuple[NDArray[np.uint8], Points]:
    """The square around the face, the head's roll taken back: [S, S, 3] with S even, and its landmarks.

    Never larger than the photograph's own resolution. The square is as wide as the photograph allows.
    """
    angle = roll(points)
    angle = 0.0 if abs(angle) < STRAIGHT else angle
    turn = _rotation(np.radians(angle))
    middle = (points[FOREHEAD, :2].astype(np.float64) + points[CHIN, :2]) / 2
    tall = float(np.linalg.norm(points[CHIN, :2] - points[FOREHEAD, :2]))
    start, span = _square(rgb.shape[1::-1], middle, tall, turn)
    side = int(min(SIDE, span)) // 2 * 2
    image, before = _padded(rgb, start, turn, span)
    native = max(side, round(span))
    # A pixel (u, v) of the square lies at start + turn @ (u, v) * step in the photograph.
    matrix, origin = turn * (span / native), start + before
    affine = (*matrix[0], origin[0], *matrix[1], origin[1])
    square = image.transform((native, native), Image.Transform.AFFINE, affine, Image.Resampling.BICUBIC)
    if native > side:  # a filter as wide as the step, which the transform does not have
        square = square.resize((side, side), Image.Resampling.LANCZOS)
    moved = points.copy()
    moved[:, :2] = (points[:, :2] - start) @ turn * (side / span)
    moved[:, 2] *= side / span
    return np.ascontiguousarray(np.asarray(square, dtype=np.uint8)), moved


def _square(
    size: tuple[int, int], middle: NDArray[np.float64], tall: float, turn: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """Corner and side of the largest square up to `SPAN` that lies in the picture; of `LEAST_SPAN` in any case."""
    for span in np.arange(SPAN, LEAST_SPAN - 0.01, -0.05) * tall:
        corner = middle - turn @ np.array([span / 2, span * LEVEL])
        corner = corner + _push(corner, span, turn, size)
        if not np.any(_push(corner, span, turn, size)) and _holds(corner, span, turn, middle, tall):
            return corner, float(span)
    span = LEAST_SPAN * tall
    return middle - turn @ np.array([span / 2, span * LEVEL]), span


def _holds(
    corner: NDArray[np.float64], span: float, turn: NDArray[np.float64], middle: NDArray[np.float64], tall: float
) -> bool:
    """Whether the face is still inside a square that was moved."""
    at = (middle - corner) @ turn
    return bool(np.all(at >= MARGIN * tall) and np.all(at <= span - MARGIN * tall))


def _push(
    corner: NDArray[np.float64], span: float, turn: NDArray[np.float64], size: tuple[int, int]
) -> NDArray[np.float64]:
    """How far the square must be moved to lie in the picture; moving may push it out on the other side."""
    corners = corner + np.array([(0, 0), (span, 0), (0, span), (span, span)]) @ turn.T
    low, high = corners.min(axis=0), corners.max(axis=0)
    push: NDArray[np.float64] = np.maximum(0.0, -low) + np.minimum(0.0, np.array(size) - high)
    return np.where(np.abs(push) < 0.5, 0.0, push)


def _padded(
    rgb: NDArray[np.uint8], start: NDArray[np.float64], turn: NDArray[np.float64], span: float
) -> tuple[Image.Image, NDArray[np.float64]]:
    """The photograph with its border repeated as far as the square goes beyond it, and where its corner is then."""
    corners = start + np.array([(0, 0), (span, 0), (0, span), (span, span)]) @ turn.T
    size = np.array(rgb.shape[1::-1])
    before = np.maximum(0, np.ceil(-corners.min(axis=0))).astype(int) + 2
    after = np.maximum(0, np.ceil(corners.max(axis=0) - size)).astype(int) + 2
    padded = np.pad(rgb, ((before[1], after[1]), (before[0], after[0]), (0, 0)), mode="edge")
    return Image.fromarray(padded), before.astype(np.float64)


def _rotation(angle: float) -> NDArray[np.float64]:
    return np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])

"""Where the lips part in the photograph: the darkest line from corner to corner."""

import cv2
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.anatomy import LOWER_INNER, UPPER_INNER, Frame, arc, luminance, smooth
from polytalk.avatar.photo.face import Floats, Picture

PARTED = 0.03
"""Gap over width from which the photograph shows an open mouth, as `checks.GAP` warns; shut lips have 0.01 at most."""
_REACH = 0.05
"""How far from the landmarks' middle the line is looked for, in widths."""
_STEPS = 41
_INTO = 0.006
"""How far into the lip the edge of an open mouth is put: any of the photograph's teeth would show in every seal."""


def lip_lines(
    rgb: Picture, points: Floats, frame: Frame, angles: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Edges of the upper and of the lower lip, [A, 2] in the mouth's frame: the same line when the mouth is shut."""
    upper = arc(frame.local(points[list(UPPER_INNER), :2]), angles)
    lower = arc(frame.local(points[list(LOWER_INNER), :2]), angles)
    if float(lower[len(lower) // 2, 1] - upper[len(upper) // 2, 1]) > PARTED:
        return _edge(rgb, upper, frame, inward=1), _edge(rgb, lower, frame, inward=-1)
    dense = np.linspace(0, np.pi, 121)
    middle = (
        arc(frame.local(points[list(UPPER_INNER), :2]), dense) + arc(frame.local(points[list(LOWER_INNER), :2]), dense)
    ) / 2
    offsets = np.linspace(-_REACH, _REACH, _STEPS)
    grid = np.repeat(middle[:, None], _STEPS, axis=1)
    grid[..., 1] += offsets
    where = frame.pixels(grid).astype(np.float32)
    light = cv2.GaussianBlur(luminance(rgb), (0, 0), max(0.6, frame.width / 120))
    seen = cv2.remap(light, where[..., 0] - 0.5, where[..., 1] - 0.5, cv2.INTER_LINEAR)
    contrast = (seen - seen.min(axis=1, keepdims=True)) / max(12.0, float(np.ptp(seen, axis=1).mean()))
    cost = contrast + 0.35 * (offsets / _REACH) ** 2 / np.maximum(0.15, np.sin(dense))[:, None]
    path = _cheapest(cost.astype(np.float64))
    line = middle.copy()
    line[:, 1] += smooth(offsets[path], 4) * np.minimum(1.0, 4 * np.sin(dense))
    found = np.stack([np.interp(angles, dense, line[:, 0]), np.interp(angles, dense, line[:, 1])], axis=-1)
    return found, found


def _edge(rgb: Picture, near: NDArray[np.float64], frame: Frame, inward: int) -> NDArray[np.float64]:
    """The lip's edge about `near`, [A, 2]: where red turns into teeth or dark. `inward`: 1 if the opening is below."""
    offsets = np.linspace(-_REACH, _REACH, _STEPS)
    dense = np.linspace(0, 1, 121)
    own = np.linspace(0, 1, len(near))
    line = np.stack([np.interp(dense, own, near[:, axis]) for axis in (0, 1)], axis=-1)
    grid = np.repeat(line[:, None], _STEPS, axis=1)
    grid[..., 1] += offsets
    where = frame.pixels(grid).astype(np.float32)
    redness = rgb[..., 0].astype(np.float32) - rgb[..., 1]
    red = cv2.GaussianBlur(redness, (0, 0), max(0.6, frame.width / 160))
    seen = cv2.remap(red, where[..., 0] - 0.5, where[..., 1] - 0.5, cv2.INTER_LINEAR)
    fall = -inward * np.gradient(seen, axis=1)
    free = np.sin(np.pi * dense)  # the corners stay where landmarks see them
    cost = 0.6 * (offsets / _REACH) ** 2 / np.maximum(0.1, free)[:, None] - fall / max(
        1.0, float(fall.max(axis=1).mean())
    )
    path = _cheapest(cost.astype(np.float64))
    moved = (smooth(offsets[path], 4) - inward * _INTO) * np.minimum(1.0, 4 * free)
    result = near.copy()
    result[:, 1] += np.interp(own, dense, moved)
    return result


def _cheapest(cost: NDArray[np.float64]) -> NDArray[np.intp]:
    """A column for each row, at most one column aside from the row before: dynamic programming."""
    total = cost.copy()
    step = 0.15
    for row in range(1, len(cost)):
        before = np.pad(total[row - 1], 1, constant_values=np.inf)
        total[row] += np.minimum(before[1:-1], step + np.minimum(before[:-2], before[2:]))
    path = np.zeros(len(cost), np.intp)
    path[-1] = int(np.argmin(total[-1]))
    for row in range(len(cost) - 2, -1, -1):
        at = path[row + 1]
        low, high = max(0, at - 1), min(cost.shape[1], at + 2)
        path[row] = low + int(np.argmin(total[row, low:high] + step * (np.arange(low, high) != at)))
    return path

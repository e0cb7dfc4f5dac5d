"""The sheet of the whole picture, the fields that move it, and how far each place goes with the head.

A field gives displacements [P, 2] at any places of the portrait, so that sheets which overlap move alike.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.anatomy import BROWS, EYES, OVAL, Eye, Frame
from polytalk.avatar.photo.face import Floats, Sheet, Turn
from polytalk.avatar.photo.interior import grid

Array = NDArray[np.float64]
Field: TypeAlias = Callable[[Array], Array]
GAZE = (0.085, 0.06)
"""How far the iris goes at 1, in widths of the eye."""
BROW = 0.05
"""How far a brow rises, in distances of the eyes."""
BREATH = 0.012
"""How far the shoulders rise, in heights of the face."""
LINES = 60
"""Of the grid, each way."""


class Layout(NamedTuple):
    """Measures of the head, in pixels."""

    size: int
    middle: Array
    """Of the face."""
    tall: float
    """From forehead to chin."""
    eyes: float
    """Distance of the irises."""
    chin: float
    points: Floats

    @classmethod
    def of(cls, size: int, points: Floats) -> "Layout":
        """From the landmarks of a portrait of this size."""
        oval = points[list(OVAL), :2].astype(np.float64)
        return cls(
            size,
            (oval.min(0) + oval.max(0)) / 2,
            float(np.linalg.norm(points[10, :2] - points[152, :2])),
            float(np.linalg.norm(points[468, :2] - points[473, :2])),
            float(points[152, 1]),
            points,
        )


def turn_of(layout: Layout) -> Turn:
    """Small turns: a seventh of a radian, since a picture has no other side."""
    pivot = (float(layout.middle[0]), layout.chin + 0.25 * layout.tall)
    return Turn((0.02 * layout.tall, 0.016 * layout.tall), (0.12, 0.09), 3.2, pivot)


def share_and_depth(layout: Layout, places: Array) -> Floats:
    """[P, 2]: 1 in the head, falling to 0 at the picture's border; and the distance from the plane of the ears."""
    size, tall = layout.size, layout.tall
    away = (places - (layout.middle - [0, 0.1 * tall])) / tall
    # Long necks and hair follow a little; shoulders don't.
    reach = np.where(away[:, 1] < 0, 1.15, 1.05)
    distance = np.hypot(away[:, 0] / 1.12, away[:, 1] / reach)
    share = 1 - _step((distance - 0.5) / 0.62)
    border = np.minimum(np.minimum(places[:, 0], size - places[:, 0]), np.minimum(places[:, 1], size - places[:, 1]))
    share *= _step(border / (0.14 * size))
    oval = layout.points[list(OVAL)]
    ground = float(oval[:, 2].mean())
    known = layout.points[:468].astype(np.float64)
    # Mesh depths are noisy and a photograph tears at steep ones: broad averages of the nearest landmarks.
    reach_px = (0.07 * tall) ** 2
    depth = np.zeros(len(places))
    for start in range(0, len(places), 2048):
        part = slice(start, start + 2048)
        gap = ((places[part, None] - known[None, :, :2]) ** 2).sum(-1)
        weight = np.exp(-gap / (2 * reach_px)) + 1e-12
        held = np.exp(-gap.min(axis=1) / (2 * (0.16 * tall) ** 2))
        depth[part] = held * (weight @ (ground - known[:, 2])) / weight.sum(axis=1)
    return np.stack([share, depth * share], -1).astype(np.float32)


def fields(layout: Layout) -> dict[str, Field]:
    """Everything that moves smoothly and is not the mouth's."""
    points, eyes = layout.points, layout.eyes
    brows = [points[list(brow), :2].astype(np.float64) for brow in BROWS]
    lids = float(np.mean([points[list(eye.upper), 1].mean() for eye in EYES]))

    def raise_brows(places: Array) -> Array:
        move = np.zeros_like(places)
        for brow in brows:
            gap = places[:, None] - _dense(brow)
            near = np.exp(-((gap[..., 0] / (0.22 * eyes)) ** 2 + (gap[..., 1] / (0.3 * eyes)) ** 2)).max(axis=1)
            move[:, 1] = np.minimum(move[:, 1], -BROW * eyes * near)
        move[:, 1] *= _step((lids - 0.02 * eyes - places[:, 1]) / (0.2 * eyes))
        return move

    def breathe(places: Array) -> Array:
        below = _step((places[:, 1] - layout.chin) / (0.35 * layout.tall))
        move = np.zeros_like(places)
        move[:, 1] = -BREATH * layout.tall * below * _step((layout.size - places[:, 1]) / (0.1 * layout.size))
        return move

    def look(axis: int) -> Field:
        def field(places: Array) -> Array:
            return np.asarray(sum(_gaze(eye, points, places, axis) for eye in EYES))

        return field

    def cheeks(places: Array) -> Array:
        """A smile lifts the lower lids."""
        return np.asarray(sum(_lower_lid(eye, points, places, 0.05) for eye in EYES))

    def squeeze(places: Array) -> Array:
        return np.asarray(sum(_lower_lid(eye, points, places, 0.06) for eye in EYES))

    return {
        "brow": raise_brows,
        "breath": breathe,
        "gaze_x": look(0),
        "gaze_y": look(1),
        "smile": cheeks,
        "blink": squeeze,
    }


def base_sheet(layout: Layout, moves: dict[str, Field]) -> Sheet:
    """The whole picture as a grid whose lines are closer together around the eyes."""
    points, size = layout.points, layout.size
    near = points[[index for eye in EYES for index in (*eye.upper, *eye.lower)], :2]
    x = _lines(size, near[:, 0].min() - 0.1 * layout.eyes, near[:, 0].max() + 0.1 * layout.eyes, 0.62)
    y = _lines(size, near[:, 1].min() - 0.3 * layout.eyes, near[:, 1].max() + 0.15 * layout.eyes, 0.45)
    places = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    deltas = {term: field(places).astype(np.float32) for term, field in moves.items()}
    index = np.arange(len(places)).reshape(len(y), len(x))
    ones = np.ones(len(places), np.float32)
    flat = places.astype(np.float32)
    return Sheet("base", "portrait", flat, flat, ones, share_and_depth(layout, places), grid(index), deltas, {"": 1.0})


def eye_frame(eye: Eye, points: Floats) -> Frame:
    """From its left corner to its right one."""
    return Frame.of(points[eye.upper[0], :2], points[eye.upper[-1], :2])


def _gaze(eye: Eye, points: Floats, places: Array, axis: int) -> Array:
    frame = eye_frame(eye, points)
    local = frame.local(places)
    iris = frame.local(points[eye.iris[0], :2])
    upper, lower = frame.local(points[list(eye.upper), :2]), frame.local(points[list(eye.lower), :2])
    tall = max(0.12, float(lower[:, 1].max() - upper[:, 1].min()) / 2)
    middle = float(lower[:, 1].max() + upper[:, 1].min()) / 2
    distance = np.hypot((local[:, 0] - iris[0]) / 0.5, (local[:, 1] - middle) / (1.75 * tall))
    near = 1 - _step((distance - 0.45) / 0.55)
    move = np.zeros_like(places)
    move[:, axis] = GAZE[axis] * frame.width * near
    return move


def _lower_lid(eye: Eye, points: Floats, places: Array, height: float) -> Array:
    frame = eye_frame(eye, points)
    local = frame.local(places)
    lower = frame.local(points[list(eye.lower), :2])
    level = np.interp(local[:, 0], lower[:, 0], lower[:, 1])
    across = 1 - _step((np.abs(local[:, 0]) - 0.2) / 0.4)
    below = local[:, 1] - level
    down = np.exp(-((below / np.where(below < 0, 0.07, 0.3)) ** 2))
    move = np.zeros((len(places), 2))
    move[:, 1] = -height * across * down
    return frame.vector(move)


def _lines(size: int, low: float, high: float, share: float) -> Array:
    """`LINES` places from 0 to size, `share` of them between low and high."""
    inside = round(LINES * share)
    outside = LINES - inside
    before = max(2, round(outside * low / (low + size - high)))
    return np.concatenate(
        [
            np.linspace(0, low, before, endpoint=False),
            np.linspace(low, high, inside, endpoint=False),
            np.linspace(high, size, max(2, outside - before)),
        ]
    )


def _dense(curve: Array) -> Array:
    at = np.linspace(0, len(curve) - 1, 24)
    return np.stack([np.interp(at, np.arange(len(curve)), curve[:, axis]) for axis in (0, 1)], -1)


def _step(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    result: Array = x * x * (3 - 2 * x)
    return result

"""What the photograph tells of its light: how something white and something red would look in it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.anatomy import EYES, LOWER_INNER, LOWER_OUTER, UPPER_INNER, UPPER_OUTER, luminance
from polytalk.avatar.photo.face import Floats, Picture

Color = NDArray[np.float64]
"""[3] RGB in 0..255."""
TOOTH = np.array([1.0, 0.965, 0.9])
"""Tint of enamel under white light."""
NOSE_AND_CHEEKS = (50, 118, 6, 347, 280, 425, 2, 205)
"""A ring of skin over both cheeks."""
DIMMEST, BRIGHTEST = 205.0, 238.0
"""Luminance of teeth, whatever the picture says: they are seen as dirty below, as drawn above."""


class Light(NamedTuple):
    """Colours under the portrait's light."""

    teeth: Color
    flesh: Color
    """The inside of the mouth, fully lit."""
    lips: Color


def read_light(rgb: Picture, points: Floats) -> Light:
    """From the whites of the eyes and the lips; skin may lighten teeth where eyes are in shade, not darken them."""
    whites = []
    for eye in EYES:
        ring = points[[*eye.upper, *eye.lower[::-1]], :2]
        inside = _pixels(rgb, ring)
        if len(inside):
            light = luminance(inside[None])[0]
            whites.append(inside[light >= np.quantile(light, 0.8)])
    white = np.median(np.concatenate(whites), axis=0) if whites else np.array([200.0, 195.0, 190.0])
    skin = float(np.median(luminance(_pixels(rgb, points[list(NOSE_AND_CHEEKS), :2])[None])))
    level = float(np.clip(max(white @ (0.299, 0.587, 0.114) * 1.15, 1.1 * skin), DIMMEST, BRIGHTEST))
    tint = white / max(1.0, float(white.max()))
    teeth = TOOTH * (0.6 + 0.4 * tint)
    teeth = np.clip(teeth * level / (teeth @ (0.299, 0.587, 0.114)), 0, 245)
    outline = points[[*UPPER_OUTER, *LOWER_OUTER[::-1]], :2]
    red = _pixels(rgb, outline)
    lips = np.median(red, axis=0) if len(red) else np.array([160.0, 90.0, 85.0])
    flesh = 0.5 * lips + 0.5 * np.array([0.78, 0.36, 0.36]) * level
    return Light(teeth, flesh, lips)


def inner_width(points: Floats) -> float:
    """Of the lips' opening, pixels."""
    ends = points[[UPPER_INNER[0], LOWER_INNER[-1]], :2]
    return float(np.linalg.norm(ends[1] - ends[0]))


def _pixels(rgb: Picture, ring: Floats) -> NDArray[np.uint8]:
    """[P, 3] of those inside a polygon."""
    low = np.maximum(np.floor(ring.min(0)).astype(int), 0)
    high = np.minimum(np.ceil(ring.max(0)).astype(int) + 1, rgb.shape[1::-1])
    x, y = np.meshgrid(np.arange(low[0], high[0]) + 0.5, np.arange(low[1], high[1]) + 0.5)
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        if y1 != y2:
            inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    found: NDArray[np.uint8] = rgb[low[1] : high[1], low[0] : high[0]][inside]
    return found

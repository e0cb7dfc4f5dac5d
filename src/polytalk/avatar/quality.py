"""What the pixels of a face say: sharp or not, light or not, skin or paint, glasses, teeth. Pure.

Each figure was measured on eight photographs, sharp and blurred, with glasses drawn on, and on drawings; the bounds
in `checks.py` lie between them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from polytalk.avatar import points as at
from polytalk.avatar.points import Points

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def sharpness(rgb: Picture, points: Points) -> float:
    """Standard deviation of the Laplacian about the eyes, the face scaled to a width of 256 pixels."""
    luma = _luma(_part(rgb, points, at.EYES, 256))
    around = luma[1:-1, :-2] + luma[1:-1, 2:] + luma[:-2, 1:-1] + luma[2:, 1:-1]
    return float((around - 4 * luma[1:-1, 1:-1]).std())


def texture(rgb: Picture, points: Points) -> float:
    """Fine detail of the most textured of cheeks and forehead, in percent of its brightness."""
    return max(_detail(_part(rgb, points, spot, 512)) for spot in (at.LEFT_CHEEK, at.RIGHT_CHEEK, at.BARE_FOREHEAD))


def light(rgb: Picture, points: Points) -> float:
    """Brightness 0..255 of the face's lightest places: dark skin has them too, a dark picture has not."""
    return float(np.percentile(_luma(_part(rgb, points, (*at.LEFT_CHEEK, *at.RIGHT_CHEEK, at.FOREHEAD), 256)), 95))


def bridge(rgb: Picture, points: Points) -> float:
    """The sharpest edge down the bridge of the nose, over its brightness: what a pair of glasses rests on."""
    top, bottom = int(points[at.BROWS_MIDDLE, 1]), int(points[at.NOSE_BACK, 1])
    middle = (points[at.NOSE_ROOT, 0] + points[at.NOSE_BRIDGE, 0]) / 2
    half = max(2, int(0.03 * at.face_width(points)))
    column = _luma(rgb[max(0, top) : bottom, max(0, int(middle) - half) : int(middle) + half])
    if column.shape[0] < 4 or column.shape[1] < 2:
        return 0.0
    down = column.mean(axis=1)
    even = np.interp(np.linspace(0, len(down) - 1, 64), np.arange(len(down)), down)
    return float(np.abs(np.diff(even)).max() / max(30.0, float(even.mean())))


def teeth(rgb: Picture, points: Points) -> float:
    """Share of the mouth's opening that is light and no redder than the cheeks: teeth, and neither lip nor tongue."""
    outline = [(float(x), float(y)) for x, y in points[list(at.INNER_LIPS), :2]]
    mask = Image.new("1", (rgb.shape[1], rgb.shape[0]))
    ImageDraw.Draw(mask).polygon(outline, fill=1)
    inside = rgb[np.asarray(mask)].astype(np.float32)
    if len(inside) < 12:
        return 0.0
    skin = _part(rgb, points, (*at.LEFT_CHEEK, *at.RIGHT_CHEEK), 256).reshape(-1, 3).astype(np.float32)
    pale = _redness(inside) < 1.1 * np.median(_redness(skin))
    return float((pale & (inside @ _LUMA > 0.4 * np.median(skin @ _LUMA))).mean())


def _redness(pixels: Floats) -> Floats:
    red, green = pixels[:, 0], pixels[:, 1]
    redness: Floats = ((red - green) / np.maximum(red, 1)).astype(np.float32)
    return redness


def _detail(part: Picture) -> float:
    luma = Image.fromarray(_luma(part).clip(0, 255).astype(np.uint8))
    fine = np.asarray(luma, np.float32) - np.asarray(luma.filter(ImageFilter.GaussianBlur(3)), np.float32)
    fine = fine[3:-3, 3:-3]
    return 100 * float(np.median(np.abs(fine))) / max(20.0, float(_luma(part).mean())) if fine.size else 0.0


def _part(rgb: Picture, points: Points, spot: Sequence[int], width: int) -> Picture:
    """The box around landmarks, scaled down as if the face were at most `width` pixels wide."""
    low, high = points[list(spot), :2].min(axis=0), points[list(spot), :2].max(axis=0)
    box = (int(low[0]), int(low[1]), max(int(high[0]), int(low[0]) + 8), max(int(high[1]), int(low[1]) + 8))
    part = Image.fromarray(rgb).crop(box)
    scale = min(1.0, width / max(1.0, at.face_width(points)))
    size = (max(8, int(part.width * scale)), max(8, int(part.height * scale)))
    return np.asarray(part.resize(size, Image.Resampling.LANCZOS))


def _luma(rgb: Picture) -> Floats:
    luma: Floats = rgb.astype(np.float32) @ _LUMA
    return luma

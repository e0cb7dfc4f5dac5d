"""What the pixels of a face say: sharp or not, light or not, skin or paint, glasses, teeth, what is covered. Pure.

Each figure was measured on eight photographs, sharp and blurred, with glasses, masks, hands, hair and shadows drawn on,
and on drawings; the bounds in `checks.py` lie between them.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from polytalk.avatar import points as at
from polytalk.avatar.points import Points

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]
Floats64 = NDArray[np.float64]
WHITE = 250
"""Of 255: what is lighter in all colours has no shape left."""
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


def rims(rgb: Picture, points: Points) -> float:
    """The line that runs below both eyes, over the brightness there: the rims of glasses. The fainter of the two."""
    step = 3
    found: list[float] = []
    for left, right in (at.LEFT_EYE, at.RIGHT_EYE[::-1]):
        seen = _seen(rgb, points, (left, right), np.linspace(-0.4, 0.4, 25), np.linspace(0.3, 1.15, 70), 0.012)
        seen = seen / max(20.0, float(np.median(seen)))
        line = np.abs(seen[: -2 * step] - 2 * seen[step:-step] + seen[2 * step :])
        found.append(float(np.quantile(line.max(axis=0), 0.3)))  # it goes on across most of the eye
    return min(found)


def eyes_alike(rgb: Picture, points: Points) -> float:
    """Correlation of one eye with the other's mirror image: two eyes are alike, and what covers one or both is not."""
    u, v = np.linspace(-0.6, 0.6, 36), np.linspace(-0.4, 0.4, 24)
    left, right = (
        _seen(rgb, points, pair, u, v, 0.02) for pair in ((at.LEFT_EYE[0], at.LEFT_EYE[1]), at.RIGHT_EYE[::-1])
    )
    if min(left.std(), right.std()) < 1.0:
        return 0.0  # one flat colour is no eye
    return float(np.corrcoef(left.ravel(), right[:, ::-1].ravel())[0, 1])


def lips_red(rgb: Picture, points: Points) -> float:
    """How far the lips' colour is from that of the skin around them, brightness aside: 0 is the same."""
    outline = points[list(at.OUTER_LIPS), :2]
    lips, outer, inner = (_inside(rgb, outline, scale) for scale in (0.9, 1.6, 1.25))
    around = outer & ~inner
    if min(lips.sum(), around.sum()) < 12:
        return 0.0
    one, other = (_chroma(rgb[where].astype(np.float32)) for where in (lips, around))
    return float(np.linalg.norm(one - other))


def lips_line(rgb: Picture, points: Points) -> float:
    """How much darker than the lips the line between them is, along most of the mouth."""
    seen = _seen(rgb, points, (78, 308), np.linspace(-0.4, 0.4, 25), np.linspace(-0.3, 0.3, 61), 0.01)
    return float(np.quantile(1 - seen.min(axis=0) / np.maximum(20.0, np.median(seen, axis=0)), 0.3))


def unevenness(rgb: Picture, points: Points) -> float:
    """Brightness of the lighter cheek over the darker one's."""
    left, right = (float(np.median(_luma(_part(rgb, points, spot, 256)))) for spot in (at.LEFT_CHEEK, at.RIGHT_CHEEK))
    return max(left, right) / max(1.0, min(left, right))


def burnt(rgb: Picture, points: Points) -> float:
    """Share of the face that is plain white: light that the camera could not hold."""
    face = _part(rgb, points, (at.FOREHEAD, at.CHIN, at.LEFT_SIDE, at.RIGHT_SIDE), 256)
    return float((face.min(axis=-1) >= WHITE).mean())


def teeth(rgb: Picture, points: Points) -> float:
    """Share of the mouth's opening that is light and no redder than the cheeks: teeth, and neither lip nor tongue."""
    inside = rgb[_inside(rgb, points[list(at.INNER_LIPS), :2])].astype(np.float32)
    if len(inside) < 12:
        return 0.0
    skin = _part(rgb, points, (*at.LEFT_CHEEK, *at.RIGHT_CHEEK), 256).reshape(-1, 3).astype(np.float32)
    pale = _redness(inside) < 1.1 * np.median(_redness(skin))
    return float((pale & (inside @ _LUMA > 0.4 * np.median(skin @ _LUMA))).mean())


def _inside(rgb: Picture, outline: Points, scale: float = 1.0) -> NDArray[np.bool_]:
    """[H, W] true inside a polygon [K, 2], scaled about its middle."""
    middle = outline.mean(axis=0)
    mask = Image.new("1", (rgb.shape[1], rgb.shape[0]))
    ImageDraw.Draw(mask).polygon([(float(x), float(y)) for x, y in middle + scale * (outline - middle)], fill=1)
    return np.asarray(mask)


def _seen(
    rgb: Picture, points: Points, ends: tuple[int, int], across: Floats64, down: Floats64, blur: float
) -> NDArray[np.float64]:
    """[V, U] brightness at places about the middle of two landmarks, left one first, in units of their distance."""
    left, right = points[ends[0], :2].astype(np.float64), points[ends[1], :2].astype(np.float64)
    along = right - left
    below = np.array([-along[1], along[0]])
    places = (left + right) / 2 + across[None, :, None] * along + down[:, None, None] * below
    low = np.maximum(np.floor(places.min(axis=(0, 1))).astype(int) - 8, 0)
    high = np.ceil(places.max(axis=(0, 1))).astype(int) + 8
    part = rgb[low[1] : high[1], low[0] : high[0]]
    if not part.size:
        return np.zeros((len(down), len(across)))
    radius = max(0.6, blur * float(np.hypot(*along)))
    luma = _luma(np.asarray(Image.fromarray(part).filter(ImageFilter.GaussianBlur(radius))))
    x = np.clip(np.rint(places[..., 0] - low[0]).astype(int), 0, luma.shape[1] - 1)
    y = np.clip(np.rint(places[..., 1] - low[1]).astype(int), 0, luma.shape[0] - 1)
    seen: NDArray[np.float64] = luma[y, x].astype(np.float64)
    return seen


def _chroma(pixels: Floats) -> Floats:
    """[2] the median differences red - green and green - blue, over the brightness."""
    differences = np.stack([pixels[:, 0] - pixels[:, 1], pixels[:, 1] - pixels[:, 2]], axis=-1)
    chroma: Floats = np.median(differences / np.maximum(20.0, pixels @ _LUMA)[:, None], axis=0).astype(np.float32)
    return chroma


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

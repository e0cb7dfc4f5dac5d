"""The reference: what a face looks like under given parameters, drawn triangle by triangle in numpy.

q = vertex + sum over terms of value(term) * delta
p = q + share * (head_x, head_y) * shift + depth * (head_x, head_y) * parallax + share * (R(head_roll) - 1)(q - pivot)
"""

from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.face import Floats, PhotoFace, Picture, Sheet, term_of
from polytalk.avatar.photo.lookup import look_up
from polytalk.avatar.terms import Factor, Term

Box = tuple[int, int, int, int]
"""left, top, right, bottom in pixels of the portrait."""
_HEAD = tuple(Factor(name, "") for name in ("head_x", "head_y", "head_roll"))


@cache
def _term(text: str) -> Term:
    return term_of(text)


def evaluate(face: PhotoFace, sheet: Sheet, parameters: Mapping[str, float]) -> Floats:
    """Where the sheet's vertices are, [V, 2] pixels of the portrait."""
    q = sheet.vertices.copy()
    for text, delta in sheet.deltas.items():
        value = _term(text).value(parameters)
        if value:
            q += np.float32(value) * delta
    return turned(face, q, sheet.head, parameters)


def turned(face: PhotoFace, q: Floats, head: Floats, parameters: Mapping[str, float]) -> Floats:
    """Apply the head's motion to points [V, 2] with shares and depths [V, 2]."""
    x, y, roll = (factor.value(parameters) for factor in _HEAD)
    if not (x or y or roll):
        return q
    share, depth = head[:, :1], head[:, 1:]
    go = np.array([x, y], np.float32)
    angle = np.radians(face.turn.roll * roll)
    turn = np.array([[np.cos(angle) - 1, -np.sin(angle)], [np.sin(angle), np.cos(angle) - 1]], np.float32)
    arm = q - np.array(face.turn.pivot, np.float32)
    moved: Floats = (
        q
        + share * (go * np.array(face.turn.shift, np.float32))
        + depth * (go * np.array(face.turn.parallax, np.float32))
        + share * (arm @ turn.T)
    )
    return moved


def opacity(sheet: Sheet, parameters: Mapping[str, float]) -> float:
    """Of the whole sheet, 0..1."""
    return min(1.0, max(0.0, sum(_term(text).value(parameters) * gain for text, gain in sheet.opacity.items())))


def interpolate(points: Floats, triangles: NDArray[np.uint16], values: Floats, box: Box, scale: float = 1.0) -> Floats:
    """Values [V, C] of the vertices spread over the pixels of the box, [H, W, C]; NaN where no triangle is.

    `scale` is output pixels for each pixel of the portrait. Later triangles cover earlier ones.
    """
    left, top = box[0] * scale + 0.5, box[1] * scale + 0.5
    width, height = round((box[2] - box[0]) * scale), round((box[3] - box[1]) * scale)
    out = np.full((height * width, values.shape[1]), np.nan, np.float32)
    corner = points[triangles].astype(np.float64) * scale - (left, top)  # [T, 3, 2], pixel centres at whole numbers
    ends_x, ends_y = np.ascontiguousarray(corner[..., 0].T), np.ascontiguousarray(corner[..., 1].T)
    ux, vx = ends_x[1] - ends_x[0], ends_x[2] - ends_x[0]
    uy, vy = ends_y[1] - ends_y[0], ends_y[2] - ends_y[0]
    area = ux * vy - uy * vx
    first = np.ceil(np.clip(ends_y.min(0), 0, height)).astype(int)
    last = np.floor(np.clip(ends_y.max(0), -1, height - 1)).astype(int)
    near = (ends_x.min(0) < width) & (ends_x.max(0) > -1) & (np.abs(area) > 1e-9)
    rows, row = _runs(np.where(near, np.maximum(last - first + 1, 0), 0))
    y = first[rows] + row
    # Barycentric shares are linear in the pixel's place: 1, 0, 0 at the first corner.
    slope = np.stack([uy - vy, vy, -uy])[:, rows] / area[rows]
    down = np.stack([vx - ux, -vx, ux])[:, rows] / area[rows]
    at_zero = down * (y - ends_y[0, rows]) - slope * ends_x[0, rows]
    at_zero[0] += 1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        cross = (-1e-6 - at_zero) / slope
    low = np.where(slope > 0, cross, -np.inf).max(0)
    high = np.where(slope < 0, cross, np.inf).min(0)
    outside = ((slope == 0) & (at_zero < -1e-6)).any(0)
    start = np.ceil(np.clip(low, 0, width)).astype(int)
    count = np.where(outside, 0, np.floor(np.clip(high, -1, width - 1)).astype(int) + 1 - start)
    spans, step = _runs(np.maximum(count, 0))
    at = triangles[rows].astype(int)
    begin, ahead = np.zeros((2, len(rows), values.shape[1]), np.float64)
    for number, share in enumerate(at_zero + slope * start):
        value = values[at[:, number]]
        begin += share[:, None] * value
        ahead += slope[number][:, None] * value
    begin32, ahead32 = begin.astype(np.float32), ahead.astype(np.float32)
    out[(y * width + start)[spans] + step] = begin32[spans] + ahead32[spans] * step[:, None].astype(np.float32)
    return out.reshape(height, width, -1)


def _runs(counts: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """For runs of these lengths, one after another: each element's run, and its place in it."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


class Pen:
    """Draws one face again and again."""

    def __init__(self, face: PhotoFace) -> None:
        """Prepares the textures."""
        self._face = face
        self._parts = face.parts.astype(np.float32)
        self._parts[..., :3] *= self._parts[..., 3:] / 255

    def draw(self, parameters: Mapping[str, float], box: Box | None = None, on: Picture | None = None) -> Picture:
        """[H, W, 3] RGB of the box (of everything without one). `on` is a picture of it instead of the sheet "base"."""
        face = self._face
        box = box or (0, 0, face.size, face.size)
        canvas = np.zeros((box[3] - box[1], box[2] - box[0], 3), np.float32) if on is None else on.astype(np.float32)
        for sheet in face.sheets:
            strength = opacity(sheet, parameters)
            if strength <= 0 or (on is not None and sheet.name == "base"):
                continue
            points = evaluate(face, sheet, parameters)
            part = _overlap(points, box)
            if part[0] >= part[2] or part[1] >= part[3]:
                continue
            attributes = np.concatenate([sheet.uv - np.float32(0.5), sheet.alpha[:, None]], axis=1)
            where = interpolate(points, sheet.triangles, attributes, part)
            np.nan_to_num(where, copy=False)
            weight = where[..., 2:] * np.float32(strength)
            places = np.ascontiguousarray(where[..., :2])
            under = canvas[part[1] - box[1] : part[3] - box[1], part[0] - box[0] : part[2] - box[0]]
            if sheet.texture == "parts":
                found = look_up(self._parts, places)
                under *= 1 - found[..., 3:] / 255 * weight
                under += found[..., :3] * weight
            else:
                under += (look_up(face.portrait, places) - under) * weight
        return np.clip(np.rint(canvas), 0, 255).astype(np.uint8)


def draw(face: PhotoFace, parameters: Mapping[str, float], box: Box | None = None) -> Picture:
    """[H, W, 3] RGB of the box, or of everything."""
    return Pen(face).draw(parameters, box)


def _overlap(points: Floats, box: Box) -> Box:
    low, high = np.floor(points.min(0)).astype(int), np.ceil(points.max(0)).astype(int)
    return (
        max(box[0], int(low[0])),
        max(box[1], int(low[1])),
        min(box[2], int(high[0])),
        min(box[3], int(high[1])),
    )

"""Closed lids: skin from around the eye stretched over it, with the line of its lashes along the edge.

The photograph's own lashes are not moved: stretched, long ones would smear. The lid comes down over them instead, and
those that stand out beyond its outer corner are painted over with the skin around them.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.anatomy import EYES, Eye, Frame, arc, smooth
from polytalk.avatar.photo.atlas import Atlas
from polytalk.avatar.photo.face import Floats, Picture, Sheet
from polytalk.avatar.photo.head import eye_frame
from polytalk.avatar.photo.interior import grid

Array = NDArray[np.float64]
COLUMNS, ROWS = 33, 9
HEIGHT, WIDTH = 80, 160
"""Of the texture, pixels."""
INWARD, OUTWARD = 0.57, 0.82
"""How far it reaches from the eye's middle to the nose and to the temple; in widths of the eye."""
WING = 0.3
"""How high above its outer corner lashes stand; in widths of the eye."""
LASH = 0.2
"""How much darker than the skin around it a lash is."""
MEET = 0.14
"""Share of the opening that the lower lid comes up."""
OVERHANG = 0.075
"""How far the texture goes on under the lid's edge, for lashes; in widths of the eye."""
APPEAR = 4.0
"""The lid is there in full from a quarter of a blink on."""


def build_lid(name: str, eye: Eye, rgb: Picture, points: Floats, atlas: Atlas) -> Sheet:
    """The sheet of one upper lid."""
    frame = eye_frame(eye, points)
    angles = np.linspace(0, np.pi, COLUMNS)
    crease, upper, closed = _curves(eye, frame, points, angles)
    rows = np.linspace(0, 1, ROWS)[:, None, None]
    hang = np.array([0.0, OVERHANG])
    shut = crease + rows * (closed + hang - crease)
    open_ = crease + rows * (upper + hang - crease)
    left, top, right, bottom = atlas.add(_texture(eye, frame, rgb, points))
    share = np.linspace(0, 1, COLUMNS)
    uv = np.stack(
        np.meshgrid(left + 0.5 + share * (right - left - 1), top + 0.5 + rows.ravel() * (bottom - top - 1)), -1
    )
    return Sheet(
        name,
        "parts",
        frame.pixels(open_).reshape(-1, 2).astype(np.float32),
        uv.reshape(-1, 2).astype(np.float32),
        np.ones(COLUMNS * ROWS, np.float32),
        np.zeros((COLUMNS * ROWS, 2), np.float32),
        grid(np.arange(COLUMNS * ROWS).reshape(ROWS, COLUMNS)),
        {"blink": frame.vector(shut - open_).reshape(-1, 2).astype(np.float32)},
        {"blink": APPEAR},
    )


def _curves(eye: Eye, frame: Frame, points: Floats, angles: Array) -> tuple[Array, Array, Array]:
    """[A, 2]: the lid's crease, its edge when open, its edge when shut; all with the same u."""

    def along(indices: tuple[int, ...]) -> Array:
        return arc(frame.local(points[list(indices), :2]), np.linspace(0, np.pi, 65), 5)

    upper = along(eye.upper)
    u = _across(eye, angles)
    curves = [np.interp(u, curve[:, 0], curve[:, 1]) for curve in (along(eye.crease), upper, along(eye.lower))]
    lid, low = curves[1], curves[2]
    # Above the crease's landmarks: thick lashes reach up to them.
    arched = np.sin(np.arccos(np.clip(2 * u, -1, 1)))
    fold = np.minimum(curves[0] - 0.03, lid - 0.05 * arched) + 0.02 * (1 - arched)
    wing = _step((_outward(eye, u) - 0.3) / 0.25)
    fold = fold + wing * (np.minimum(fold, lid - WING) - fold)
    shut = low - MEET * np.maximum(low - lid, 0)
    return np.stack([u, fold], -1), np.stack([u, lid], -1), np.stack([u, shut], -1)


def _across(eye: Eye, angles: Array) -> Array:
    """[A] u at angles in 0..pi, from the texture's left edge to its right one."""
    left, right = (OUTWARD, INWARD) if eye is EYES[0] else (INWARD, OUTWARD)
    place = -np.cos(angles)
    return np.asarray(place * np.where(place < 0, left, right))


def _outward(eye: Eye, u: Array) -> Array:
    """How far a place is towards the temple."""
    return -u if eye is EYES[0] else u


def _texture(eye: Eye, frame: Frame, rgb: Picture, points: Floats) -> NDArray[np.uint8]:
    angles = np.linspace(0, np.pi, WIDTH)
    crease, upper, closed = _curves(eye, frame, points, angles)
    soft = cv2.GaussianBlur(rgb, (0, 0), max(0.8, 0.012 * frame.width)).astype(np.float64)
    above = _skin(soft, frame, crease, -0.06, 0.0)
    band = _skin(soft, frame, crease, 0.0, 0.6 * float(np.median(upper[:, 1] - crease[:, 1])))
    below = _skin(soft, frame, closed, 0.14, 0.24)
    v = np.linspace(0, 1, HEIGHT)[:, None]
    edge = ((closed - crease)[:, 1] / (closed - crease + [0, OVERHANG])[:, 1])[None]
    down = np.clip(v / edge, 0, 1)[..., None]
    lid = 0.55 * band + 0.45 * below
    color = above * (1 - _step(down / 0.5)) + lid * _step(down / 0.5)
    s = np.sin(angles)[None, :, None]
    color = color * (1 + 0.05 * s * np.sin(np.pi * down) - 0.10 * np.exp(-(((down - 0.93) / 0.12) ** 2)))
    color = color * (1 - 0.07 * np.exp(-(((down - 0.12) / 0.09) ** 2)) * s)
    color += _grain(rgb, frame, closed)
    within = 1 - _step((np.abs(crease[:, 0]) - 0.44) / 0.1)[None]
    lashes, dark = _lashes(soft, frame, upper, v, edge)
    lashes = lashes * within
    color = color * (1 - lashes[..., None]) + dark * lashes[..., None]
    beyond = v - edge
    body = 1 - _step(beyond / 0.03)
    alpha = np.maximum(body, lashes) * _step(v / 0.22) * within
    bare, stray = _bared(rgb, frame, crease, upper, closed)
    out = _outward(eye, crease[:, 0])[None]
    stray = stray * _step((out - 0.38) / 0.1) * (1 - _step((out - 0.6) / (OUTWARD - 0.6)))
    color = color * alpha[..., None] + bare * (1 - alpha[..., None])
    alpha = np.maximum(alpha, stray)
    picture = np.concatenate([color, alpha[..., None] * 255], -1)
    rounded: NDArray[np.uint8] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return rounded


def _bared(rgb: Picture, frame: Frame, crease: Array, upper: Array, closed: Array) -> tuple[Array, Array]:
    """[HEIGHT, WIDTH, 3] the picture without its lashes, by the skin around them, and where they were, 0..1."""
    v = np.linspace(0, 1, HEIGHT)[:, None, None]
    place = crease + v * (closed + np.array([0.0, OVERHANG]) - crease)
    seen = _sample(rgb.astype(np.float64), frame, place)
    light = (seen @ (0.299, 0.587, 0.114)).astype(np.float32)
    skin = cv2.morphologyEx(light, cv2.MORPH_CLOSE, np.ones((33, 33), np.uint8))
    dark = (light < (1 - LASH) * cv2.GaussianBlur(skin, (0, 0), 4)).astype(np.uint8)
    eye = (np.abs(place[..., 0]) < 0.54) & (place[..., 1] > upper[:, 1] - 0.06)
    around = cv2.dilate(dark | eye.astype(np.uint8), np.ones((5, 5), np.uint8))
    bare = cv2.inpaint(np.clip(seen, 0, 255).astype(np.uint8), around, 4, cv2.INPAINT_TELEA)
    stray = cv2.GaussianBlur(cv2.dilate(dark, np.ones((7, 7), np.uint8)).astype(np.float32), (0, 0), 1.5)
    window = _step(np.minimum(v[..., 0], 1 - v[..., 0]) / 0.08)
    return bare.astype(np.float64), stray.astype(np.float64) * window


def _skin(soft: Array, frame: Frame, curve: Array, start: float, end: float) -> Array:
    """[1, A, 3]: the brighter colours between two distances under a curve, smoothed along it: no lashes."""
    offsets = np.linspace(start, end, 7)
    place = np.repeat(curve[None], len(offsets), axis=0)
    place[..., 1] += offsets[:, None]
    found = _sample(soft, frame, place)
    light = found @ (0.299, 0.587, 0.114)
    order = np.argsort(light, axis=0)
    chosen = np.take_along_axis(found, order[4:6, :, None], axis=0).mean(axis=0)
    # A dip along the curve is lashes or a shadow of the glasses, not skin.
    floor = smooth(chosen, 20)
    return smooth(np.maximum(chosen, 0.94 * floor), 9)[None]


def _grain(rgb: Picture, frame: Frame, closed: Array) -> Array:
    """The skin's fine texture, taken from under the eye."""
    v = np.linspace(0.16, 0.42, HEIGHT)[:, None]
    place = np.repeat(closed[None], HEIGHT, axis=0)
    place[..., 1] += v
    fine = rgb.astype(np.float32) - cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), max(1.0, 0.02 * frame.width))
    return np.clip(0.8 * _sample(fine.astype(np.float64), frame, place), -14, 14)


def _lashes(soft: Array, frame: Frame, upper: Array, v: Array, edge: Array) -> tuple[Array, Array]:
    """How dark, [HEIGHT, WIDTH] in 0..1, and the colour [3], of the line that the lashes of the open eye make."""
    offsets = np.linspace(-0.06, 0.05, 9)
    place = np.repeat(upper[None], len(offsets), axis=0)
    place[..., 1] += offsets[:, None]
    found = _sample(soft, frame, place)
    light = found @ (0.299, 0.587, 0.114)
    dark = found.reshape(-1, 3)[np.argsort(light.ravel())[: max(8, light.size // 12)]].mean(axis=0)
    contrast = np.asarray(1 - light.min(axis=0) / np.maximum(light.max(axis=0), 1.0))
    strength = np.clip(smooth(contrast, 9) * 1.35, 0.35, 0.95)[None]
    chance = np.random.default_rng(5)
    strands = smooth(chance.uniform(0.0, 1.0, len(upper)), 1)[None]
    reach = 0.05 + 0.13 * strands
    beyond = v - edge
    line = np.exp(-((beyond / np.where(beyond < 0, 0.045, 0.05)) ** 2))
    hairs = np.where(beyond > 0, np.clip(1 - beyond / reach, 0, 1), 0.0) * (0.35 + 0.5 * strands)
    return np.maximum(line, hairs) * strength, dark


def _sample(picture: Array, frame: Frame, local: Array) -> Array:
    """[..., 3] at places of the eye's frame."""
    place = frame.pixels(local).astype(np.float32)
    found = cv2.remap(
        picture.astype(np.float32),
        place[..., 0] - 0.5,
        place[..., 1] - 0.5,
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return found.astype(np.float64)


def _step(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    result: Array = x * x * (3 - 2 * x)
    return result

"""What is behind the lips: cavity, tongue, two rows of teeth, the shadow of the lips; drawn for this face's light."""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.atlas import Atlas
from polytalk.avatar.photo.face import Sheet
from polytalk.avatar.photo.light import Light
from polytalk.avatar.photo.mouth import COLUMNS, FEATHER, Mouth, T

Array = NDArray[np.float64]
UPPER_TEETH = (0.168, 0.128, 0.125, 0.09, 0.07, 0.05)
"""Visible widths from the middle outwards, in widths of the mouth: 8.5 mm of an incisor in 50; the arch turns away."""
LOWER_TEETH = (0.1, 0.11, 0.115, 0.09, 0.07, 0.05)
HEIGHT = 0.2
"""Of a row of teeth."""
ARCH = 0.94


class Row(NamedTuple):
    """A rectangle in the mouth's frame, and how its terms move it (u, v)."""

    name: str
    left: float
    top: float
    right: float
    bottom: float
    bend: float
    """How much lower its ends are than its middle."""
    moves: dict[str, tuple[float, float]]
    """By term: growth in u per u, shift in v."""
    opacity: dict[str, float]


ROWS = (
    Row("cavity", -0.56, -0.2, 0.56, 0.42, 0.0, {"round": (-0.2, 0.0)}, {"": 1.0}),
    Row(
        "tongue",
        -0.33,
        0.025,
        0.33,
        0.36,
        0.03,
        {"jaw": (0.0, 0.005), "tongue": (0.0, -0.075), "jaw*tongue": (0.0, -0.03), "round": (-0.3, 0.03)},
        {"": 1.0},
    ),
    Row(
        "lower_teeth",
        -0.47,
        0.035,
        0.47,
        0.035 + HEIGHT,
        -0.035,
        {"jaw": (0.0, 0.175), "round": (-0.12, 0.045), "lower": (0.0, 0.03)},
        {"": 0.92},
    ),
    Row(
        "upper_teeth",
        -0.52,
        0.03 - HEIGHT,
        0.52,
        0.03,
        -0.03,
        {"teeth": (0.0, 0.022), "jaw": (0.0, 0.012), "round": (-0.12, -0.085), "lower": (0.0, 0.012)},
        {"": 1.0},
    ),
)


def build_interior(mouth: Mouth, light: Light, atlas: Atlas) -> list[Sheet]:
    """Sheets to be painted before the mouth's, which covers all but its opening."""
    pictures = {
        "cavity": _cavity(light),
        "tongue": _tongue(light),
        "lower_teeth": _teeth(LOWER_TEETH, light, upper=False),
        "upper_teeth": _teeth(UPPER_TEETH, light, upper=True),
    }
    sheets = [_sheet(row, mouth, atlas.add(pictures[row.name])) for row in ROWS]
    gradient = atlas.add(_shadow(light))
    return [*sheets, _shade(mouth, gradient, upper=False), _shade(mouth, gradient, upper=True)]


def _sheet(row: Row, mouth: Mouth, where: tuple[int, int, int, int]) -> Sheet:
    columns, rows = 17, 3
    u, v = np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows))
    place = np.stack([row.left + (row.right - row.left) * u, row.top + (row.bottom - row.top) * v], -1)
    # The lips' line is bent in most mouths, and the teeth follow its middle half-way.
    line = mouth.frame.local(mouth.vertices[mouth.lips[1]])
    level = np.interp(place[..., 0], line[:, 0], line[:, 1])
    middle = float(np.interp(0.0, line[:, 0], line[:, 1]))
    place[..., 1] += middle + 0.5 * (level - middle) + row.bend * (2 * u - 1) ** 2
    deltas = {}
    for term, (grow, shift) in row.moves.items():
        move = np.stack([grow * place[..., 0], np.full_like(v, shift)], -1)
        deltas[term] = mouth.frame.vector(move).reshape(-1, 2).astype(np.float32)
    left, top, right, bottom = where
    uv = np.stack([left + 1 + (right - left - 2) * u, top + 1 + (bottom - top - 2) * v], -1)
    index = np.arange(columns * rows).reshape(rows, columns)
    return Sheet(
        row.name,
        "parts",
        mouth.frame.pixels(place).reshape(-1, 2).astype(np.float32),
        uv.reshape(-1, 2).astype(np.float32),
        np.ones(columns * rows, np.float32),
        np.zeros((columns * rows, 2), np.float32),
        grid(index),
        deltas,
        row.opacity,
    )


def _shade(mouth: Mouth, where: tuple[int, int, int, int], *, upper: bool) -> Sheet:
    """The shadow that a lip throws on what is behind it: a strip along its inner edge that moves with it."""
    inner = mouth.lips[1 if upper else 2]
    reach = 0.115 if upper else -0.05
    start = mouth.vertices[inner]
    s = np.sqrt(np.maximum(0, 1 - T * T))
    edge = mouth.frame.vector(np.stack([0 * T, 0 * T + (-2 if upper else 2) * FEATHER], -1))
    end = mouth.frame.vector(np.stack([0 * T, reach * (0.35 + 0.65 * s)], -1))
    vertices = np.concatenate([start + edge, start + end]).astype(np.float32)
    left, top, right, bottom = where
    u = np.linspace(left + 1, right - 1, COLUMNS)
    uv = np.concatenate([np.stack([u, np.full(COLUMNS, y)], -1) for y in (top + 1.0, bottom - 1.0)])
    index = np.arange(2 * COLUMNS).reshape(2, COLUMNS)
    deltas = {term: np.concatenate([delta[inner]] * 2) for term, delta in mouth.deltas.items()}
    return Sheet(
        "upper_shade" if upper else "lower_shade",
        "parts",
        vertices,
        uv.astype(np.float32),
        np.ones(2 * COLUMNS, np.float32),
        np.zeros((2 * COLUMNS, 2), np.float32),
        grid(index),
        deltas,
        {"": 0.32 if upper else 0.42},
    )


def grid(index: NDArray[np.intp]) -> NDArray[np.uint16]:
    """Two triangles for every cell of a grid of vertices, [T, 3]."""
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    return np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).astype(np.uint16)


def _cavity(light: Light) -> NDArray[np.uint8]:
    """Dark, a little redder and lighter below, where light falls on the floor of the mouth."""
    y, x = np.mgrid[0:48, 0:64] / np.array([47.0, 63.0])[:, None, None]
    depth = 0.2 + 0.3 * np.clip((y - 0.4) / 0.6, 0, 1) ** 1.5
    depth = depth * (1 - 0.6 * (2 * x - 1) ** 2)
    return _rgba(light.flesh * np.array([0.9, 0.72, 0.72]) * depth[..., None], np.ones_like(x))


def _tongue(light: Light) -> NDArray[np.uint8]:
    """A dome, with a groove along its middle, dark at the back and the sides."""
    y, x = np.mgrid[0:64, 0:96] / np.array([63.0, 95.0])[:, None, None]
    across = 2 * x - 1
    top = 0.1 + 0.42 * np.abs(across) ** 2.4
    alpha = _step((y - top) / 0.16) * _step((1 - np.abs(across)) / 0.12)
    lit = 0.42 + 0.5 * _step((y - top) / 0.5) - 0.09 * np.exp(-((across / 0.09) ** 2)) * _step((y - top) / 0.3)
    lit *= 1 - 0.4 * np.abs(across) ** 2
    return _rgba(light.flesh * np.array([1.0, 0.86, 0.86]) * lit[..., None], alpha)


def _teeth(widths: tuple[float, ...], light: Light, *, upper: bool) -> NDArray[np.uint8]:
    """One row of teeth, drawn at four times its size: rounded edges, gaps as shadows, darker to the sides."""
    height, width, scale = 56, 288, 3
    y, x = np.mgrid[0 : height * scale, 0 : width * scale] + 0.5
    y, x = y / (height * scale), x / (width * scale) * 2 - 1
    half = sum(widths)
    edges = np.cumsum((0.0, *widths)) / half
    side = np.abs(x)
    number = np.clip(np.searchsorted(edges, side.ravel(), side="right") - 1, 0, len(widths) - 1).reshape(side.shape)
    low, high = edges[number], edges[number + 1]
    within = (side - low) / (high - low)  # 0 at the middle's side of each tooth
    edge = y if upper else 1 - y  # 1 at the biting edge
    length = np.array([1.0, 0.935, 0.985, 0.92, 0.88, 0.84] if upper else [0.97, 0.975, 1.0, 0.95, 0.92, 0.9])[number]
    roundness = np.array([0.05, 0.075, 0.13, 0.1, 0.1, 0.1])[number]
    limit = length * 0.985 - roundness * np.abs(2 * within - 1) ** 4
    alpha = _step((limit - edge) / 0.035)
    gap = np.exp(-((np.minimum(within, 1 - within) * (high - low) / 0.0075) ** 2))
    lit = 0.93 - 0.3 * gap * (0.5 + 0.5 * edge)
    lit *= 1 - 0.16 * np.abs(2 * within - 0.8) ** 2.5
    lit *= np.interp(edge, [0.0, 0.35, 0.8, 1.0], [0.8, 0.97, 1.0, 0.95])
    lit *= 1 - (0.62 if upper else 0.66) * side**2.2
    lit *= 1.0 if upper else 0.8
    translucent = _step((edge - 0.86) / 0.14)[..., None]
    color = light.teeth * lit[..., None] * (1 - translucent * np.array([0.07, 0.04, 0.01]))
    picture = np.concatenate([color, alpha[..., None] * 255], axis=-1)
    picture[..., :3] *= alpha[..., None]
    small = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))
    small[..., :3] = small[..., :3] / np.maximum(small[..., 3:] / 255, 1e-3)
    rounded: NDArray[np.uint8] = np.clip(np.rint(small), 0, 255).astype(np.uint8)
    return rounded


def _shadow(light: Light) -> NDArray[np.uint8]:
    """From the lip's edge (top) into the mouth; darker at the corners."""
    y, x = np.mgrid[0:24, 0:64] / np.array([23.0, 63.0])[:, None, None]
    alpha = (1 - y) ** 1.7 * (0.72 + 0.28 * (2 * x - 1) ** 2)
    color = light.flesh * np.array([0.12, 0.06, 0.06])
    return _rgba(np.broadcast_to(color, (*x.shape, 3)), alpha)


def _rgba(color: Array, alpha: Array) -> NDArray[np.uint8]:
    picture = np.concatenate([color, alpha[..., None] * 255], axis=-1)
    rounded: NDArray[np.uint8] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return rounded


def _step(x: Array) -> Array:
    x = np.clip(x, 0.0, 1.0)
    result: Array = x * x * (3 - 2 * x)
    return result

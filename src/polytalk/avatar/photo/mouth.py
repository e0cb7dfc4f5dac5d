"""The sheet around the mouth: rings from the lips' edge out to the cheeks, and how every term moves it.

The edges of the lips and the chin go where `shapes` says, the rim and the nose stay, and the skin between them bends as
little as it can: it minimises the biharmonic energy (L M⁻¹ L with the cotangent Laplacian; Botsch & Kobbelt, "An
intuitive framework for real-time freeform modeling", 2004).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.anatomy import CHIN, LOWER_OUTER, NOSE, SIDES, UPPER_OUTER, Frame, arc
from polytalk.avatar.photo.face import Floats, Picture
from polytalk.avatar.photo.lipline import lip_lines
from polytalk.avatar.photo.shapes import Shape, shapes

Array = NDArray[np.float64]
COLUMNS = 33
LIP_ROWS = 5
"""From the inner to the outer edge, both included."""
SKIN_ROWS = 13
ROWS = LIP_ROWS + SKIN_ROWS
ANGLES = np.linspace(0, np.pi, COLUMNS)
T = -np.cos(ANGLES)
FEATHER = 0.012
"""Width of the soft edge, in widths of the mouth."""
FLATTENED = 0.9
"""Share of the lips' bend that full rounding takes away."""
_CHIN_SHARES = (1.0, 0.97, 0.9, 0.75, 0.5, 0.28, 0.12, 0.0)
_SOFT = 30.0
"""How strongly chin and nose are held; lips and rim are held hard."""


class Mouth(NamedTuple):
    """Vertices [2 sides, 1 + ROWS, COLUMNS]: the upper lip's side, the lower's; the soft edge, then rings outwards."""

    frame: Frame
    vertices: Floats
    """[V, 2] at rest, closed."""
    uv: Floats
    """[V, 2] in the photograph."""
    alpha: Floats
    triangles: NDArray[np.uint16]
    deltas: dict[str, Floats]
    lips: NDArray[np.uint16]
    """[4, COLUMNS] vertices: upper outer, upper inner, lower inner, lower outer."""
    parted: float
    """Gap in the photograph over the mouth's width."""


def build_mouth(rgb: Picture, points: Floats) -> Mouth:
    """Mesh and movements of the lower face."""
    frame = Frame.of(points[78, :2], points[308, :2])
    rings, parted = _rings(rgb, points, frame)
    local = rings.reshape(-1, 2)
    tie = _ties()
    solve = _solver(local, tie, _held(local, points, frame))
    solved = {name: solve(shape) for name, shape in _fitted(shapes(T), rings).items()}
    closing = np.zeros_like(local)
    if parted:
        middle = (rings[0, 0] + rings[1, 0])[:, 1] / 2
        up, down = middle - rings[0, 0, :, 1], middle - rings[1, 0, :, 1]
        closing = solve(Shape(0 * T, 0.75 * up, up, down, 0.75 * down, 0.0, 0 * T))
    uv = _feathered(rings)
    deltas = {name: frame.vector(_feathered_values(value)).astype(np.float32) for name, value in solved.items()}
    vertices = frame.pixels(uv) + frame.vector(_feathered_values(closing))
    index = np.arange(len(uv)).reshape(2, ROWS + 1, COLUMNS)
    alpha = np.ones((2, ROWS + 1, COLUMNS), np.float32)
    alpha[:, 0] = 0.0
    lips = np.stack([index[0, LIP_ROWS], index[0, 1], index[1, 1], index[1, LIP_ROWS]]).astype(np.uint16)
    return Mouth(
        frame,
        vertices.astype(np.float32),
        frame.pixels(uv).astype(np.float32),
        alpha.ravel(),
        _lips_last(index),
        deltas,
        lips,
        parted,
    )


def _fitted(all_: dict[str, Shape], rings: Array) -> dict[str, Shape]:
    """Rounded lips lose the smile of the photograph: else its corners stay up, and the mouth becomes a beak."""
    line = (rings[0, 0, :, 1] + rings[1, 0, :, 1]) / 2
    bend = FLATTENED * (line[COLUMNS // 2] - line) * np.abs(T) ** 0.5
    shape = all_["round"]
    rows = {name: getattr(shape, name) + bend for name in ("upper_outer", "upper_inner", "lower_inner", "lower_outer")}
    # What both lips do parts nothing, so that what seals them is to seal them where they are then.
    return {**all_, "round": shape._replace(**rows)}


def _lips_last(index: NDArray[np.intp]) -> NDArray[np.uint16]:
    """[T, 3]: soft edges are painted before all else, or they would thin out the other lip when the mouth is shut."""
    strips = [_grid(index[side, :2]) for side in (0, 1)] + [_grid(index[side, 1:]) for side in (1, 0)]
    return np.concatenate(strips).astype(np.uint16)


def _rings(rgb: Picture, points: Floats, frame: Frame) -> tuple[Array, float]:
    """[2, ROWS, COLUMNS, 2] in the mouth's frame, and how far the photograph's mouth is open."""
    inner = lip_lines(rgb, points, frame, ANGLES)
    outer = [arc(frame.local(points[list(indices), :2]), ANGLES) for indices in (UPPER_OUTER, LOWER_OUTER)]
    outer[0][:, 1] = np.minimum(outer[0][:, 1], inner[0][:, 1] - 0.004)
    outer[1][:, 1] = np.maximum(outer[1][:, 1], inner[1][:, 1] + 0.004)
    corners = (outer[0][[0, -1]] + outer[1][[0, -1]]) / 2  # both sides share their first and last ray
    outer[0][[0, -1]] = outer[1][[0, -1]] = corners
    rim = _rim(rgb, points, frame)
    rings = np.zeros((2, ROWS, COLUMNS, 2))
    for side in (0, 1):
        for number in range(LIP_ROWS):
            share = number / (LIP_ROWS - 1)
            rings[side, number] = inner[side] * (1 - share) + outer[side] * share
        for number in range(SKIN_ROWS):
            share = ((number + 1) / SKIN_ROWS) ** 1.35
            rings[side, LIP_ROWS + number] = outer[side] * (1 - share) + rim[side] * share
    gap = float((inner[1] - inner[0])[COLUMNS // 2, 1])
    return rings, gap


def _rim(rgb: Picture, points: Floats, frame: Frame) -> tuple[Array, Array]:
    """Where all movement has died away: past the sides of the jaw, over the tip of the nose, under the chin."""
    nose = frame.local(points[5, :2])[1]
    chin = frame.local(points[152, :2])[1]
    left, right = frame.local(points[list(SIDES), :2])[:, 0]
    height = rgb.shape[0]
    below = min(chin + 0.85, (height - 3 - float(frame.origin[1])) / frame.width)
    half = (right - left) / 2 * 1.06
    middle = (right + left) / 2

    def rounded(angles: Array, reach: float) -> Array:
        c, s = np.cos(angles), np.sin(angles)
        return np.stack([middle - half * np.sign(c) * np.abs(c) ** 0.72, reach * np.abs(s) ** 0.72], axis=-1)

    return rounded(ANGLES, nose), rounded(ANGLES, below)


def _ties() -> NDArray[np.intp]:
    """[2 * ROWS * COLUMNS] of unknowns: the first and last column of both sides are the same vertices."""
    index = np.arange(2 * ROWS * COLUMNS).reshape(2, ROWS, COLUMNS)
    tie = index.copy()
    tie[1, :, 0], tie[1, :, -1] = index[0, :, 0], index[0, :, -1]
    _, compact = np.unique(tie.ravel(), return_inverse=True)
    return compact.reshape(-1)


def _held(local: Array, points: Floats, frame: Frame) -> list[tuple[int, float, float]]:
    """(vertex, weight, share of the chin's movement) of what is held softly."""
    held: list[tuple[int, float, float]] = []
    lower = len(local) // 2
    for group, share in zip(CHIN, _CHIN_SHARES, strict=True):
        places = frame.local(points[list(group), :2])
        held += [(lower + _nearest(local[lower:], place), _SOFT, share) for place in places]
    top = local[:lower, 1].min()
    nose = frame.local(points[list(NOSE), :2])
    return held + [(_nearest(local[:lower], place), _SOFT, 0.0) for place in nose if place[1] > top]


def _nearest(local: Array, place: Array) -> int:
    return int(np.argmin(np.sum((local - place) ** 2, axis=1)))


def _solver(local: Array, tie: NDArray[np.intp], held: list[tuple[int, float, float]]) -> Callable[[Shape], Array]:
    index = np.arange(len(local)).reshape(2, ROWS, COLUMNS)
    triangles = tie[np.concatenate([_grid(index[0]), _grid(index[1])])]
    count = int(tie.max()) + 1
    place = np.zeros((count, 2))
    place[tie] = local
    laplace, mass = _laplacian(place, triangles, count)
    energy = laplace @ (laplace / mass[:, None])
    energy *= 0.01 / np.median(np.diag(energy))
    for vertex, weight, _ in held:
        energy[tie[vertex], tie[vertex]] += weight
    rows = {"upper_outer": index[0, LIP_ROWS - 1], "upper_inner": index[0, 0]}
    rows |= {"lower_inner": index[1, 0], "lower_outer": index[1, LIP_ROWS - 1]}
    rim = index[:, -2:].ravel()
    fixed = np.unique(tie[np.concatenate([*rows.values(), rim])])
    free = np.setdiff1d(np.arange(count), fixed)
    inverse = np.linalg.inv(energy[np.ix_(free, free)])
    coupling = energy[np.ix_(free, fixed)]

    def solve(shape: Shape) -> Array:
        value = np.zeros((count, 2))
        for name, row in rows.items():
            value[tie[row], 0] = shape.across
            value[tie[row], 1] = getattr(shape, name)
        pull = np.zeros((count, 2))
        for vertex, weight, share in held:
            pull[tie[vertex], 1] += weight * share * shape.chin
        value[free] = inverse @ (pull[free] - coupling @ value[fixed])
        return value[tie]

    return solve


def _laplacian(place: Array, triangles: NDArray[np.intp], count: int) -> tuple[Array, Array]:
    """Cotangent weights and a third of the triangles' areas, [count, count] and [count]."""
    laplace, mass = np.zeros((count, count)), np.full(count, 1e-6)
    for k in range(3):
        i, j, o = triangles[:, k], triangles[:, (k + 1) % 3], triangles[:, (k + 2) % 3]
        a, b = place[i] - place[o], place[j] - place[o]
        cross = np.abs(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0])
        weight = np.clip((a * b).sum(1) / np.maximum(cross, 1e-9), 0.02, 20) / 2
        for p, q in ((i, j), (j, i)):
            np.add.at(laplace, (p, q), -weight)
            np.add.at(laplace, (p, p), weight)
        np.add.at(mass, i, cross / 6)
    return laplace, mass


def _grid(index: NDArray[np.intp]) -> NDArray[np.intp]:
    """Two triangles for every cell of a grid of vertices."""
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    return np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)])


def _feathered(rings: Array) -> Array:
    """With the soft edge: a row across the lips' line, on the other lip's skin."""
    soft = rings[:, :1].copy()
    soft[0, 0, :, 1] += FEATHER * np.sin(ANGLES) ** 0.5
    soft[1, 0, :, 1] -= FEATHER * np.sin(ANGLES) ** 0.5
    return np.concatenate([soft, rings], axis=1).reshape(-1, 2)


def _feathered_values(values: Array) -> Array:
    rings = values.reshape(2, ROWS, COLUMNS, 2)
    return np.concatenate([rings[:, :1], rings], axis=1).reshape(-1, 2)

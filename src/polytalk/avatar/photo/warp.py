"""Where each pixel comes from when head, brows, gaze, smile and breath move it: coarse fields, inverted once.

All movements are added up. The mesh turns what is already moved; the difference is under a sixth of a pixel.
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.face import Floats, PhotoFace
from polytalk.avatar.photo.mesh import Box, interpolate
from polytalk.avatar.photo.planes import Planes
from polytalk.avatar.terms import SIGNED

CELL = 4
"""Pixels of the picture for each cell of the grid."""
_BLOCKS = 8
"""Each way, in which the largest movement is bounded."""
_STILL = 0.02
"""Movements below it, in pixels, are none."""
_CV: Any = cv2
"""Its stubs forget that the second map may be None."""
_HOW = cv2.INTER_LINEAR | cv2.WARP_RELATIVE_MAP


class Warp:
    """Of one face at one size. A pose is the vector of what moves; a field is where pixels come from under it."""

    def __init__(self, face: PhotoFace) -> None:
        """Takes some hundredths of a second."""
        count = face.size // CELL
        base, mouth = face.sheet("base"), face.sheet("mouth")
        self.names = sorted(term for term in {*base.deltas, *mouth.deltas} if term in SIGNED or term == "smile")
        grid, whole = [], (0, 0, face.size, face.size)
        for sheet in (base, mouth):
            none = np.zeros_like(sheet.vertices)
            stacked = np.concatenate([*(sheet.deltas.get(name, none) for name in self.names), sheet.head], axis=1)
            grid.append(interpolate(sheet.vertices, sheet.triangles, stacked, whole, 1 / CELL))
        merged = np.where(np.isnan(grid[1]), grid[0], grid[1])
        terms = [merged[..., 2 * at : 2 * at + 2] for at in range(len(self.names))]
        moves = np.stack([*terms, *_turns(face, merged[..., -2], merged[..., -1])])  # [M, n, n, 2]
        self._moves: Floats = np.ascontiguousarray(moves.reshape(len(moves), -1))
        self._roll = float(np.radians(face.turn.roll))
        far = np.linalg.norm(moves, axis=-1)
        edges = np.linspace(0, count, _BLOCKS, endpoint=False).astype(int)
        blocks = np.maximum.reduceat(np.maximum.reduceat(far, edges, axis=1), edges, axis=2)
        self._reach: Floats = blocks.reshape(len(moves), -1)
        self._count = count
        self._grid: Floats = np.stack(np.meshgrid(*[np.arange(count, dtype=np.float32)] * 2), -1)
        # New memory of this size comes from the system page by page, which takes longer than all the arithmetic.
        self._room = np.empty(2 * (face.size + 2 * CELL) ** 2, np.float32)
        self._forward, self._from, self._back = np.empty((3, count, count, 2), np.float32)
        moved = np.argwhere(far.max(0) > _STILL) * CELL
        low, high = (moved.min(0), moved.max(0) + CELL) if len(moved) else (np.zeros(2, int), np.zeros(2, int))
        self.box: Box = grown((int(low[1]), int(low[0]), int(high[1]), int(high[0])), 2 * CELL, face.size)
        """Beyond it nothing ever moves."""

    def pose(self, parameters: Mapping[str, float]) -> NDArray[np.float32]:
        """[M] amounts."""
        lowest = {"smile": 0.0}

        def value(name: str) -> float:
            return min(1.0, max(lowest.get(name, -1.0), parameters.get(name, 0.0)))

        angle = self._roll * value("head_roll")
        head = [value("head_x"), value("head_y"), np.cos(angle) - 1, np.sin(angle)]
        return np.array([*map(value, self.names), *head], np.float32)

    def bound(self, difference: NDArray[np.float32]) -> float:
        """How far, in pixels, any place is at most moved by a pose, or by the difference of two."""
        return float((np.abs(difference) @ self._reach).max())

    def field(self, pose: NDArray[np.float32]) -> Floats:
        """[n + 2, n + 2, 2]: what to add to a pixel's place to find where it comes from, with a cell's border."""
        np.matmul(pose, self._moves, out=self._forward.reshape(-1))
        np.multiply(self._forward, np.float32(-1 / CELL), out=self._from)
        self._from += self._grid
        _CV.remap(self._forward, self._from, None, cv2.INTER_LINEAR, dst=self._back, borderMode=cv2.BORDER_REPLICATE)
        np.negative(self._back, out=self._back)
        return np.asarray(cv2.copyMakeBorder(self._back, 1, 1, 1, 1, cv2.BORDER_REPLICATE), np.float32)

    def apply(self, field: Floats, source: Planes, box: Box, target: Planes) -> None:
        """Draw the box (in multiples of `CELL`) of the warped source into `target`, of the box's size."""
        left, top, right, bottom = box
        part = field[top // CELL : bottom // CELL + 2, left // CELL : right // CELL + 2] + np.array(
            [left, top], np.float32
        )
        where = self._fine(part, CELL)
        _CV.remap(source.y, where, None, _HOW, dst=target.y, borderMode=cv2.BORDER_REPLICATE)
        part *= np.float32(0.5)
        where = self._fine(part, CELL // 2)
        for plane, out in ((source.u, target.u), (source.v, target.v)):
            _CV.remap(plane, where, None, _HOW, dst=out, borderMode=cv2.BORDER_REPLICATE)

    def _fine(self, part: Floats, cell: int) -> NDArray[np.float32]:
        """Every cell of a field as `cell` pixels each way, less the border; ours until the next call."""
        height, width = part.shape[0] * cell, part.shape[1] * cell
        fine = self._room[: 2 * height * width].reshape(height, width, 2)
        cv2.resize(part, (width, height), dst=fine, interpolation=cv2.INTER_LINEAR)
        return fine[cell:-cell, cell:-cell]


def grown(box: Box, by: int, size: int) -> Box:
    """The box with a margin, in multiples of `CELL`, cut to the picture."""
    left, top = (max(0, (value - by) // CELL * CELL) for value in box[:2])
    right, bottom = (min(size, -(-(value + by) // CELL) * CELL) for value in box[2:])
    return left, top, right, bottom


def _turns(face: PhotoFace, share: Floats, depth: Floats) -> list[Floats]:
    """Four fields [n, n, 2]: for head_x, head_y, cos - 1 and sin of the roll."""
    turn, count = face.turn, face.size // CELL
    at = (np.arange(count, dtype=np.float32) + 0.5) * CELL
    x, y = np.meshgrid(at - np.float32(turn.pivot[0]), at - np.float32(turn.pivot[1]))
    none = np.zeros_like(x)
    sideways = share * np.float32(turn.shift[0]) + depth * np.float32(turn.parallax[0])
    down = share * np.float32(turn.shift[1]) + depth * np.float32(turn.parallax[1])
    pairs = ((sideways, none), (none, down), (share * x, share * y), (-share * y, share * x))
    return [np.stack(pair, -1).astype(np.float32) for pair in pairs]

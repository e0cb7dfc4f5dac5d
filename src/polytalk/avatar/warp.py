"""Where each pixel comes from when head, brows, gaze, smile and breath move it: coarse fields, inverted once.

All movements are added up. The mesh turns what is already moved; the difference is under a sixth of a pixel.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.pictures import Box
from polytalk.avatar.planes import Planes

Floats: TypeAlias = NDArray[np.float32]
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

    def __init__(self, names: Sequence[str], moves: Floats, roll: float, size: tuple[int, int]) -> None:
        """`moves` are pixels [names + 4, rows, columns, 2], a cell for every `CELL` pixels of the picture each way.

        The last four are for head_x, head_y, and cos - 1 and sin of the roll, whose radians at 1 are `roll`. `size` is
        (width, height), in multiples of `CELL`.
        """
        self.names, self._roll = names, roll
        self._moves: Floats = np.ascontiguousarray(moves.reshape(len(moves), -1), np.float32)
        rows, columns = moves.shape[1:3]
        far = np.linalg.norm(moves, axis=-1)
        cuts = (np.linspace(0, count, min(_BLOCKS, count), endpoint=False) for count in (rows, columns))
        down, across = (cut.astype(int) for cut in cuts)
        blocks = np.maximum.reduceat(np.maximum.reduceat(far, down, axis=1), across, axis=2)
        self._reach: Floats = blocks.reshape(len(moves), -1)
        places = np.meshgrid(np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32))
        self._grid: Floats = np.stack(places, -1)
        # New memory of this size comes from the system page by page, which takes longer than all the arithmetic.
        self._room = np.empty(2 * (size[0] + 2 * CELL) * (size[1] + 2 * CELL), np.float32)
        self._forward, self._from, self._back = np.empty((3, rows, columns, 2), np.float32)
        moved = np.argwhere(far.max(0) > _STILL) * CELL
        low, high = (moved.min(0), moved.max(0) + CELL) if len(moved) else (np.zeros(2, int), np.zeros(2, int))
        self.box: Box = grown((int(low[1]), int(low[0]), int(high[1]), int(high[0])), 2 * CELL, size)
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


def grown(box: Box, by: int, size: tuple[int, int]) -> Box:
    """The box with a margin, in multiples of `CELL`, cut to the picture of this width and height."""
    left, top = (max(0, (value - by) // CELL * CELL) for value in box[:2])
    right, bottom = (min(side, -(-(value + by) // CELL) * CELL) for value, side in zip(box[2:], size, strict=True))
    return left, top, right, bottom

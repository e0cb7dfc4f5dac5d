"""What moves a photographed face as a whole, as fields for its warp."""

import numpy as np

from polytalk.avatar.photo.face import Floats, PhotoFace
from polytalk.avatar.photo.mesh import interpolate
from polytalk.avatar.terms import SIGNED
from polytalk.avatar.warp import CELL, Warp


def warp_of(face: PhotoFace) -> Warp:
    """Takes some hundredths of a second."""
    base, mouth = face.sheet("base"), face.sheet("mouth")
    names = sorted(term for term in {*base.deltas, *mouth.deltas} if term in SIGNED or term == "smile")
    grid, whole = [], (0, 0, face.size, face.size)
    for sheet in (base, mouth):
        none = np.zeros_like(sheet.vertices)
        stacked = np.concatenate([*(sheet.deltas.get(name, none) for name in names), sheet.head], axis=1)
        grid.append(interpolate(sheet.vertices, sheet.triangles, stacked, whole, 1 / CELL))
    merged = np.where(np.isnan(grid[1]), grid[0], grid[1])
    terms = [merged[..., 2 * at : 2 * at + 2] for at in range(len(names))]
    moves = np.stack([*terms, *_turns(face, merged[..., -2], merged[..., -1])])
    return Warp(names, moves, float(np.radians(face.turn.roll)), (face.size, face.size))


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

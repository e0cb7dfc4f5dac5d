"""Where the face is in a photograph: 478 points by mediapipe, asked in a process of its own."""

import struct
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from polytalk.avatar import landmarks_home
from polytalk.errors import EngineFailed

POINTS = 478
"""468 of the face mesh, refined at lips and eyes, and 5 of each iris."""
TIMEOUT = 60.0
"""Seconds for one picture, with loading the model: it takes one, and many more on a busy machine."""
_FACE_BYTES = POINTS * 3 * 4


class Landmarks(Struct, frozen=True, eq=False):
    """One face."""

    points: NDArray[np.float32]
    """[478, 3] in pixels: x right, y down, z away from the camera in x's unit, from the middle of the head."""
    box: tuple[float, float, float, float]
    """Left, top, right, bottom of the points, in pixels; may lie beyond the picture."""


def from_points(points: NDArray[np.floating]) -> Landmarks:
    """[478, 3] points with the box around them."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    return Landmarks(points.astype(np.float32), (float(low[0]), float(low[1]), float(high[0]), float(high[1])))


def find(rgb: NDArray[np.uint8], cache: Path, timeout: float = TIMEOUT) -> list[Landmarks]:
    """The faces in a picture [H, W, 3], the largest first; blocks for a second or more. See `find_each`."""
    return find_each([rgb], cache, timeout)[0]


def find_each(pictures: Sequence[NDArray[np.uint8]], cache: Path, timeout: float = TIMEOUT) -> list[list[Landmarks]]:
    """The faces in each of some pictures, by one process: loading the model costs as much as thirty pictures.

    A process may use 30 s of a core, enough for a few hundred pictures. `cache` is the settings' cache folder, below
    which the model is installed. Raises SetupError where it is not, EngineFailed when the model fails, takes too long
    or wants too much memory.
    """
    command = landmarks_home.command(cache)
    request = b"".join(
        struct.pack("<II", rgb.shape[1], rgb.shape[0]) + np.ascontiguousarray(rgb).tobytes() for rgb in pictures
    )
    try:
        ran = subprocess.run(command, input=request, capture_output=True, timeout=timeout, check=False)
    except subprocess.TimeoutExpired:
        raise EngineFailed(f"looking for the face took longer than {timeout:.0f} s; try a smaller picture") from None
    if ran.returncode:
        said = ran.stderr.decode(errors="replace").strip().splitlines()
        raise EngineFailed(f"looking for the face failed: {said[-1] if said else f'exit code {ran.returncode}'}"[:500])
    return [
        sorted((from_points(face) for face in faces), key=lambda face: -area(face))
        for faces in _parse(ran.stdout, len(pictures))
    ]


def area(face: Landmarks) -> float:
    """Of its box, in square pixels."""
    left, top, right, bottom = face.box
    return (right - left) * (bottom - top)


def _parse(answer: bytes, pictures: int) -> list[list[NDArray[np.float32]]]:
    found: list[list[NDArray[np.float32]]] = []
    at = 0
    while at + 4 <= len(answer):
        end = at + 4 + struct.unpack_from("<I", answer, at)[0] * _FACE_BYTES
        if end > len(answer):
            break
        found.append(list(np.frombuffer(answer[at + 4 : end], "<f4").reshape(-1, POINTS, 3)))
        at = end
    if at != len(answer) or len(found) != pictures:
        raise EngineFailed(
            f"looking for the face gave {len(answer)} bytes, which are no whole numbers of faces in {pictures} pictures"
        )
    return found

"""Which of the 478 landmarks a face is built on, left of the picture first, and the frames of its parts."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.face import Floats, Picture

UPPER_OUTER = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291)
UPPER_INNER = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308)
LOWER_INNER = (78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308)
LOWER_OUTER = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291)
CHIN = ((152,), (148, 377), (176, 400), (149, 378), (150, 379), (136, 365), (172, 397), (58, 288))
"""From the middle of the chin along the edge of the jaw."""
NOSE = (1, 2, 4, 5, 19, 94, 97, 98, 99, 240, 64, 129, 326, 327, 328, 460, 294, 358)
OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
"""Around the face, from the forehead clockwise."""
SIDES = (132, 361)
BROWS = ((70, 63, 105, 66, 107), (336, 296, 334, 293, 300))


class Eye(NamedTuple):
    """Landmarks of one eye, from the left of the picture to the right."""

    upper: tuple[int, ...]
    lower: tuple[int, ...]
    crease: tuple[int, ...]
    """Above the upper lid's edge, with as many points."""
    iris: tuple[int, ...]
    """Its centre, and four points around it."""


EYES = (
    Eye(
        (33, 246, 161, 160, 159, 158, 157, 173, 133),
        (33, 7, 163, 144, 145, 153, 154, 155, 133),
        (130, 247, 30, 29, 27, 28, 56, 190, 243),
        (468, 469, 470, 471, 472),
    ),
    Eye(
        (362, 398, 384, 385, 386, 387, 388, 466, 263),
        (362, 382, 381, 380, 374, 373, 390, 249, 263),
        (463, 414, 286, 258, 257, 259, 260, 467, 359),
        (473, 474, 475, 476, 477),
    ),
)


class Frame(NamedTuple):
    """Coordinates of a part: u along it, v down, in units of its width, from the middle between its corners."""

    origin: Floats
    axes: Floats
    """[2, 2]: the unit vectors of u and v."""
    width: float
    """Pixels."""

    @classmethod
    def of(cls, left: Floats, right: Floats) -> "Frame":
        """From the corners, [2] pixels."""
        across = (right - left).astype(np.float64)
        width = float(np.linalg.norm(across))
        u = across / width
        return cls(((left + right) / 2).astype(np.float32), np.array([u, [-u[1], u[0]]], np.float32), width)

    def local(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """[..., 2] pixels to (u, v)."""
        result: NDArray[np.float64] = (points.astype(np.float64) - self.origin) @ self.axes.T / self.width
        return result

    def pixels(self, local: NDArray[np.floating]) -> NDArray[np.float64]:
        """(u, v) to pixels."""
        return self.origin + self.vector(local)

    def vector(self, local: NDArray[np.floating]) -> NDArray[np.float64]:
        """A displacement in (u, v) to pixels."""
        result: NDArray[np.float64] = local.astype(np.float64) @ self.axes * self.width
        return result


def luminance(rgb: Picture) -> Floats:
    """[H, W] in 0..255."""
    result: Floats = rgb.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)
    return result


def smooth(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    """Along the first axis by a triangle of `reach` samples to each side; the ends stay where they are."""
    padded = np.concatenate(
        [2 * values[:1] - values[reach:0:-1], values, 2 * values[-1:] - values[-2 : -reach - 2 : -1]]
    )
    kernel = np.bartlett(2 * reach + 3)[1:-1]
    kernel /= kernel.sum()
    result: NDArray[np.float64] = np.apply_along_axis(lambda row: np.convolve(row, kernel, "valid"), 0, padded)
    return result


def arc(local: NDArray[np.float64], angles: NDArray[np.float64], reach: int = 9) -> NDArray[np.float64]:
    """A curve through points [K, 2] that run from left to right, at angles in 0..pi: u = -cos(angle) of its half width.

    Angles instead of u, since lips and lids end steeply.
    """
    low, high = local[0, 0], local[-1, 0]
    share = np.clip((local[:, 0] - low) / (high - low), 0, 1)
    at = np.maximum.accumulate(np.arccos(1 - 2 * share))
    dense = np.linspace(0, np.pi, 181)
    straight = local[0, 1] + (local[-1, 1] - local[0, 1]) * (1 - np.cos(dense)) / 2
    v = smooth(np.interp(dense, at, local[:, 1]) - straight, reach) + straight
    u = low + (high - low) * (1 - np.cos(angles)) / 2
    return np.stack([u, np.interp(angles, dense, v)], axis=-1)

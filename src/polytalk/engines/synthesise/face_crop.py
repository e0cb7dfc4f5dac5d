"""A photographed face as a network for 96 x 96 pixels sees it, and its mouth put back at the portrait's resolution."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from polytalk.avatar.library import Bundle
from polytalk.avatar.points import CHIN, FOREHEAD

SIDE = 96
BELOW_CHIN = 0.06
"""Of the face's height: the chin moves, too."""
FEATHER = 0.12
"""Share of the box over which the drawn mouth fades into the portrait."""
MOUTH = 0.45
"""Where it begins, from the top of the box."""
PORTRAIT, LANDMARKS = "portrait.png", "landmarks.npy"


@dataclass(frozen=True)
class FaceCrop:
    """One avatar at one size."""

    picture: NDArray[np.uint8]
    """[H, W, 3] RGB: the portrait."""
    left: int
    top: int
    width: int
    height: int
    """The face's box."""
    small: NDArray[np.float32]
    """[3, SIDE, SIDE], blue, green, red in 0..1."""

    def input(self) -> NDArray[np.float32]:
        """[6, SIDE, SIDE]: the face with its lower half black, then the whole face."""
        masked = self.small.copy()
        masked[:, SIDE // 2 :] = 0
        return np.concatenate([masked, self.small])

    def paste(self, drawn: NDArray[np.float32], target: NDArray[np.uint8]) -> None:
        """Put [3, SIDE, SIDE] (blue, green, red in 0..1) over `target`, the box's [height, width, 3] RGB."""
        rows, columns = _stretch(self.height), _stretch(self.width)
        large = np.einsum("yi,cij,xj->yxc", rows, drawn[::-1] * np.float32(255), columns, optimize=True)
        mask = feathered(self.height, self.width)[..., None]
        target[:] = np.clip(np.rint(target + (large - target) * mask), 0, 255).astype(np.uint8)

    @property
    def box(self) -> tuple[slice, slice]:
        """Rows and columns of the face in the picture."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)


def crop(avatar: Bundle, size: tuple[int, int]) -> FaceCrop:
    """Raises BadInput when the bundle has no portrait or no landmarks."""
    portrait = Image.open(io.BytesIO(avatar.read(PORTRAIT))).convert("RGB")
    points = np.load(io.BytesIO(avatar.read(LANDMARKS)), allow_pickle=False)
    scale = np.array([size[0] / portrait.width, size[1] / portrait.height])
    return of_face(np.asarray(portrait.resize(size, Image.Resampling.LANCZOS)), points[:, :2] * scale)


def of_face(picture: NDArray[np.uint8], points: NDArray[np.floating]) -> FaceCrop:
    """`points` are landmarks in the picture's pixels, [478, 2]."""
    height, width = picture.shape[:2]
    top, chin = points[FOREHEAD, 1], points[CHIN, 1]
    edges = (points[:, 0].min(), top, points[:, 0].max(), chin + BELOW_CHIN * (chin - top))
    left, upper, right, lower = (round(float(edge)) for edge in edges)
    left, upper, right, lower = max(0, left), max(0, upper), min(width, right), min(height, lower)
    box = Image.fromarray(picture[upper:lower, left:right]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    small = np.asarray(box, np.float32)[..., ::-1].transpose(2, 0, 1) / np.float32(255)
    return FaceCrop(picture, left, upper, right - left, lower - upper, np.ascontiguousarray(small))


def feathered(height: int, width: int) -> NDArray[np.float32]:
    """[height, width] in 0..1: 1 over mouth and chin, fading out to the box's edges and towards the nose."""
    down, across = (np.arange(height) + 0.5) / height, (np.arange(width) + 0.5) / width
    rows = np.minimum((down - MOUTH) / FEATHER, (1 - down) / FEATHER)
    columns = np.minimum(across, 1 - across) / FEATHER
    level = np.clip(np.minimum(rows[:, None], columns[None, :]), 0, 1)
    smooth: NDArray[np.float32] = (level * level * (3 - 2 * level)).astype(np.float32)
    return smooth


def _stretch(side: int) -> NDArray[np.float32]:
    """[side, SIDE]: straight lines between pixel centres."""
    at = np.clip((np.arange(side) + 0.5) * SIDE / side - 0.5, 0, SIDE - 1)
    low = np.minimum(at.astype(int), SIDE - 2)
    matrix = np.zeros((side, SIDE), np.float32)
    matrix[np.arange(side), low] = 1 - (at - low)
    matrix[np.arange(side), low + 1] = at - low
    return matrix

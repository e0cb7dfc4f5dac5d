"""Pictures as video encoders take them, Y'CbCr 4:2:0: half the numbers of RGB, and nothing to convert at every frame.

ITU-R BT.709 in the limited range (16 to 235), a colour for every 2 × 2 pixels, sited in their middle.
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.pictures import Box, Frame

_KR, _KB = 0.2126, 0.0722
_LUMA, _CHROMA = 219 / 255, 224 / 255
_TO = np.array(
    [
        [_KR, 1 - _KR - _KB, _KB],
        [-_KR / (1 - _KB) / 2, -(1 - _KR - _KB) / (1 - _KB) / 2, 0.5],
        [0.5, -(1 - _KR - _KB) / (1 - _KR) / 2, -_KB / (1 - _KR) / 2],
    ]
)
_SCALE = np.array([_LUMA, _CHROMA, _CHROMA])
_OFFSET = np.array([16.0, 128.0, 128.0])
_THERE = np.column_stack([_TO * _SCALE[:, None], _OFFSET])
_BACK = np.linalg.inv(_TO) / _SCALE
_HERE = np.column_stack([_BACK, -_BACK @ _OFFSET])


class Planes(NamedTuple):
    """A picture of an even width and height."""

    y: NDArray[np.uint8]
    """[H, W]."""
    u: NDArray[np.uint8]
    """[H / 2, W / 2]: Cb."""
    v: NDArray[np.uint8]
    """[H / 2, W / 2]: Cr."""

    @classmethod
    def empty(cls, width: int, height: int) -> "Planes":
        """Of black or anything else."""
        half = (height // 2, width // 2)
        return cls(np.zeros((height, width), np.uint8), np.zeros(half, np.uint8), np.zeros(half, np.uint8))

    @classmethod
    def of(cls, rgb: Frame) -> "Planes":
        """Of a picture [H, W, 3]."""
        height, width = rgb.shape[:2]
        full = cv2.transform(rgb, _THERE)
        half = cv2.resize(full, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        return cls(*(np.array(plane, np.uint8) for plane in (full[..., 0], half[..., 1], half[..., 2])))

    @classmethod
    def read(cls, data: bytes, width: int, height: int) -> "Planes":
        """Of Y', Cb and Cr one after another; not to be written to."""
        whole, half = width * height, (height // 2, width // 2)
        y, u, v = np.split(np.frombuffer(data, np.uint8), [whole, whole + whole // 4])
        return cls(y.reshape(height, width), u.reshape(half), v.reshape(half))

    def rgb(self) -> Frame:
        """[H, W, 3]."""
        size = self.y.shape[1], self.y.shape[0]
        colour = [cv2.resize(plane, size, interpolation=cv2.INTER_LINEAR) for plane in (self.u, self.v)]
        return np.asarray(cv2.transform(cv2.merge([self.y, *colour]), _HERE), np.uint8)

    def cut(self, box: Box) -> "Planes":
        """The box (left, top, right, bottom, all even) as views."""
        left, top, right, bottom = box
        half = (slice(top // 2, bottom // 2), slice(left // 2, right // 2))
        return Planes(self.y[top:bottom, left:right], self.u[half], self.v[half])

    def put(self, box: Box, patch: "Planes") -> None:
        """Copy a patch into the box."""
        for mine, other in zip(self.cut(box), patch, strict=True):
            mine[...] = other

    def blend(self, first: "Planes", second: "Planes", share: float) -> None:
        """Become `first` and a share 0..1 of `second`, all of one size."""
        for mine, one, other in zip(self, first, second, strict=True):
            if share <= 0.0:
                mine[...] = one
            else:
                cv2.addWeighted(one, 1 - share, other, share, 0.0, dst=mine)

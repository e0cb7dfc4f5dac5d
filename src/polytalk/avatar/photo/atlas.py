"""One picture for all small textures."""

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.face import Picture

WIDTH = 512
Box = tuple[int, int, int, int]


class Atlas:
    """Pictures in rows, left to right; a pixel stays free around each."""

    def __init__(self) -> None:
        self._placed: list[tuple[int, int, NDArray[np.uint8]]] = []
        self._x = self._y = self._row = 0

    def add(self, picture: NDArray[np.uint8]) -> Box:
        """Place a picture [h, w, 4] RGBA, w at most `WIDTH`; where it lies: left, top, right, bottom."""
        height, width = picture.shape[:2]
        if self._x + width > WIDTH:
            self._x, self._y, self._row = 0, self._y + self._row + 1, 0
        box = (self._x, self._y, self._x + width, self._y + height)
        self._placed.append((self._x, self._y, picture))
        self._x, self._row = self._x + width + 1, max(self._row, height)
        return box

    def picture(self) -> Picture:
        """[h, WIDTH, 4] RGBA."""
        sheet = np.zeros((self._y + self._row, WIDTH, 4), np.uint8)
        for x, y, picture in self._placed:
            sheet[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
        return sheet

"""The fast way to draw a drawing: mouth and eyes from stored patches, then one warp for head and breath.

`raster` is the reference, and paints the patches.
"""

from collections.abc import Mapping

import cv2

from polytalk.avatar.bundle import Avatar
from polytalk.avatar.drawn.book import Book, Grid, Measure
from polytalk.avatar.drawn.moves import warp_of
from polytalk.avatar.drawn.patches import Patches
from polytalk.avatar.drawn.regions import Region, regions
from polytalk.avatar.planes import Planes
from polytalk.avatar.raster import Renderer
from polytalk.avatar.shelf import Shelf
from polytalk.avatar.stream import Layers, Unmoved
from polytalk.avatar.warp import CELL

MOUTH_NEAR = 0.6
"""Pixels that a stored mouth may be off by, root mean square; it is 0.3 off in the mean."""
EYES_STEP = 0.2
"""Pixels between stored looks, each way. Eyes have many points that hardly move."""
KEPT = 48 << 20, 8 << 20
"""Bytes of patches of the mouth and of the eyes."""


class DrawnRenderer(Layers):
    """Draws one avatar at one size, for any number of sessions. Not for several threads."""

    def __init__(
        self, avatar: Avatar, size: tuple[int, int], mouth: Region, eyes: Region, shelf: Shelf | None = None
    ) -> None:
        """`size` in multiples of `CELL`."""
        cv2.setNumThreads(1)  # a worker has one core
        self.size = size
        self.boxes = (*mouth.boxes, *eyes.boxes)
        self.warp = warp_of(avatar, size)
        self.base = Planes.of(Renderer(avatar, size).frame({}))
        scale = size[0] / avatar.size[0], size[1] / avatar.size[1]
        spoken = Book(Measure(avatar, mouth.layers, scale), mouth.names, MOUTH_NEAR)
        looks = Grid(Measure(avatar, eyes.layers, scale), eyes.names, EYES_STEP)
        self._mouth = Patches(avatar, size, mouth, spoken, KEPT[0], shelf)
        self._eyes = Patches(avatar, size, eyes, looks, KEPT[1], shelf)
        self._source = Planes(*(plane.copy() for plane in self.base))
        self._marks: tuple[str, str] | None = None

    def mouth(self, parameters: Mapping[str, float], out: Planes) -> None:
        """Draw into `out` what `patch` gives."""
        (patch,) = self._mouth.find(parameters).planes
        out.put((0, 0, patch.y.shape[1], patch.y.shape[0]), patch)

    def unmoved(self, parameters: Mapping[str, float]) -> Unmoved:
        """The picture before the warp: ours, until the next call."""
        found = [one.find(parameters) for one in (self._mouth, self._eyes)]
        marks = (found[0].name, found[1].name)
        if marks != self._marks:
            # Eyes lie over the corners of the mouth's box, in which nothing moves.
            patches = (*found[0].planes, *found[1].planes)
            for box, patch in zip(self.boxes, patches, strict=True):
                self._source.put(box, patch)
            self._marks = marks
        return Unmoved(self._source, (marks[0], *marks[1:] * (len(self.boxes) - 1)))


def open_drawing(avatar: Avatar, size: tuple[int, int], shelf: Shelf | None = None) -> "DrawnRenderer | Renderer":
    """What draws it: from a codebook where that can be done, else whole. `shelf` keeps the patches of this drawing."""
    parts = regions(avatar, size) if not (size[0] % CELL or size[1] % CELL) else None
    return Renderer(avatar, size) if parts is None else DrawnRenderer(avatar, size, parts.mouth, parts.eyes, shelf)

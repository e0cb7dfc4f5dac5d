"""The fast way to draw a drawing: mouth and eyes from stored patches, then one warp for head and breath.

`raster` is the reference, and paints the patches.
"""

from collections.abc import Mapping

import cv2
from msgspec.structs import replace

from polytalk.avatar.bundle import Avatar, Layer
from polytalk.avatar.drawn.book import Book
from polytalk.avatar.drawn.moves import warp_of
from polytalk.avatar.drawn.regions import Region, regions
from polytalk.avatar.pictures import Box, DrawPlanes, Form, Frame
from polytalk.avatar.planes import Planes
from polytalk.avatar.raster import Renderer
from polytalk.avatar.stream import Unmoved, planes
from polytalk.avatar.warp import CELL

MOUTH_NEAR, EYES_NEAR = 0.45, 0.2
"""Pixels that a stored shape may be off by, root mean square. Eyes have many points that hardly move."""
KEPT = 48 << 20, 8 << 20
"""Bytes of patches of the mouth and of the eyes."""


class DrawnRenderer:
    """Draws one avatar at one size, for any number of sessions. Not for several threads."""

    def __init__(self, avatar: Avatar, size: tuple[int, int], mouth: Region, eyes: Region) -> None:
        """`size` in multiples of `CELL`."""
        cv2.setNumThreads(1)  # a worker has one core
        self.size = size
        self.boxes: tuple[Box, ...] = (*mouth.boxes, *eyes.boxes)
        """Of the mouth, then of the eyes: all that changes with the head at rest."""
        self.warp = warp_of(avatar, size)
        self.base = Planes.of(Renderer(avatar, size).frame({}))
        """At rest; not to be written to."""
        self._mouth = _Patches(avatar, size, mouth, MOUTH_NEAR, KEPT[0])
        self._eyes = _Patches(avatar, size, eyes, EYES_NEAR, KEPT[1])
        self._source = Planes(*(plane.copy() for plane in self.base))
        self._marks: tuple[int, int] | None = None

    def frame(self, parameters: Mapping[str, float]) -> Frame:
        """The picture under `parameters`, [H, W, 3] RGB; the caller's own."""
        source = self.unmoved(parameters).planes
        pose = self.warp.pose(parameters)
        if not pose.any():
            return source.rgb()
        picture = Planes(*(plane.copy() for plane in self.base))
        self.warp.apply(self.warp.field(pose), source, self.warp.box, picture.cut(self.warp.box))
        return picture.rgb()

    def patch(self, parameters: Mapping[str, float]) -> tuple[Frame, Box]:
        """The mouth's part of the picture with the head at rest, [h, w, 3] RGB, and where it belongs."""
        left, top, right, bottom = box = self.boxes[0]
        out = Planes.empty(right - left, bottom - top)
        self.mouth(parameters, out)
        return out.rgb(), box

    def mouth(self, parameters: Mapping[str, float], out: Planes) -> None:
        """Draw into `out` what `patch` gives."""
        (patch,) = self._mouth.patches[self._mouth.find(parameters)[0]]
        out.put((0, 0, patch.y.shape[1], patch.y.shape[0]), patch)

    def planes(self, form: Form) -> DrawPlanes:
        """For one session's pictures; `stream` says what is not drawn again."""
        return planes(self, form)

    def unmoved(self, parameters: Mapping[str, float]) -> Unmoved:
        """The picture before the warp: ours, until the next call."""
        found = [one.find(parameters) for one in (self._mouth, self._eyes)]
        marks = (found[0][1], found[1][1])
        if marks != self._marks:
            # Eyes lie over the corners of the mouth's box, in which nothing moves.
            patches = (*self._mouth.patches[found[0][0]], *self._eyes.patches[found[1][0]])
            for box, patch in zip(self.boxes, patches, strict=True):
                self._source.put(box, patch)
            self._marks = marks
        return Unmoved(self._source, (marks[0], *marks[1:] * (len(self.boxes) - 1)))


class _Patches:
    """Of one region: what was drawn, and what draws it."""

    def __init__(self, avatar: Avatar, size: tuple[int, int], region: Region, near: float, kept: int) -> None:
        each = sum((right - left) * (bottom - top) * 3 // 2 for left, top, right, bottom in region.boxes)
        scale = size[0] / avatar.size[0], size[1] / avatar.size[1]
        self._names = region.names
        self._book = Book(avatar, region.layers, scale, near, max(16, kept // max(1, each))) if region.boxes else None
        self._pens = [_pen(avatar, size, box, scale, region) for box in region.boxes]
        self.patches: dict[int, tuple[Planes, ...]] = {}
        """By slot of the book."""
        self._marks: dict[int, int] = {}
        self._drawn = 0

    def find(self, parameters: Mapping[str, float]) -> tuple[int, int]:
        """The slot of the patches, and a number that no other content of it ever had."""
        if self._book is None:
            self.patches[0] = ()
            return 0, 0
        mine = {name: parameters.get(name, 0.0) for name in self._names}
        slot, new = self._book.find(mine)
        if new:
            self._drawn += 1
            self.patches[slot] = tuple(Planes.of(pen.frame(mine)) for pen in self._pens)
            self._marks[slot] = self._drawn
        return slot, self._marks[slot]


def _pen(avatar: Avatar, size: tuple[int, int], box: Box, scale: tuple[float, float], region: Region) -> Renderer:
    """Draws the box alone: without layers that never reach into it, on a picture of those below all that move."""
    inside = [layer for layer in avatar.layers if layer.id in region.layers or _reaches(layer, box, scale)]
    first = next(index for index, layer in enumerate(inside) if layer.id in region.layers)
    under, over = (_closed(avatar, layers) for layers in (inside[:first], inside[first:]))
    return Renderer(over, size, box, Renderer(under, size, box).frame({}) if inside[:first] else None)


def _closed(avatar: Avatar, layers: list[Layer]) -> Avatar:
    """Of these layers alone. What clips one without being among them is there, and not to be seen."""
    ids = {layer.id for layer in layers}
    clips = {layer.clip for layer in layers} - ids
    hidden = [replace(layer, opacity=0.0, opacity_deltas={}) for layer in avatar.layers if layer.id in clips]
    there = {layer.id: layer for layer in (*layers, *hidden)}
    return replace(avatar, layers=[there[layer.id] for layer in avatar.layers if layer.id in there])


def _reaches(layer: Layer, box: Box, scale: tuple[float, float]) -> bool:
    """At rest. A curve stays within its control points."""
    line = layer.stroke.width if layer.stroke else 0.0
    x, y = layer.points[::2], layer.points[1::2]
    return (
        (min(x) - line) * scale[0] < box[2]
        and (max(x) + line) * scale[0] > box[0]
        and (min(y) - line) * scale[1] < box[3]
        and (max(y) + line) * scale[1] > box[1]
    )


def open_drawing(avatar: Avatar, size: tuple[int, int]) -> "DrawnRenderer | Renderer":
    """What draws it: from a codebook where that can be done, else whole."""
    parts = regions(avatar, size) if not (size[0] % CELL or size[1] % CELL) else None
    return Renderer(avatar, size) if parts is None else DrawnRenderer(avatar, size, parts.mouth, parts.eyes)

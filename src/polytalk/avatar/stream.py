"""One session's pictures for a video encoder: what has not moved since the last one is not drawn again."""

from abc import ABC, abstractmethod
from collections.abc import Hashable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.pictures import Box, DrawPlanes, Form, Frame
from polytalk.avatar.planes import Planes
from polytalk.avatar.warp import Floats, Warp, grown

HOLD = 0.25
"""Pixels of 512 that head and shoulders may be behind before they are warped anew ..."""
JUMP = 1.0
"""... on every other picture at most, as cartoons are drawn on twos; on any if they are behind by so much."""


class Unmoved(NamedTuple):
    """A picture with the head at rest."""

    planes: Planes
    marks: tuple[Hashable, ...]
    """For each of the renderer's boxes: where two pictures have the same, they look the same."""


class Layers(ABC):
    """Draws a face at one size, for any number of sessions: parts that change, and a warp that moves them all."""

    base: Planes
    """At rest; not to be written to."""
    warp: Warp
    size: tuple[int, int]
    """Width and height of the picture."""
    boxes: tuple[Box, ...]
    """All that changes with the head at rest: the mouth, then the eyes."""

    @abstractmethod
    def unmoved(self, parameters: Mapping[str, float]) -> Unmoved:
        """The picture before the warp: the renderer's, until the next call."""

    @abstractmethod
    def mouth(self, parameters: Mapping[str, float], out: Planes) -> None:
        """Draw the first box with the head at rest into `out`, of its size."""

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

    def planes(self, form: Form) -> DrawPlanes:
        """What draws one session's pictures for a video encoder: what has not moved is not drawn again."""
        if form == "full":
            return FaceStream(self).draw
        left, top, right, bottom = self.boxes[0]
        out = Planes.empty(right - left, bottom - top)

        def mouth(parameters: Mapping[str, float]) -> Planes:
            self.mouth(parameters, out)
            return out

        return mouth


class FaceStream:
    """Draws one face for one session, in order. Not for several threads; the renderer may serve many streams."""

    def __init__(self, renderer: Layers, out: Planes | None = None) -> None:
        """`out` is where pictures are drawn, the renderer's size: an encoder's own planes save a copy."""
        self.planes = out if out is not None else Planes.empty(*renderer.size)
        self.planes.put((0, 0, *renderer.size), renderer.base)
        self._renderer = renderer
        self._pose: NDArray[np.float32] | None = None
        self._field: Floats = np.zeros((0, 0, 2), np.float32)
        self._boxes: list[Box] = []
        self._on_twos = False
        self._marks: tuple[Hashable, ...] = ()

    def draw(self, parameters: Mapping[str, float]) -> Planes:
        """Bring `planes` to `parameters`, and give them."""
        renderer = self._renderer
        source, marks = renderer.unmoved(parameters)
        if self._turn(renderer.warp.pose(parameters)):
            changed = [renderer.warp.box]
        else:
            seen = zip(self._boxes, marks, self._marks, strict=True)
            changed = [box for box, mark, before in seen if mark != before]
        self._marks = marks
        for box in changed:
            renderer.warp.apply(self._field, source, box, self.planes.cut(box))
        return self.planes

    def _turn(self, pose: NDArray[np.float32]) -> bool:
        """Whether the head takes over this pose; it does if it is far enough from the last one."""
        renderer = self._renderer
        unit = max(renderer.size) / 512
        if self._pose is not None:
            behind = renderer.warp.bound(pose - self._pose)
            if behind <= (JUMP if self._on_twos else HOLD) * unit:
                self._on_twos = False
                return False
        self._on_twos = True
        self._pose, self._field = pose, renderer.warp.field(pose)
        by = int(np.ceil(np.abs(self._field).max())) + 1
        self._boxes = [grown(box, by, renderer.size) for box in renderer.boxes]
        return True

"""One session's pictures for a video encoder: what has not moved since the last one is not drawn again."""

from collections.abc import Hashable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.pictures import Box, DrawPlanes, Form
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


class Layers(Protocol):
    """What draws a face at one size: parts that change, and a warp that moves them all."""

    base: Planes
    warp: Warp

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture."""
        ...

    @property
    def boxes(self) -> tuple[Box, ...]:
        """All that changes with the head at rest, the mouth first."""
        ...

    def unmoved(self, parameters: Mapping[str, float], /) -> Unmoved:
        """The picture before the warp: the renderer's, until the next call."""
        ...

    def mouth(self, parameters: Mapping[str, float], out: Planes, /) -> None:
        """Draw the first box with the head at rest into `out`, of its size."""
        ...


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


def planes(renderer: Layers, form: Form) -> DrawPlanes:
    """What draws one session's pictures."""
    if form == "full":
        return FaceStream(renderer).draw
    left, top, right, bottom = renderer.boxes[0]
    out = Planes.empty(right - left, bottom - top)

    def mouth(parameters: Mapping[str, float]) -> Planes:
        renderer.mouth(parameters, out)
        return out

    return mouth

"""One session's pictures for a video encoder: what has not moved since the last one is not drawn again."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.face import Floats
from polytalk.avatar.photo.mesh import Box
from polytalk.avatar.photo.planes import Planes
from polytalk.avatar.photo.renderer import PhotoRenderer
from polytalk.avatar.photo.warp import grown

HOLD = 0.25
"""Pixels of 512 that head and shoulders may be behind before they are warped anew ..."""
JUMP = 1.0
"""... on every other picture at most, as cartoons are drawn on twos; on any if they are behind by so much."""


class PhotoStream:
    """Draws one face for one session, in order. Not for several threads; the renderer may serve many streams."""

    def __init__(self, renderer: PhotoRenderer, out: Planes | None = None) -> None:
        """`out` is where pictures are drawn, the renderer's size: an encoder's own planes save a copy."""
        side = renderer.face.size
        self.planes = out if out is not None else Planes.empty(side, side)
        self.planes.put((0, 0, side, side), renderer.base)
        self._renderer, self._side = renderer, side
        self._pose: NDArray[np.float32] | None = None
        self._field: Floats = np.zeros((0, 0, 2), np.float32)
        self._boxes: list[Box] = []
        self._on_twos = False
        self._blink = 0.0

    def draw(self, parameters: Mapping[str, float]) -> Planes:
        """Bring `planes` to `parameters`, and give them."""
        renderer = self._renderer
        source = renderer.unmoved(parameters)
        blink = parameters.get("blink", 0.0)
        if self._turn(renderer.warp.pose(parameters)):
            changed = [renderer.warp.box]
        else:
            changed = self._boxes if blink != self._blink else self._boxes[:1]
        self._blink = blink
        for box in changed:
            renderer.warp.apply(self._field, source, box, self.planes.cut(box))
        return self.planes

    def _turn(self, pose: NDArray[np.float32]) -> bool:
        """Whether the head takes over this pose; it does if it is far enough from the last one."""
        renderer, unit = self._renderer, self._side / 512
        if self._pose is not None:
            behind = renderer.warp.bound(pose - self._pose)
            if behind <= (JUMP if self._on_twos else HOLD) * unit:
                self._on_twos = False
                return False
        self._on_twos = True
        self._pose, self._field = pose, renderer.warp.field(pose)
        by = int(np.ceil(np.abs(self._field).max())) + 1
        faces = (renderer.face.jaw_box, *renderer.face.eye_boxes)
        self._boxes = [grown(box, by, self._side) for box in faces]
        return True

"""The fast way to draw a face: mouth and lids from stored patches, then one warp for all that is smooth.

`mesh` is the reference; `measure` says how far this one is from it. What is drawn for a video goes by `stream`.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping

import cv2
import numpy as np

from polytalk.avatar.photo.codebook import SIZE, Blend, Codebook
from polytalk.avatar.photo.face import Floats, PhotoFace, Picture
from polytalk.avatar.photo.mesh import Box, Pen
from polytalk.avatar.photo.mouths import MeshMouths, Mouths
from polytalk.avatar.photo.moves import warp_of
from polytalk.avatar.photo.scale import resized
from polytalk.avatar.planes import Planes
from polytalk.avatar.shelf import Shelf
from polytalk.avatar.stream import Layers, Unmoved

LIDS = 12
"""Stored steps of a blink."""
_OPEN = 0.01
"""A blink below it is none."""
SMILES = 32
"""Steps of a smile in patches: a fifth of a pixel each."""
_SMILING = 256
"""Patches that are kept with a smile: speakers keep theirs for seconds."""


class PhotoRenderer(Layers):
    """Draws one face at one size, for any number of sessions. Not for several threads.

    Patches are drawn when they are first needed.
    """

    def __init__(self, face: PhotoFace, size: int = 512, shelf: Shelf | None = None) -> None:
        """`size` is the side of the picture, a multiple of 32; `shelf` keeps patches of this very face at this size."""
        cv2.setNumThreads(1)  # a worker has one core
        self.face = resized(face, size)
        self._shelf = shelf
        self.codebook = self._open_codebook()
        self.warp = warp_of(self.face)
        self.base = Planes.of(self.face.portrait)
        self.size = (size, size)
        self.boxes = (self.face.jaw_box, *self.face.eye_boxes)
        self._pen = Pen(self.face)
        self._own: Mouths = MeshMouths(self.face, self.codebook, self._pen)
        self._mouths: Mouths = self._own
        self._patches: dict[int, Planes] = {}
        self._lids: dict[tuple[int, int], Planes] = {}
        self._source = Planes(*(plane.copy() for plane in self.base))
        self._blink = 0.0
        self._smiling: OrderedDict[tuple[int, int], Planes] = OrderedDict()
        self._smile: tuple[int, Floats] | None = None

    def speak_with(self, mouths: Mouths) -> None:
        """Take other mouths than the mesh's; what was kept of those is no longer used."""
        self._mouths = mouths
        self.boxes = (mouths.box, *self.face.eye_boxes)
        self._patches.clear()
        self._smiling.clear()
        self._source = Planes(*(plane.copy() for plane in self.base))
        self._blink = 0.0

    def warm(self) -> None:
        """Draw all patches now: some seconds, once a face and size, instead of a stall in the first sentence."""
        for code in range(SIZE):
            self._mouth(code)
        for eye in range(len(self.face.eye_boxes)):
            for step in range(1, LIDS + 1):
                self._lid(eye, step)

    def unmoved(self, parameters: Mapping[str, float]) -> Unmoved:
        """The picture before the warp: ours, until the next call."""
        blend = self._blend(parameters, self._source.cut(self.boxes[0]))
        blink = min(1.0, parameters.get("blink", 0.0))
        blink = blink if blink > _OPEN else 0.0
        if blink != self._blink:
            for eye, box in enumerate(self.face.eye_boxes):
                low = min(int(blink * LIDS), LIDS - 1)
                first, second = self._lid(eye, low), self._lid(eye, low + 1)
                self._source.cut(box).blend(first, second, blink * LIDS - low)
            self._blink = blink
        return Unmoved(self._source, (blend, *[blink] * len(self.face.eye_boxes)))

    def mouth(self, parameters: Mapping[str, float], out: Planes) -> None:
        """Draw into `out` what `patch` gives."""
        smile = round(min(1.0, max(0.0, parameters.get("smile", 0.0))) * SMILES)
        self._blend(parameters, out, smile)

    def _blend(self, parameters: Mapping[str, float], out: Planes, smile: int = 0) -> Blend:
        blend = self._mouths.find(parameters)
        first = self._smiled(blend.first, smile)
        out.blend(first, self._smiled(blend.second, smile) if blend.share > 0.0 else first, blend.share)
        return blend

    def _smiled(self, code: int, smile: int) -> Planes:
        """A blend of warped patches is the warp of their blend, so that a smile need not be warped at every picture."""
        if not smile:
            return self._mouth(code)
        key = code, smile
        if key not in self._smiling:
            if len(self._smiling) == _SMILING:
                self._smiling.popitem(last=False)
            left, top, right, bottom = box = self.boxes[0]
            self._source.put(box, self._mouth(code))
            smiling = Planes.empty(right - left, bottom - top)
            self.warp.apply(self._smile_field(smile), self._source, box, smiling)
            self._smiling[key] = smiling
        self._smiling.move_to_end(key)
        return self._smiling[key]

    def _smile_field(self, smile: int) -> Floats:
        if self._smile is None or self._smile[0] != smile:
            self._smile = smile, self.warp.field(self.warp.pose({"smile": smile / SMILES}))
        return self._smile[1]

    def _mouth(self, code: int) -> Planes:
        if code not in self._patches:
            mouths = self._mouths
            kept = mouths is self._own  # a patch of others takes less to draw than to read
            name = f"mouth-{code}" if kept else ""
            self._patches[code] = self._kept(name, mouths.box, lambda: mouths.draw(code))
        return self._patches[code]

    def _open_codebook(self) -> Codebook:
        """By its choice of shapes, if that was made before: it takes a second."""
        kept = self._shelf.read("codes", 4 * SIZE) if self._shelf is not None else None
        if kept is not None:
            return Codebook(self.face, np.frombuffer(kept, "<u4").astype(np.intp))
        made = Codebook(self.face)
        if self._shelf is not None:
            self._shelf.write("codes", [made.chosen.astype("<u4").tobytes()])
        return made

    def _kept(self, name: str, box: Box, draw: Callable[[], Picture]) -> Planes:
        """From the shelf, or drawn and put there; without a name, drawn."""
        width, height = box[2] - box[0], box[3] - box[1]
        shelf = self._shelf if name else None
        data = shelf.read(name, width * height * 3 // 2) if shelf is not None else None
        if data is not None:
            return Planes.read(data, width, height)
        made = Planes.of(draw())
        if shelf is not None:
            shelf.write(name, [plane.tobytes() for plane in made])
        return made

    def _lid(self, eye: int, step: int) -> Planes:
        key = (eye, step)
        if key not in self._lids:
            box = self.face.eye_boxes[eye]
            self._lids[key] = self._kept(f"lid-{eye}-{step}", box, lambda: self._pen.draw({"blink": step / LIDS}, box))
        return self._lids[key]

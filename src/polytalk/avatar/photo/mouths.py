"""Where a photographed face's mouths come from: by default its mesh."""

from collections.abc import Mapping
from typing import Protocol

from polytalk.avatar.photo.codebook import Blend, Codebook
from polytalk.avatar.photo.face import PhotoFace, Picture
from polytalk.avatar.photo.mesh import Pen
from polytalk.avatar.pictures import Box


class Mouths(Protocol):
    """Numbered mouths of one face at one size."""

    box: Box
    """Where they belong, in multiples of 4."""

    def find(self, parameters: Mapping[str, float], /) -> Blend:
        """The two whose blend is nearest to the parameters."""
        ...

    def draw(self, code: int, /) -> Picture:
        """One of them with the head at rest, [h, w, 3] RGB of the box. Asked for once."""
        ...


class MeshMouths:
    """The shapes of a codebook, drawn from the mesh."""

    def __init__(self, face: PhotoFace, codebook: Codebook, pen: Pen) -> None:
        self._face, self._codebook, self._pen = face, codebook, pen
        self.box: Box = face.jaw_box

    def find(self, parameters: Mapping[str, float]) -> Blend:
        """By where the lips are."""
        return self._codebook.find(self._codebook.terms.vector(parameters))

    def draw(self, code: int) -> Picture:
        """Some 10 ms."""
        left, top, right, bottom = self.box
        under = self._face.portrait[top:bottom, left:right]
        return self._pen.draw(self._codebook.parameters(code), self.box, on=under)

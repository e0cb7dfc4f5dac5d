"""What draws an avatar, whatever it is made of."""

from collections.abc import Mapping
from typing import Protocol

from polytalk.avatar.bundle import Motion
from polytalk.avatar.library import Bundle
from polytalk.avatar.pictures import Box, DrawPlanes, Form, Frame
from polytalk.avatar.shelf import Shelf
from polytalk.errors import BadInput

GRID = 32
"""A photograph's pictures have sides of multiples of it."""


class Renderer(Protocol):
    """Draws one avatar at one size, on one thread."""

    def frame(self, parameters: Mapping[str, float], /) -> Frame:
        """The picture under the parameters, [H, W, 3] RGB; the caller's own."""
        ...

    def patch(self, parameters: Mapping[str, float], /) -> tuple[Frame, Box]:
        """The part that speech moves, [h, w, 3] RGB, and where it belongs: the same place every time. To be copied."""
        ...

    def planes(self, form: Form, /) -> DrawPlanes | None:
        """For the pictures of one session as video encoders take them; None of what draws in RGB alone."""
        ...


def open_renderer(avatar: Bundle, size: int | tuple[int, int], shelf: Shelf | None = None) -> tuple[Motion, Renderer]:
    """What the avatar does by itself, and what draws it; `size` is a side, or (width, height).

    `shelf` keeps patches of this very avatar at this size, as this version draws them.

    Raises BadInput for bundles that can't be drawn, and for photographs that are not to be square.
    """
    width, height = (size, size) if isinstance(size, int) else size
    if avatar.kind == "illustrated":
        from polytalk.avatar.drawn.renderer import open_drawing

        return avatar.motion, open_drawing(avatar.art, (width, height), shelf)
    if width != height or width % GRID:
        raise BadInput(
            f"a photograph's pictures are square, with a side of {GRID}, {2 * GRID}, {3 * GRID} … pixels; "
            f"not {width} x {height}",
            param="size",
        )
    from polytalk.avatar.photo.face import PhotoFace
    from polytalk.avatar.photo.renderer import PhotoRenderer

    face = PhotoFace.load(avatar.folder / "face")
    return face.motion, PhotoRenderer(face, width, shelf)

"""The visible AI-generated label, burnt into frames.

EU AI Act, article 50, asks that people can tell; China's GB 45438-2025 asks for a text that names AI and its making,
at least 5 % of the picture's shortest side tall, for at least the first two seconds. The default meets both for the
whole of the video. What is written into the file's metadata is in `marking`.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.strokes import PEN, Stroke, text_strokes

Place: TypeAlias = Literal["top-left", "top-right", "bottom-left", "bottom-right"]

LABEL_TEXT: Final = {"en": "AI-generated", "zh": "AI生成"}
"""By ISO 639-1 code; any other language gets the English one."""
TEXT_HEIGHT: Final = 0.056
"""An em as a share of the shortest side: a Chinese sign's ink is 0.96 em, so more than 5 % of the side."""

LEAST_SIDE: Final = 96
"""Pixels of a square picture that has room for it."""

_INK = np.array([255, 255, 255], np.float32)
_PLATE = np.array([10, 12, 16], np.float32)
_PLATE_OPACITY = 0.6  # white text then has a contrast of 5 : 1 even on white
_LUMA = np.array([0.2126, 0.7152, 0.0722]) * 219 / 255  # BT.709 in the limited range
_BLACK, _GREY = 16, 128
_PADDING = (0.5, 0.32)  # beside and above the text, in em
_MARGIN = 0.5


@dataclass(frozen=True, slots=True)
class VisibleLabel:
    """A label made ready for one size of picture; `apply` takes less than 0.1 ms for one of 512 x 512."""

    top: int
    left: int
    keep: NDArray[np.uint16]
    """What the label leaves of the picture, in 1/256, [h, w, 1]."""
    ink: NDArray[np.uint16]
    """What the label adds, in 1/256 of a level, [h, w, 3]."""

    def apply(self, frames: NDArray[np.uint8]) -> None:
        """Blend the label into pictures [..., height, width, 3] in place."""
        height, width = self.keep.shape[:2]
        under = frames[..., self.top : self.top + height, self.left : self.left + width, :]
        under[...] = (under * self.keep + self.ink) >> 8

    def on_planes(self) -> "PlaneLabel":
        """The same for pictures in Y'CbCr 4:2:0."""
        height, width = self.keep.shape[:2]
        rows, columns = ((at % 2, -(at + size) % 2) for at, size in ((self.top, height), (self.left, width)))
        keep = np.pad(self.keep[..., 0] / 256, (rows, columns), constant_values=1)
        ink = np.pad(self.ink / 256 @ _LUMA, (rows, columns))
        half = keep.reshape(len(keep) // 2, 2, -1, 2).mean((1, 3))
        terms = ((keep, ink + _BLACK * (1 - keep)), (half, _GREY * (1 - half)))  # what is printed has no colour
        return PlaneLabel(self.top - rows[0], self.left - columns[0], *(_fixed(share, added) for share, added in terms))


Fixed: TypeAlias = tuple[NDArray[np.uint16], NDArray[np.uint16]]
"""What is left of a plane, in 1/256, and what is added, in 1/256 of a level."""


@dataclass(frozen=True, slots=True)
class PlaneLabel:
    """A label for the planes of a picture with even sides."""

    top: int
    left: int
    light: Fixed
    """[h, w], both even …"""
    colour: Fixed
    """… and half of them."""

    def apply(self, planes: tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]) -> None:
        """Blend the label into Y', Cb and Cr in place."""
        for plane, (keep, ink), scale in zip(planes, (self.light, self.colour, self.colour), (1, 2, 2), strict=True):
            top, left, (height, width) = self.top // scale, self.left // scale, keep.shape
            under = plane[top : top + height, left : left + width]
            under[...] = (under * keep + ink) >> 8


def _fixed(keep: NDArray[np.float64], ink: NDArray[np.float64]) -> Fixed:
    return np.rint(keep * 256).astype(np.uint16), np.floor(ink * 256).astype(np.uint16) + 127


def visible_label(
    width: int, height: int, language: str = "en", place: Place = "bottom-right", text: str | None = None
) -> VisibleLabel:
    """The label for pictures of that size. `text` replaces the language's own.

    Raises BadInput when the text has a sign that is not drawn, or the picture is too small for it.
    """
    return _made(width, height, text or LABEL_TEXT.get(language, LABEL_TEXT["en"]), place)


@lru_cache(maxsize=64)
def _made(width: int, height: int, text: str, place: Place) -> VisibleLabel:
    em = TEXT_HEIGHT * min(width, height)
    strokes, length = text_strokes(text)
    patch_height, patch_width = round(em * (1.06 + 2 * _PADDING[1])), round(em * (length + 2 * _PADDING[0]))
    margin = round(em * _MARGIN)
    if patch_width + 2 * margin > width or patch_height < 8:
        raise BadInput(f"a picture of {width}x{height} has no room for the label {text!r}; make it larger")
    pen = _pen(strokes, em, patch_height, patch_width)[..., None]
    plate = (_plate(patch_height, patch_width) * _PLATE_OPACITY)[..., None]
    opacity = pen + plate * (1 - pen)
    ink = pen * _INK + plate * (1 - pen) * _PLATE
    return VisibleLabel(
        top=margin if place.startswith("top") else height - margin - patch_height,
        left=margin if place.endswith("left") else width - margin - patch_width,
        keep=np.rint((1 - opacity) * 256).astype(np.uint16),
        ink=np.floor(ink * 256).astype(np.uint16) + 127,  # 127: so that the shift rounds
    )


def _pixel_centres(height: int, width: int) -> NDArray[np.float32]:
    """[height, width, 2] of x, y."""
    return np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1).astype(np.float32)


def _pen(strokes: list[Stroke], em: float, height: int, width: int) -> NDArray[np.float32]:
    """How much of each pixel the pen covers, by the pixel's distance from the pen's path."""
    pixels = _pixel_centres(height, width)
    radius = em * PEN / 2
    distance = np.full((height, width), np.inf, np.float32)
    for stroke in strokes:
        points = (stroke + np.array(_PADDING, np.float32)) * np.float32(em)
        left, top = np.maximum(np.floor(points.min(0) - radius - 1), 0).astype(int)
        right, bottom = np.ceil(points.max(0) + radius + 1).astype(int)
        near, nearest = pixels[top:bottom, left:right], distance[top:bottom, left:right]
        for start, end in pairwise(points):
            path = end - start
            along = np.clip((near - start) @ path / max(float(path @ path), 1e-9), 0, 1)
            np.minimum(nearest, np.linalg.norm(near - start - along[..., None] * path, axis=-1), out=nearest)
    covered: NDArray[np.float32] = np.clip(0.5 + radius - distance, 0, 1)
    return covered


def _plate(height: int, width: int) -> NDArray[np.float32]:
    """A rounded plate with soft edges, 0..1."""
    radius, soft = height * 0.3, max(1.0, height * 0.06)
    half = np.array([width, height], np.float32) / 2
    outside = np.abs(_pixel_centres(height, width) - half) - (half - radius)
    distance = np.linalg.norm(np.maximum(outside, 0), axis=-1) - radius
    plate: NDArray[np.float32] = np.clip(-distance / soft, 0, 1)
    return plate * plate * (3 - 2 * plate)

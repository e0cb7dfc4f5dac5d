"""Pictures as video encoders take them, Y'CbCr 4:2:0: planes to draw into, and how a stream says what they mean."""

from collections.abc import Iterator
from typing import Any, TypeAlias, cast

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.labels import VisibleLabel
from polytalk.types import Pictures

Plane: TypeAlias = NDArray[np.uint8]
Planes: TypeAlias = tuple[Plane, Plane, Plane]
"""Y' [H, W], Cb and Cr [H / 2, W / 2], BT.709 in the limited range."""


def planes_of(frame: av.VideoFrame) -> Planes:
    """A frame's own memory: what is written there is what it shows."""
    y, u, v = (
        np.frombuffer(cast(memoryview, plane), np.uint8).reshape(-1, plane.line_size)[:, : plane.width]
        for plane in frame.planes
    )
    return y, u, v


def blank(width: int, height: int) -> av.VideoFrame:
    """A frame to draw into; both sides are even."""
    return av.VideoFrame(width, height, "yuv420p")


def split(picture: NDArray[np.uint8], width: int, height: int) -> Planes:
    """Views of a picture whose planes lie one after another."""
    whole, half = width * height, width * height // 4
    chroma = height // 2, width // 2
    return (
        picture[:whole].reshape(height, width),
        picture[whole : whole + half].reshape(chroma),
        picture[whole + half : whole + 2 * half].reshape(chroma),
    )


def declare(context: Any) -> None:
    """Have an encoder write what its numbers mean: pictures of this size are else read as BT.601 by some players and as
    BT.709 by others."""
    context.colorspace, context.color_range = Colorspace.ITU709, ColorRange.MPEG
    context.color_primaries, context.color_trc = ColorPrimaries.BT709, ColorTrc.BT709


class Canvas:
    """Pictures of one size, or the same part of each, on their way into an encoder."""

    def __init__(
        self,
        width: int,
        height: int,
        label: VisibleLabel | None = None,
        part_of: tuple[int, int, int, int] | None = None,
    ) -> None:
        """The label is put on every picture. `part_of`: left and top of the part, width and height of the whole.

        Raises BadInput for odd sides, and for a part that is none.
        """
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise BadInput(f"pictures need an even width and height, not {width}x{height}")
        self._size = width, height
        self._left, self._top, *whole = part_of or (0, 0, width, height)
        self._whole = whole[0], whole[1]
        if self._left + width > whole[0] or self._top + height > whole[1]:
            raise BadInput(f"a part of {width}x{height} at {self._left}, {self._top} is not within {self._whole}")
        self._to_yuv = VideoReformatter()  # kept: setting it up costs as much as converting a picture
        self._label = label.on_planes() if label is not None else None
        self._frame = blank(width, height)  # an encoder has copied what is on it by the time it gives the packet

    def frames(self, pictures: Pictures) -> Iterator[av.VideoFrame]:
        """Each of them; one is of no more use when the next is asked for. Raises BadInput for another size."""
        width, height = self._whole
        if (pictures.width, pictures.height) != self._whole:
            raise BadInput(f"pictures of {pictures.width}x{pictures.height} are no part of a film of {width}x{height}")
        for picture in np.frombuffer(pictures.pixels, np.uint8).reshape(-1, pictures.room):
            frame = self._planar(picture) if pictures.layout == "yuv420" else self._converted(picture)
            if self._label is not None:
                self._label.apply(planes_of(frame))
            yield frame

    def _planar(self, picture: NDArray[np.uint8]) -> av.VideoFrame:
        for mine, given, scale in zip(planes_of(self._frame), split(picture, *self._whole), (1, 2, 2), strict=True):
            top, left = self._top // scale, self._left // scale
            mine[...] = given[top : top + mine.shape[0], left : left + mine.shape[1]]
        return self._frame

    def _converted(self, picture: NDArray[np.uint8]) -> av.VideoFrame:
        (width, height), (columns, rows) = self._size, self._whole
        whole = picture.reshape(rows, columns, 3)
        part = whole[self._top : self._top + height, self._left : self._left + width]
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(part), "rgb24")
        return self._to_yuv.reformat(
            frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )

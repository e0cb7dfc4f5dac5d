"""Pictures as video encoders take them, Y'CbCr 4:2:0: planes to draw into, and how a stream says what they mean."""

from typing import Any, TypeAlias, cast

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from numpy.typing import NDArray

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

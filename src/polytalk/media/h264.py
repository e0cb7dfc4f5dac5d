"""Pictures that are drawn as Y'CbCr 4:2:0 right where the H.264 encoder reads them: no copy, no conversion."""

from fractions import Fraction
from typing import Final

import av

from polytalk.errors import BadInput
from polytalk.media.yuv import blank, declare, planes_of

LIVE: Final = {"preset": "ultrafast", "tune": "zerolatency", "qp": "24", "bf": "0"}
"""Of x264. A constant quantiser: to plan a bit rate it would search every picture for movement a second time."""
KEY_EVERY = 10
"""Seconds."""


class PlaneEncoder:
    """Encodes one stream of pictures, on one thread at a time."""

    def __init__(self, width: int, height: int, fps: int = 25) -> None:
        """Raises BadInput for an odd size."""
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise BadInput(f"pictures need an even width and height, not {width}x{height}")
        self._frame = blank(width, height)
        self.planes = planes_of(self._frame)
        """To be drawn into before each `encode`."""
        self._frame.time_base = Fraction(1, fps)
        self._next = 0
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, fps), Fraction(fps)
        context.gop_size, context.thread_count = KEY_EVERY * fps, 1
        declare(context)
        context.options = dict(LIVE)
        self._context = context

    def encode(self) -> bytes:
        """The picture that is in the planes now, Annex B."""
        self._frame.pts = self._next
        self._next += 1
        return b"".join(bytes(packet) for packet in self._context.encode(self._frame))

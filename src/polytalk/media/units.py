"""Pictures as access units, one encoded picture each: encoded once, and packetised for each who watches.

Annex B with its parameter sets before every key picture for H.264 (RFC 6184), frames for VP8 (RFC 7741).
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final, cast

import av
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType
from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.media.fragments import Encoding
from polytalk.media.h264 import LIVE
from polytalk.media.labels import VisibleLabel
from polytalk.media.yuv import Canvas, declare
from polytalk.types import Pictures, Seconds

CODECS: Final = {
    "h264": ("libx264", LIVE | {"profile": "baseline", "forced-idr": "1"}),
    "vp8": (
        "libvpx",
        {
            "deadline": "realtime",
            "cpu-used": "8",
            "lag-in-frames": "0",
            "crf": "24",
            "b": "1500k",  # the upper bound of what a constant quality may take
            "static-thresh": "100",
            "auto-alt-ref": "0",
        },
    ),
}
"""By name, FFmpeg's encoder and its options."""
KEY_EVERY: Final = 10.0
"""Seconds between whole pictures, at most; who lost something asks for one sooner."""


class Unit(Struct, frozen=True):
    """A picture."""

    data: bytes
    at: Seconds
    """When it is shown, on the timeline of its writer."""
    key: bool
    """Whether it needs no other."""


class UnitWriter:
    """Encodes one run of pictures, on one thread at a time. The object may be dropped at any moment."""

    init = b""

    def __init__(
        self,
        encoding: Encoding,
        fps: float,
        metadata: Mapping[str, str] | None = None,
        label: VisibleLabel | None = None,
    ) -> None:
        """As a film's writer; there is no place for metadata. Raises BadInput for pictures that can't be encoded."""
        if encoding.video not in CODECS:
            raise BadInput(f"access units are made in {' or '.join(CODECS)}, not in {encoding.video}")
        self._canvas = Canvas(encoding.width, encoding.height, label)
        self._fps = fps
        self._count = 0
        self.mime = f"video/{encoding.video}"
        self.wants_key = False
        """Set from any thread: the next picture is a key picture."""
        name, options = CODECS[encoding.video]
        context = cast(VideoCodecContext, av.CodecContext.create(name, "w"))
        context.width, context.height, context.pix_fmt = encoding.width, encoding.height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, round(fps)), Fraction(round(fps))
        context.gop_size, context.thread_count = round(KEY_EVERY * fps), 1
        context.options = dict(options)
        declare(context)
        self._context = context

    def push(self, audio: bytes, pictures: Pictures | None = None, shown_at: Seconds = 0.0) -> tuple[Unit, ...]:
        """Pictures, the first of them shown at `shown_at`; sound goes elsewhere. Raises BadInput for another size."""
        return () if pictures is None else tuple(self._encoded(pictures, shown_at))

    def finish(self) -> tuple[Unit, ...]:
        """The rest: none, as encoders that wait are of no use live."""
        return ()

    def _encoded(self, pictures: Pictures, shown_at: Seconds) -> Any:
        for index, frame in enumerate(self._canvas.frames(pictures)):
            frame.pts, frame.time_base = self._count, self._context.time_base
            frame.pict_type = PictureType.I if self.wants_key else PictureType.NONE
            self.wants_key = False
            self._count += 1
            packets = self._context.encode(frame)
            data = b"".join(bytes(packet) for packet in packets)
            yield Unit(data, shown_at + index / self._fps, any(packet.is_keyframe for packet in packets))

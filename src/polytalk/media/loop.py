"""Pictures without sound as a small file that a player repeats."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from io import BytesIO
from typing import Final, cast

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from polytalk.media.fragments import VideoCodec
from polytalk.media.h264 import LIVE
from polytalk.media.labels import VisibleLabel
from polytalk.media.yuv import blank, declare, planes_of, split
from polytalk.types import Pictures

_CODECS: Final = {
    "h264": ("libx264", LIVE | {"qp": "22"}),  # somebody waits to see the face, and others to hear theirs
    "vp9": ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8", "crf": "28", "b": "0", "row-mt": "0"}),
}


class LoopWriter:
    """Encodes one, on one thread at a time. The object may be dropped at any moment."""

    def __init__(
        self, size: int, fps: int, codec: VideoCodec, tags: Mapping[str, str], label: VisibleLabel | None = None
    ) -> None:
        """Square pictures, `size` even; `tags` are the file's metadata, and the label is put on every picture."""
        self._file = BytesIO()
        self._size, self._fps, self._count = size, fps, 0
        self._label = label.on_planes() if label is not None else None
        self._to_yuv = VideoReformatter()
        self._container = av.open(self._file, "w", format="mp4", options={"movflags": "use_metadata_tags"})
        self._container.metadata.update(tags)
        name, options = _CODECS[codec]
        self._stream = cast(VideoStream, self._container.add_stream(name, fps, options=dict(options)))
        self._stream.width = self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.thread_count = 1
        declare(self._stream.codec_context)

    def write(self, pictures: Pictures) -> None:
        """Append some."""
        for frame in self._frames(pictures):
            if self._label is not None:
                self._label.apply(planes_of(frame))
            frame.pts, frame.time_base = self._count, Fraction(1, self._fps)
            self._count += 1
            self._container.mux(self._stream.encode(frame))

    def finish(self) -> bytes:
        """The file."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()

    def _frames(self, pictures: Pictures) -> Iterable[av.VideoFrame]:
        size = self._size
        for picture in np.frombuffer(pictures.pixels, np.uint8).reshape(-1, pictures.room):
            if pictures.layout == "yuv420":
                frame = blank(size, size)
                for mine, given in zip(planes_of(frame), split(picture, size, size), strict=True):
                    mine[...] = given
            else:
                frame = self._to_yuv.reformat(
                    av.VideoFrame.from_ndarray(picture.reshape(size, size, 3), "rgb24"),
                    format="yuv420p",
                    dst_colorspace=Colorspace.ITU709,
                    dst_color_range=ColorRange.MPEG,
                )
            yield frame

"""A clip without sound as a GIF: for places that show nothing else. Short and small, since GIF is neither."""

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import ClassVar, Final

import av
import av.filter
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.scenes import EncodedPicture
from polytalk.media.whole import Seal, Target, WholeFile, WholeWriter
from polytalk.types import Seconds

LONGEST: Final[Seconds] = 30.0
"""All pictures are held in memory until their common palette is known."""
LARGEST: Final = 480
"""Pixels a side."""
EVERY: Final = 2
"""Of the pictures that come, one in so many is kept: 12.5 a second; GIF counts in hundredths of a second."""


class GifWriter(WholeWriter):
    """Writes one clip with a palette of its own. A context manager like `VideoWriter`; sound is left out.

    Its palette is known at the end alone, so scenes are kept in a form that loses nothing.
    """

    video_codec: ClassVar[str] = "libx264"

    @classmethod
    def encoding(cls, fps: int) -> dict[str, str]:
        """Lossless, and of packets that can be decoded without the file's head."""
        return {"preset": "ultrafast", "qp": "0", "x264-params": "repeat-headers=1", "g": str(10 * fps)}

    def __init__(
        self,
        target: Target,
        width: int,
        height: int,
        fps: int,
        metadata: Mapping[str, str] | None = None,
        *,
        seal: Seal | None = None,
    ) -> None:
        """Raises BadInput for a size over `LARGEST`, SetupError if the folder can't be written."""
        if max(width, height) > LARGEST:
            raise BadInput(f"a GIF of {width}x{height} would be too large; give a --size of at most {LARGEST}")
        self.width, self.height, self.fps = width, height, fps
        self._file = WholeFile(target, ".gif", seal)
        self._comments = [f"{key}={value}" if key == "AIGC" else value for key, value in (metadata or {}).items()]
        self._graph = av.filter.Graph()
        self._frames = 0
        self._closed = False
        self._decoder: VideoCodecContext | None = None
        self._to_rgb = VideoReformatter()
        source = self._graph.add(
            "buffer", f"video_size={width}x{height}:pix_fmt=rgb24:time_base=1/100:pixel_aspect=1/1"
        )
        split, palette, use = (
            self._graph.add("split"),
            self._graph.add("palettegen"),
            self._graph.add("paletteuse", "dither=bayer:bayer_scale=4"),
        )
        sink = self._graph.add("buffersink")
        source.link_to(split)
        split.link_to(palette, 0, 0)
        split.link_to(use, 1, 0)
        palette.link_to(use, 0, 1)
        use.link_to(sink)
        self._graph.configure()
        with self._file.explained():
            self._file.part.touch()

    def write_frame(self, rgb: NDArray[np.uint8]) -> None:
        """Append a picture, [height, width, 3]; of `EVERY`, one is kept. Raises BadInput beyond `LONGEST`."""
        number = self._frames
        self._frames += 1
        if number % EVERY:
            return
        check_length(number, self.fps)
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
        frame.pts, frame.time_base = round(number * 100 / self.fps), Fraction(1, 100)
        self._graph.push(frame)

    def write_packet(self, packet: EncodedPicture, first: int) -> None:
        """Append a picture that was encoded before, as `encoding` says. Raises BadInput beyond `LONGEST`."""
        if self._decoder is None:
            decoder = av.CodecContext.create("h264", "r")
            assert isinstance(decoder, VideoCodecContext)
            decoder.thread_count = 1  # several would hold pictures back
            self._decoder = decoder
        self._decoded(packet.data)

    def _decoded(self, data: bytes | None) -> None:
        assert self._decoder is not None
        for frame in self._decoder.decode(av.Packet(data) if data else None):
            self.write_frame(rgb_of(frame, self._to_rgb))

    def write_audio(self, pcm: bytes) -> None:
        """A GIF has no sound."""

    def close(self) -> None:
        """Find the palette, write the pictures, and put the file in its place. Safe to call twice."""
        if self._closed:
            return
        try:
            if self._decoder is not None:
                self._decoded(None)
            if not self._frames:
                raise BadInput("the clip has no picture; write at least one frame")
            with self._file.explained():
                self._encode()
                self._comment()
            self._file.deliver()
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop what was written; after `close`, do nothing."""
        self._closed = True
        self._file.drop()

    def _encode(self) -> None:
        self._graph.push(None)
        with av.open(str(self._file.part), "w", format="gif", options={"loop": "0"}) as container:
            stream: VideoStream = container.add_stream("gif", Fraction(self.fps, EVERY))
            stream.width, stream.height, stream.pix_fmt = self.width, self.height, "pal8"
            stream.codec_context.time_base = Fraction(1, 100)
            with suppress(av.EOFError):  # the palette is known when all is in
                while True:
                    frame = self._graph.pull()
                    assert isinstance(frame, av.VideoFrame)
                    container.mux(stream.encode(frame))
            container.mux(stream.encode(None))

    def _comment(self) -> None:
        """Put comment extensions behind the header (GIF89a, section 24), which FFmpeg can't."""
        data = self._file.part.read_bytes()
        flags = data[10]
        place = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        blocks = b"".join(_extension(text.encode()) for text in dict.fromkeys(self._comments))
        self._file.part.write_bytes(data[:place] + blocks + data[place:])


def check_length(last: int, fps: int) -> None:
    """Raises BadInput for a GIF whose last picture has this number, if it is too long."""
    if last / fps > LONGEST:
        raise BadInput(f"a GIF may last {LONGEST:g} s; write an mp4 or webm, or say less")


def rgb_of(frame: av.VideoFrame, reformatter: VideoReformatter) -> NDArray[np.uint8]:
    """[height, width, 3] of a picture in Y'CbCr as encoders have it."""
    seen = reformatter.reformat(
        frame, format="rgb24", src_colorspace=Colorspace.ITU709, src_color_range=ColorRange.MPEG
    )
    return np.asarray(seen.to_ndarray(), np.uint8)


def _extension(content: bytes) -> bytes:
    pieces = (content[start : start + 255] for start in range(0, len(content), 255))
    return b"\x21\xfe" + b"".join(bytes((len(piece),)) + piece for piece in pieces) + b"\0"

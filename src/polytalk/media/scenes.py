"""Some of a clip's pictures, encoded by themselves: put one after another they are the clip's, as they are.

Every scene begins with a picture that needs none before it, and none of it needs another scene's (closed groups of
pictures). The encoder is a new one with the same settings each time, so that all scenes have the same parameter sets.
"""

from fractions import Fraction
from typing import ClassVar, Protocol

import av
from av.codec.context import Flags
from av.video.codeccontext import VideoCodecContext
from msgspec import Struct

from polytalk.errors import EngineFailed
from polytalk.media.yuv import declare


class SceneForm(Protocol):
    """A form of clips whose pictures are encoded scene by scene."""

    video_codec: ClassVar[str]
    """FFmpeg's name."""

    @classmethod
    def encoding(cls, fps: int) -> dict[str, str]:
        """Options of the encoder."""
        ...


class EncodedPicture(Struct, frozen=True, array_like=True):
    """A packet; times are in pictures from the scene's first one."""

    data: bytes
    pts: int
    dts: int
    key: bool


class Scene(Struct, frozen=True):
    """In the order in which a file has them."""

    pictures: list[EncodedPicture]


class SceneEncoder:
    """Encodes one scene as `form` would. Not for several threads."""

    def __init__(self, form: type[SceneForm], width: int, height: int, fps: int, threads: int = 0) -> None:
        context = av.CodecContext.create(form.video_codec, "w")
        assert isinstance(context, VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, fps), Fraction(fps)
        context.options = form.encoding(fps)
        context.thread_count = threads
        context.flags |= Flags.global_header  # as a stream of a file has it: parameter sets are in the file's head
        declare(context)
        self._context = context
        self._base = Fraction(1, fps)
        self._count = 0
        self._pictures: list[EncodedPicture] = []

    def write(self, frame: av.VideoFrame) -> None:
        """Append a picture; it may be drawn into again afterwards."""
        frame.pts, frame.time_base = self._count, self._base
        self._count += 1
        self._take(frame)

    def finish(self) -> Scene:
        """The whole scene. Raises EngineFailed when the encoder gave another number of pictures."""
        self._take(None)
        if len(self._pictures) != self._count or not self._count or not self._pictures[0].key:
            raise EngineFailed(f"the encoder gave {len(self._pictures)} pictures for {self._count}")
        return Scene(self._pictures)

    def _take(self, frame: av.VideoFrame | None) -> None:
        for packet in self._context.encode(frame):
            assert packet.pts is not None
            assert packet.dts is not None
            one = EncodedPicture(bytes(packet), packet.pts, packet.dts, packet.is_keyframe)
            self._pictures.append(one)

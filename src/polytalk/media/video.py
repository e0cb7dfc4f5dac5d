"""A clip as a file: pictures and sound, both on one timeline from sample 0. The forms are in `mp4` and `webm`.

Frame i is shown from i / fps s, sample n is heard at n / rate s, in whatever order the two are written. The file
appears under its name only when it is whole.
"""

from abc import abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import ClassVar

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.labels import PlaneLabel
from polytalk.media.pcm import samples
from polytalk.media.scenes import EncodedPicture
from polytalk.media.whole import Seal, Target, WholeFile, WholeWriter
from polytalk.media.yuv import Planes, blank, declare, planes_of
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds


class VideoWriter(WholeWriter):
    """Writes one clip. A context manager: leaving it closes the file, or drops it if an exception passes.

    Not for several threads. Memory stays bounded as long as pictures and sound are written side by side.
    """

    suffix: ClassVar[str]
    container: ClassVar[str]
    """FFmpeg's names: of the container, its options, and the encoders."""
    options: ClassVar[Mapping[str, str]]
    video_codec: ClassVar[str]
    audio_codec: ClassVar[str]
    audio_bitrate: ClassVar[int]
    rates: ClassVar[tuple[int, ...]]
    """Samples a second that the sound's encoder takes."""

    def __init__(
        self,
        target: Target,
        width: int,
        height: int,
        fps: int = 25,
        sample_rate: int = SPEECH_RATE,
        metadata: Mapping[str, str] | None = None,
        *,
        threads: int = 0,
        seal: Seal | None = None,
    ) -> None:
        """`metadata` are tags of the file, any keys; `threads` of the pictures' encoder, 0 for one a core.

        Raises BadInput for a size or rate that the encoders can't have, SetupError if the folder can't be written.
        """
        if width < 2 or height < 2 or width % 2 or height % 2:
            raise BadInput(f"pictures need an even width and height, not {width}x{height}; pad or crop by a pixel")
        if fps < 1:
            raise BadInput(f"frames per second must be at least 1, not {fps}")
        if sample_rate not in self.rates:
            known = ", ".join(map(str, self.rates))
            raise BadInput(f"{self.audio_codec} has no sample rate of {sample_rate}; use one of {known}")
        self.width, self.height, self.fps, self.sample_rate = width, height, fps, sample_rate
        self._file = WholeFile(target, self.suffix, seal)
        self._frames = 0
        self._samples = 0
        self._last: av.VideoFrame | None = None
        self._to_yuv = VideoReformatter()  # kept: setting it up costs as much as converting a frame
        self._closed = self._copied = False
        with self._file.explained():
            try:
                self._container = av.open(str(self._file.part), "w", format=self.container, options=dict(self.options))
                self._container.metadata.update(metadata or {})
                self._video = self._add_video(threads)
                self._audio: AudioStream = self._container.add_stream(self.audio_codec, sample_rate, layout="mono")  # type: ignore[assignment]
                self._audio.bit_rate = self.audio_bitrate
                self._container.start_encoding()
            except BaseException:
                self.abort()
                raise

    @property
    def duration(self) -> Seconds:
        """Length of the clip so far: of the pictures or the sound, whichever is longer."""
        return max(self._frames / self.fps, self._samples / self.sample_rate)

    def write_frame(self, rgb: NDArray[np.uint8]) -> None:
        """Append a picture, [height, width, 3]. Raises BadInput for another shape or type."""
        if rgb.shape != (self.height, self.width, 3) or rgb.dtype != np.uint8:
            wanted = f"uint8 [{self.height}, {self.width}, 3]"
            raise BadInput(f"a frame must be {wanted}, not {rgb.dtype} {list(rgb.shape)}")
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), "rgb24")
        self._last = self._to_yuv.reformat(
            frame, format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
        )
        self._show(self._last)

    def write_planes(self, planes: Planes, label: PlaneLabel | None = None) -> None:
        """Append a picture that is Y'CbCr already, with a label on it. Raises BadInput for another size."""
        if planes[0].shape != (self.height, self.width):
            raise BadInput(f"a frame must have [{self.height}, {self.width}] brightnesses, not {list(planes[0].shape)}")
        self._last = blank(self.width, self.height)
        for mine, given in zip(planes_of(self._last), planes, strict=True):
            mine[...] = given
        if label is not None:
            label.apply(planes_of(self._last))
        self._show(self._last)

    def write_still(self, frame: av.VideoFrame) -> None:
        """Append a picture as an encoder takes it, of the clip's own size; it may be drawn into again afterwards."""
        self._last = frame
        self._show(frame)

    def write_packet(self, packet: EncodedPicture, first: int) -> None:
        """Append a picture that was encoded before, by this form's encoder: one of a scene that begins with picture
        `first`. A clip has either these or pictures that are encoded now."""
        moved = av.Packet(packet.data)
        moved.pts, moved.dts, moved.duration = first + packet.pts, first + packet.dts, 1
        moved.time_base, moved.is_keyframe, moved.stream = Fraction(1, self.fps), packet.key, self._video
        with self._file.explained():
            self._container.mux(moved)
        self._frames += 1
        self._copied = True

    def write_audio(self, pcm: bytes) -> None:
        """Append sound, PCM16 mono at the clip's rate. Raises BadInput for half a sample."""
        signal = samples(pcm)
        if not len(signal):
            return
        frame = av.AudioFrame.from_ndarray(signal.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = self.sample_rate
        frame.pts = self._samples
        frame.time_base = Fraction(1, self.sample_rate)
        self._encode(self._audio, frame)
        self._samples += len(signal)

    def close(self) -> None:
        """Make pictures and sound equally long (last picture held, or silence), and put the file in its place.

        Raises BadInput when there is no picture, SetupError when the disk is full. Safe to call twice.
        """
        if self._closed:
            return
        try:
            if not self._frames:
                raise BadInput("the clip has no picture; write at least one frame")
            while self._last is not None and self._frames * self.sample_rate < self._samples * self.fps:
                self._show(self._last)
            missing = self._frames * self.sample_rate // self.fps - self._samples
            self.write_audio(bytes(max(0, missing) * SAMPLE_BYTES))
            if not self._copied:
                self._encode(self._video, None)
            self._encode(self._audio, None)
            with self._file.explained():
                self._container.close()
            self._file.deliver()
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop what was written; after `close`, do nothing."""
        self._closed = True
        if hasattr(self, "_container"):
            with suppress(OSError, av.FFmpegError):  # FFmpeg complains again of what has already been raised
                self._container.close()
        self._file.drop()

    @classmethod
    @abstractmethod
    def encoding(cls, fps: int) -> dict[str, str]:
        """Options of the pictures' encoder."""

    def _add_video(self, threads: int) -> VideoStream:
        stream: VideoStream = self._container.add_stream(self.video_codec, self.fps, options=self.encoding(self.fps))  # type: ignore[assignment]
        stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
        context = stream.codec_context
        context.thread_count = threads
        declare(context)
        return stream

    def _show(self, frame: av.VideoFrame) -> None:
        frame.pts = self._frames
        frame.time_base = Fraction(1, self.fps)
        self._encode(self._video, frame)
        self._frames += 1

    def _encode(self, stream: VideoStream | AudioStream, frame: av.VideoFrame | av.AudioFrame | None) -> None:
        if self._closed and frame is not None:
            raise ValueError("the clip is closed")
        with self._file.explained():
            self._container.mux(stream.encode(frame))  # type: ignore[arg-type]

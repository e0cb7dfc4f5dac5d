"""One answer as fragmented MP4 for a player that takes bytes as they come: pictures and sound on one timeline.

Sample 0 of the sound is second 0 of the pictures, whatever was said before: who plays answers one after another puts
each at an offset of its own. FFmpeg writes the init segment. The fragments are our own: its muxer holds the last frame
back until the next one is there, and cut frame by frame it dates pictures by the one after the next.
"""

from collections.abc import Mapping
from fractions import Fraction
from io import BytesIO
from math import ceil
from typing import Final, Literal, TypeAlias, cast, get_args

import av
from av.audio.stream import AudioStream
from av.video.stream import VideoStream
from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.media.boxes import Sample, declared_at_48k, fragment, length_prefixed, mime
from polytalk.media.h264 import LIVE
from polytalk.media.labels import VisibleLabel
from polytalk.media.pcm import samples
from polytalk.media.yuv import Canvas, declare
from polytalk.types import SPEECH_RATE, Pictures, Seconds

VideoCodec: TypeAlias = Literal["h264", "vp9", "vp8"]
AudioCodec: TypeAlias = Literal["opus", "aac"]
VIDEO_CODECS: Final[tuple[VideoCodec, ...]] = ("h264", "vp9")
AUDIO_CODECS: Final[tuple[AudioCodec, ...]] = get_args(AudioCodec)

MOVFLAGS = "empty_moov+default_base_moof+use_metadata_tags"
PICTURES, SOUND = 1, 2
"""Numbers of the tracks."""
CLOCK = Fraction(1, SPEECH_RATE)
"""The time base of both tracks: pictures are counted in samples of the sound."""
_VIDEO = {
    "h264": ("libx264", LIVE),
    "vp9": (
        "libvpx-vp9",
        {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "crf": "30", "b": "0", "row-mt": "0"},
    ),
}
_AUDIO = {"opus": ("libopus", {"application": "lowdelay", "frame_duration": "20"}), "aac": ("aac", {})}
AUDIO_BITRATE = 64_000


class Encoding(Struct, frozen=True):
    """What an answer is encoded as."""

    width: int = 512
    height: int = 512
    video: VideoCodec = "h264"
    """libx264 is GPL; libvpx, which makes vp9 and vp8, is not, and takes longer. vp8 is for calls over WebRTC."""
    audio: AudioCodec = "opus"
    bitrate: int = 0
    """Bits a second that the pictures take at most, over a second; 0 for what they need at a constant quality."""
    part_of: tuple[int, int, int, int] | None = None
    """Of pictures that are larger: left and top of the part that is shown, width and height of the whole; all even."""


class FragmentWriter:
    """Encodes one answer, on one thread at a time. The object may be dropped at any moment."""

    def __init__(
        self,
        encoding: Encoding,
        fps: float,
        metadata: Mapping[str, str] | None = None,
        label: VisibleLabel | None = None,
    ) -> None:
        """`metadata` are tags of the init segment, the label is put on every picture.

        Raises BadInput for pictures that can't be encoded.
        """
        self._size = encoding.width, encoding.height
        self._canvas = Canvas(*self._size, label, encoding.part_of)
        if fps <= 0:
            raise BadInput(f"pictures a second must be over 0, not {fps}")
        if encoding.video not in _VIDEO:
            raise BadInput(f"films have pictures in {' or '.join(_VIDEO)}, not in {encoding.video}")
        self._step = SPEECH_RATE / fps
        self._pictures = 0
        self._encoding = encoding
        self._number = 0
        file = BytesIO()
        self._last: av.VideoFrame | None = None
        self._heard = 0  # samples encoded
        self._coded = 0  # samples that came out of the encoder
        self._container = av.open(file, "w", format="mp4", options={"movflags": MOVFLAGS, "flush_packets": "1"})
        self._container.metadata.update(metadata or {})
        name, quality = _VIDEO[encoding.video]
        self._video = self._add_video(name, _bounded(encoding, quality), fps)
        name, options = _AUDIO[encoding.audio]
        self._audio = cast(AudioStream, self._container.add_stream(name, SPEECH_RATE, layout="mono", options=options))
        self._audio.bit_rate = AUDIO_BITRATE
        self._container.start_encoding()
        self.init = declared_at_48k(file.getvalue())
        """The init segment."""
        self.mime = mime(self.init)

    def push(self, audio: bytes, pictures: Pictures | None = None, shown_at: Seconds = 0.0) -> bytes:
        """The next sound, PCM16 at `SPEECH_RATE`, and the pictures shown during it, the first at `shown_at`.

        Gives a fragment with what is encoded by now: of the sound up to 43 ms wait for what comes next. A picture that
        is missing is the one before it. Raises BadInput for half a sample, or pictures of another size.
        """
        shown = self._draw(pictures, round(shown_at * SPEECH_RATE)) if pictures is not None else []
        signal = samples(audio)
        if not len(signal):
            return self._fragment(shown)
        frame = av.AudioFrame.from_ndarray(signal.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SPEECH_RATE, self._heard, CLOCK
        self._heard += len(signal)
        return self._fragment([*shown, *self._sound(frame)])

    def finish(self) -> bytes:
        """The rest, with pictures to the end of the sound."""
        return self._fragment([*self._hold(self._heard), *self._sound(None)])

    def _fragment(self, parts: list[Sample]) -> bytes:
        if not parts:
            return b""
        self._number += 1
        return fragment(self._number, parts)

    def _draw(self, pictures: Pictures, at: int) -> list[Sample]:
        shown = self._hold(at - self._step / 2)
        for picture in self._canvas.frames(pictures):
            self._last = picture
            shown += self._show()
        return shown

    def _due(self, number: int) -> int:
        """When a picture is shown, in samples: never by adding up what was rounded."""
        return round(number * self._step)

    def _hold(self, until: float) -> list[Sample]:
        """Show the last picture on: where one track has a hole, players stop."""
        missing = ceil(until / self._step - self._pictures) if self._last is not None else 0
        return [part for _ in range(missing) for part in self._show()]

    def _show(self) -> list[Sample]:
        assert self._last is not None
        due = self._due(self._pictures)
        self._last.pts, self._last.time_base = due, CLOCK
        parts = []
        for packet in self._video.encode(self._last):
            data = bytes(packet)
            parts.append(
                Sample(
                    PICTURES,
                    due,
                    self._due(self._pictures + 1) - due,
                    length_prefixed(data) if self._encoding.video == "h264" else data,
                    packet.is_keyframe,
                )
            )
            self._pictures += 1
        return parts

    def _sound(self, frame: av.AudioFrame | None) -> list[Sample]:
        """The sound that is encoded by now, without the time before sample 0 in which encoders warm up.

        Of Opus that are 2.5 ms, which decoders cut off again; AAC has a whole packet of it, which is left out.
        """
        parts = []
        for packet in self._audio.encode(frame):
            lasts = packet.duration or 0
            if (packet.pts or 0) + lasts > 0:
                parts.append(Sample(SOUND, self._coded, lasts, bytes(packet)))
                self._coded += lasts
        return parts

    def _add_video(self, name: str, options: dict[str, str], fps: float) -> VideoStream:
        stream = cast(VideoStream, self._container.add_stream(name, round(fps), options=dict(options)))
        stream.width, stream.height = self._size
        stream.pix_fmt = "yuv420p"
        stream.time_base = CLOCK
        context = stream.codec_context
        context.time_base = CLOCK
        context.thread_count = 1  # a session has one core at a time
        declare(context)
        return stream


def _bounded(encoding: Encoding, quality: dict[str, str]) -> dict[str, str]:
    """An encoder's options with the bit rate in them. x264 can't bound it at a constant quantiser."""
    rate = str(encoding.bitrate)
    if not encoding.bitrate:
        return quality
    if encoding.video == "vp9":
        return quality | {"b": rate}
    rest = {name: value for name, value in quality.items() if name != "qp"}
    return rest | {"crf": quality["qp"], "maxrate": rate, "bufsize": rate}

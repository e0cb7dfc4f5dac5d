"""Speech as Opus packets of 20 ms (RFC 6716), encoded at its own rate; 48 kHz is only how RTP times them."""

from fractions import Fraction
from typing import Final

import av

from polytalk.media.pcm import samples
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds

PACKET: Final[Seconds] = 0.02
PACKET_BYTES: Final = round(SPEECH_RATE * PACKET) * SAMPLE_BYTES
"""PCM16 at `SPEECH_RATE` that one packet takes."""
SILENCE: Final = b"\xf8\xff\xfe"
"""20 ms of it, made without an encoder: mono, fullband, one frame."""
BITRATE: Final = 32_000
OPTIONS: Final = {"application": "voip", "frame_duration": "20", "compression_level": "5"}


class OpusEncoder:
    """Encodes one stream, on one thread at a time."""

    def __init__(self) -> None:
        context = av.CodecContext.create("libopus", "w")
        context.sample_rate, context.layout, context.format = SPEECH_RATE, "mono", "s16"
        context.bit_rate = BITRATE
        context.options = dict(OPTIONS)
        self._context = context
        self._time_base = Fraction(1, SPEECH_RATE)
        self._next = 0

    def encode(self, pcm: bytes) -> bytes:
        """The packet of 20 ms. A shorter piece is filled with silence. Raises BadInput for half a sample."""
        signal = samples(pcm.ljust(PACKET_BYTES, b"\0"))
        frame = av.AudioFrame.from_ndarray(signal.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = SPEECH_RATE, self._next, self._time_base
        self._next += len(signal)
        return b"".join(bytes(packet) for packet in self._context.encode(frame))

"""A client's Opus packets as the session hears them: mono at the protocol's rate, without holes in its time.

Decoded where they arrive. The library has a thread for each track do that, and every packet then wakes two of them up.
"""

import asyncio
import logging
import queue
from collections.abc import Callable
from typing import Any, Final

import av

from polytalk.media.pcm import silence
from polytalk.media.polyphase import QuickResampler
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds

log = logging.getLogger(__name__)

RATE: Final = 48_000
"""Of RTP's timestamps, and of what FFmpeg decodes (RFC 7587)."""
HOLE: Final[Seconds] = 0.2
"""A track that gives nothing for so long is silent: a muted microphone, or a client that saves packets."""
MOST_SILENCE: Final[Seconds] = 3.0
"""After which no turn is left that silence could end."""
LONGEST_LOSS: Final[Seconds] = 1.0
"""A longer hole between two packets is another timeline."""


class Ears:
    """One client's."""

    def __init__(self, hear: Callable[[bytes], None]) -> None:
        """`hear` takes PCM16 mono at `SPEECH_RATE`."""
        self._hear = hear
        self._decoder = av.CodecContext.create("libopus", "r")
        self._decoder.layout, self._decoder.format = "mono", "s16"
        self._resampler = QuickResampler(RATE, SPEECH_RATE)
        self._due: int | None = None  # the timestamp of the sample that is next
        self._came = True

    def take(self, packet: bytes, timestamp: int) -> None:
        """One packet, in order. What is no Opus is left out."""
        self._came = True
        if self._due is not None and 0 < timestamp - self._due <= LONGEST_LOSS * RATE:
            self._hear(silence((timestamp - self._due) / RATE, SPEECH_RATE))
        try:
            frames = self._decoder.decode(av.Packet(packet))
        except av.FFmpegError as error:
            log.debug("a packet of sound can't be decoded: %s", error)
            return
        for frame in frames:
            pcm = bytes(frame.planes[0])[: SAMPLE_BYTES * frame.samples]
            self._due = timestamp = timestamp + frame.samples
            self._hear(self._resampler.push(pcm))

    async def run(self) -> None:
        """Time goes on for a track that gives nothing, until cancelled."""
        quiet = 0.0
        while True:
            self._came = False
            await asyncio.sleep(HOLE)
            if self._came:
                quiet = 0.0
            elif quiet < MOST_SILENCE:
                quiet += HOLE
                self._hear(silence(HOLE, SPEECH_RATE))
                if self._due is not None:
                    self._due += round(HOLE * RATE)


class EarsQueue(queue.Queue[Any]):
    """Stands where aiortc's receiver puts what its thread is to decode; only the thread's end reaches the thread."""

    def __init__(self, ears: Ears) -> None:
        super().__init__()
        self._ears = ears

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """See Queue: (codec, frame), or None."""
        if item is None:
            super().put(None)
        else:
            self._ears.take(item[1].data, item[1].timestamp)

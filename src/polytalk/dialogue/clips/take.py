"""What a clip is made of: speech in pieces, of which only one need be in memory, and the mouth to all of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from polytalk.media.pcm import level
from polytalk.types import MOUTH_RATE, SAMPLE_BYTES, SPEECH_RATE, Seconds

STRETCH = 10 * MOUTH_RATE
"""Mouth frames of a recording that are analysed at once."""
SEARCHED = 3 * MOUTH_RATE
"""Mouth frames at its end among which the quietest is looked for."""
_FRAME = SPEECH_RATE // MOUTH_RATE * SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class Take:
    """Ready to be filmed."""

    seconds: Seconds
    """Of the speech."""
    pieces: Callable[[], Iterator[bytes]]
    """The speech from its beginning, PCM16 at `SPEECH_RATE`; may be called again."""
    mouth: bytes
    """All of it: 450 bytes a second."""
    ends: tuple[Seconds, ...] = ()
    """Where the pictures may be cut into scenes: sentences end there, or somebody pauses."""


def blocks(pieces: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes, `size` at a time; the last block may be shorter."""
    rest = bytearray()
    for piece in pieces:
        rest += piece
        whole = len(rest) - len(rest) % size
        for start in range(0, whole, size):
            yield bytes(rest[start : start + size])
        del rest[:whole]
    if rest:
        yield bytes(rest)


def stretches(sound: bytes) -> Iterator[bytes]:
    """A recording in parts of at most `STRETCH`, whole mouth frames, each cut where it is quietest near its end."""
    at = 0
    while len(sound) - at > _FRAME * STRETCH:
        ends = range(at + _FRAME * (STRETCH - SEARCHED), at + _FRAME * (STRETCH + 1), _FRAME)
        end = min(ends, key=lambda end: level(sound[end - _FRAME // 2 : end + _FRAME // 2]))
        yield sound[at:end]
        at = end
    yield sound[at:]

"""What the listener of a call is about to hear, and where in which answer that is. No I/O, no time of its own."""

from collections import deque
from collections.abc import Callable, Iterator
from typing import Literal, TypeAlias

from msgspec import Struct

from polytalk.media.opus import PACKET, PACKET_BYTES
from polytalk.types import Seconds

Change: TypeAlias = Literal["started", "stopped", "cleared"]
Tell: TypeAlias = Callable[[Change, str], None]
"""Called with what became of the buffer, and the response that it is about."""


class Piece(Struct, frozen=True):
    """20 ms of an answer."""

    response: str
    item: str
    audio: bytes


class Cut(Struct, frozen=True):
    """An answer that is not heard to its end."""

    response: str
    item: str
    heard: Seconds


class OutputBuffer:
    """One call's. Answers are heard in the order in which they came; one that dries up waits for more of itself."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._waiting: deque[Piece] = deque()
        self._ended: str | None = None  # the newest response of which no more comes
        self._sent = 0
        self._item = ""
        self.response: str | None = None
        """The one that is heard."""

    @property
    def position(self) -> Seconds:
        """How much of it was played."""
        return self._sent * PACKET

    @property
    def complete(self) -> bool:
        """Whether all that will be heard is here: nothing of it can be taken back but by dropping it."""
        last = self._waiting[-1].response if self._waiting else self.response
        return last is not None and last == self._ended

    def add(self, response: str, item: str, audio: bytes) -> None:
        """More of an answer, PCM16 at `SPEECH_RATE`."""
        self._waiting.extend(Piece(response, item, part) for part in _parts(audio))

    def end(self, response: str) -> None:
        """No more of it comes."""
        self._ended = response

    def next(self) -> bytes | None:
        """The next 20 ms; None for silence."""
        if not self._waiting:
            if self.response is not None and self.response == self._ended:
                self._stop()
            return None
        piece = self._waiting.popleft()
        if piece.response != self.response:
            if self.response is not None:
                self._stop()
            self.response, self._item, self._sent = piece.response, piece.item, 0
            self._tell("started", piece.response)
        self._sent += 1
        return piece.audio

    def clear(self) -> list[Cut]:
        """Nothing that is here will be heard; the answers that it was of, in their order."""
        cuts = {} if self.response is None else {self.response: Cut(self.response, self._item, self.position)}
        for piece in self._waiting:
            cuts.setdefault(piece.response, Cut(piece.response, piece.item, 0.0))
        self._waiting.clear()
        self.response = None
        for response in cuts:
            self._tell("cleared", response)
        return [*cuts.values()]

    def _stop(self) -> None:
        response, self.response = self.response, None
        if response is not None:
            self._tell("stopped", response)


def _parts(audio: bytes) -> Iterator[bytes]:
    return (audio[at : at + PACKET_BYTES] for at in range(0, len(audio), PACKET_BYTES))

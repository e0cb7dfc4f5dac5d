"""A telephone made of files: recordings are what the user says, and what would be heard is written into one."""

import asyncio
import time
import wave
from collections.abc import AsyncIterator
from pathlib import Path

RATE = 24_000
TICK = 0.02
FRAME = bytes(round(RATE * TICK) * 2)
"""20 ms of silence, PCM16."""
PATIENCE = 60.0
"""Seconds after which nobody waits for an answer any more."""


def read(path: str | Path) -> bytes:
    """The samples of a WAV file: PCM16, mono, 24,000 a second. Raises ValueError for another kind."""
    with wave.open(str(path), "rb") as file:
        if file.getparams()[:3] != (1, 2, RATE):
            raise ValueError(f"{path} must have 16-bit samples, mono, {RATE} a second")
        return file.readframes(file.getnframes())


class Phone:
    """Says the first recording at once, and each further one when it has heard `interrupt_after` seconds of an answer.

    Both directions run in real time, so what is dropped before its time was never heard.
    """

    def __init__(self, recordings: list[str], out: str, interrupt_after: float = 1.5) -> None:
        self._to_say = [read(path) for path in recordings]
        self._out = out
        self._interrupt_after = interrupt_after
        self._waiting = bytearray()
        self._answer = 0
        self._answers = 0
        self._track = bytearray()

    @property
    def heard_ms(self) -> int:
        """How much was heard of the answer that plays, or played last."""
        return self._answer * 1000 // (RATE * 2)

    @property
    def plays(self) -> bool:
        """Whether something is still to be heard."""
        return bool(self._waiting)

    def begin(self) -> None:
        """What comes from now on is another answer."""
        self._answer = 0
        self._answers += 1

    def play(self, pcm: bytes) -> None:
        """Let an answer's next piece be heard after those before it."""
        self._waiting += pcm

    def drop(self) -> int:
        """Be silent at once; gives how many milliseconds of the answer were heard."""
        self._waiting.clear()
        return self.heard_ms

    async def microphone(self) -> AsyncIterator[bytes]:
        """What the user's microphone takes, 20 ms at a time, until the last answer was heard.

        Raises TimeoutError when there is none.
        """
        began = time.monotonic()
        saying, quiet, before, answered = bytearray(FRAME * 10 + self._to_say.pop(0)), 0.0, 0, False
        for tick in range(round(PATIENCE / TICK)):
            yield bytes(saying[: len(FRAME)]).ljust(len(FRAME), b"\0")
            del saying[: len(FRAME)]
            sound = self._listen()
            quiet = 0.0 if sound or saying else quiet + TICK
            if not saying and self._to_say and sound and self._answer >= self._interrupt_after * RATE * 2:
                saying += self._to_say.pop(0)
                before = self._answers
            answered |= sound and not self._to_say and self._answers > before
            if answered and quiet > 2:
                break
            await asyncio.sleep(max(0.0, began + (tick + 1) * TICK - time.monotonic()))
        self._save()
        if not answered:
            raise TimeoutError(f"no answer within {PATIENCE:.0f} s")

    def _listen(self) -> bool:
        """Hear the next 20 ms; whether there was a sound."""
        piece = bytes(self._waiting[: len(FRAME)])
        del self._waiting[: len(FRAME)]
        self._answer += len(piece)
        self._track += piece.ljust(len(FRAME), b"\0")
        return bool(piece)

    def _save(self) -> None:
        with wave.open(self._out, "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(self._track)

"""A microphone: a frame every 20 ms, speech when there is some to say, else the faint noise of a room."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import cycle

import numpy as np

from bench.questions import FRAME, Utterance, append_events
from polytalk.media.pcm import from_float
from polytalk.types import SPEECH_RATE, Seconds

ROOM = 0.0005
"""Level of the noise, -66 dBFS: no real microphone sends zeros."""


@dataclass
class Saying:
    """An utterance on its way out."""

    utterance: Utterance
    began: asyncio.Future[Seconds] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """The moment its first voiced frame was sent."""
    ended: asyncio.Future[Seconds] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """The moment its last voiced sample was sent."""


class Microphone:
    """Never pauses while it runs; frames that come late are sent at once, as a sound card's buffer is."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._queue: deque[tuple[bytes, asyncio.Future[Seconds] | None]] = deque()
        noise = np.random.default_rng(0).normal(0.0, ROOM, SPEECH_RATE)
        self._room = cycle(append_events(from_float(noise)))
        self.late: list[Seconds] = []
        """How late each frame was: when this grows, it is the client that is slow, not the server."""

    def say(self, utterance: Utterance) -> Saying:
        """Speak as soon as what is being said is over."""
        saying = Saying(utterance)
        marks: dict[int, asyncio.Future[Seconds]] = {0: saying.began, len(utterance.frames) - 1: saying.ended}
        self._queue.extend((frame, marks.get(index)) for index, frame in enumerate(utterance.frames))
        return saying

    async def run(self) -> None:
        """Send until cancelled."""
        due = time.monotonic()
        while True:
            due += FRAME
            wait = due - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            frame, mark = self._queue.popleft() if self._queue else (next(self._room), None)
            now = time.monotonic()
            self.late.append(now - due)
            if mark is not None:
                mark.set_result(now)
            await self._send(frame)

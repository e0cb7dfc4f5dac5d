"""Which picture is due: of the answer that is heard, else of the face at rest. No I/O, no time of its own."""

from collections import deque
from collections.abc import Sequence

from polytalk.dialogue.faces.resting import Reel
from polytalk.media.opus import PACKET
from polytalk.media.units import Unit
from polytalk.types import Seconds

MOST = 250
"""Pictures of answers that may wait: ten seconds of them."""


class Projector:
    """One call's. Encoded pictures lean on the one before, so none is left out; sources change at key pictures only."""

    def __init__(self) -> None:
        self._live: dict[str, deque[Unit]] = {}
        self._shown: str | None = None  # the response whose pictures are shown
        self._reel: Reel | None = None
        self._at = 0
        self._due: Seconds = 0.0

    def rest(self, reel: Reel | None) -> None:
        """The face at rest from now on."""
        if reel is not self._reel:
            self._reel, self._at = reel, 0

    def add(self, response: str, units: Sequence[Unit]) -> None:
        """More pictures of an answer."""
        if sum(map(len, self._live.values())) + len(units) <= MOST:
            self._live.setdefault(response, deque()).extend(units)

    def drop(self, response: str) -> None:
        """No more of an answer is shown."""
        self._live.pop(response, None)
        if self._shown == response:
            self._shown, self._at = None, 0

    def next(self, now: Seconds, response: str | None, position: Seconds) -> list[tuple[Seconds, Unit]]:
        """The pictures due, each with its moment; `position` is where `response` is being heard."""
        if response != self._shown:
            if self._shown is not None:
                self.drop(self._shown)
            if response is not None and self._live.get(response):
                self._shown = response
                for other in [*self._live][: [*self._live].index(response)]:  # came too late to be seen
                    del self._live[other]
        if self._shown is None:
            return self._resting(now)
        due, live = [], self._live.get(self._shown, deque())
        while live and live[0].at <= position + PACKET / 2:
            unit = live.popleft()
            due.append((now - max(0.0, position - unit.at), unit))
        return due

    def _resting(self, now: Seconds) -> list[tuple[Seconds, Unit]]:
        if self._reel is None or now < self._due - PACKET / 2:
            return []
        unit = self._reel.at(self._at)
        if unit is None:
            return []
        self._at += 1
        self._due = now + 1 / self._reel.fps
        return [(now, unit)]

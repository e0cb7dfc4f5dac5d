"""A common beat: those who wait for their moment are called together, by one timer of the event loop.

A task asleep for each listener costs a timer, a future and a switch of tasks for every slice it sends; and a process
that is woken up for each of them apart never finds its memory warm.
"""

import asyncio
import logging
from collections.abc import Callable
from math import ceil
from typing import TypeAlias

from polytalk.clock import Clock
from polytalk.types import Seconds

log = logging.getLogger(__name__)

BEAT: Seconds = 0.01
BAR = 5
"""Beats. Whoever can wait for the next bar shares a wake-up of the process with more of the others."""
OnBeat: TypeAlias = Callable[[Seconds], None]
"""Called with the moment of the beat."""


class Metronome:
    """One a process. Silent while nobody waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: dict[int, list[OnBeat]] = {}
        """Number of the beat -> whom to call."""

    def at(self, moment: Seconds, within: Seconds, call: OnBeat) -> None:
        """Call at the next bar that is not before the moment, if it is `within` so much of it; else at the next beat.

        Nothing revokes it: `call` knows what it is for.
        """
        beat = ceil(moment / BEAT - 1e-6)
        bar = ceil(beat / BAR) * BAR
        if bar * BEAT - moment <= within + 1e-6:
            beat = bar
        waiting = self._waiting.get(beat)
        if waiting is not None:
            waiting.append(call)
            return
        self._waiting[beat] = [call]
        wait = max(0.0, beat * BEAT - self._clock.now())
        asyncio.get_running_loop().call_later(wait, self._strike, beat)

    def _strike(self, beat: int) -> None:
        for call in self._waiting.pop(beat):
            try:
                call(beat * BEAT)
            except Exception:  # of one listener: the others wait for theirs
                log.exception("a call on the beat failed")

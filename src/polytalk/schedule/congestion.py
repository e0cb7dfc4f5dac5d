"""How much of a call's pictures a client's network bears, by what the client reports of it. Pure.

Loss as in Google's congestion control (draft-ietf-rmcat-gcc-02, section 6: over 10 % is congestion, under 2 % is
none); the receiver's own estimate of its bandwidth (draft-alvestrand-rmcat-remb-03) where it sends one. Sound is never
given up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from polytalk.types import Seconds

LOSSY = 0.10
CLEAN = 0.02
"""Shares of packets lost: more than the first is too much, less than the second is none to speak of."""
TIGHT = 0.8
"""An estimate under so much of what is sent is too little; browsers' estimates lag behind what has just grown."""
WINDOW: Seconds = 1.0
"""Over which reports of loss are taken together: browsers send five a second, in which one packet is a sixth."""
IN_A_ROW = 2
"""Bad windows that make a step: one is a burst."""
SETTLE: Seconds = 3.0
"""In which a step shows what it did."""
PATIENCE: Seconds = 10.0
LONGEST_PATIENCE: Seconds = 160.0
"""Time without anything amiss after which more is tried; doubled each time that this was too early."""


class Quality(IntEnum):
    """What is sent, best first."""

    FULL = 0
    SLOWER = 1
    """Fewer pictures a second, as on the brown-out ladder."""
    SOUND = 2
    """No pictures."""


@dataclass(slots=True)
class Congestion:
    """One client's."""

    steps: Sequence[Quality] = tuple(Quality)
    """What can be sent to it, best first."""
    _step: int = 0
    _sum: float = 0.0
    _count: int = 0
    _window: Seconds = float("-inf")
    _lossy: int = 0
    _tight: int = 0
    _clean_since: Seconds = 0.0
    _moved: Seconds = float("-inf")
    _raised: Seconds = float("-inf")
    _patience: Seconds = PATIENCE

    @property
    def quality(self) -> Quality:
        """What is to be sent now."""
        return self.steps[self._step]

    def lost(self, share: float, now: Seconds) -> None:
        """A receiver report: the share of packets that were lost since the one before."""
        self._sum += share
        self._count += 1
        if now - self._window < WINDOW:
            return
        mean = self._sum / self._count
        self._sum, self._count, self._window = 0.0, 0, now
        self._lossy = self._lossy + 1 if mean > LOSSY else 0
        if mean >= CLEAN:
            self._clean_since = now
        self._move(now)

    def room(self, estimate: float, sent: float, now: Seconds) -> None:
        """The receiver's estimate of its bandwidth, beside what is sent; both in bits a second."""
        self._tight = self._tight + 1 if estimate < TIGHT * sent else 0
        if self._tight:
            self._clean_since = now
        self._move(now)

    def _move(self, now: Seconds) -> None:
        if now - self._moved < SETTLE:
            return
        if max(self._lossy, self._tight) >= IN_A_ROW and self._step + 1 < len(self.steps):
            early = now - self._raised < self._patience
            self._patience = min(LONGEST_PATIENCE, 2 * self._patience) if early else PATIENCE
            self._go(self._step + 1, now)
        elif self._step > 0 and now - max(self._clean_since, self._moved) >= self._patience:
            self._raised = now
            self._go(self._step - 1, now)

    def _go(self, step: int, now: Seconds) -> None:
        self._step, self._moved, self._clean_since = step, now, now
        self._lossy = self._tight = 0

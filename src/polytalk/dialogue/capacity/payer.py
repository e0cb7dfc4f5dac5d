"""Who pays for work, and what it cost: tokens of the language model, seconds of speech.

A guess costs nothing until it is adopted, and what the cache gives costs nothing at all: nobody computed it.
"""

from dataclasses import dataclass
from typing import Protocol

from polytalk.media.pcm import duration
from polytalk.types import (
    LISTEN_RATE,
    SPEECH_RATE,
    ListenWork,
    Result,
    Seconds,
    Speech,
    TextDelta,
    Tier,
    ToolDelta,
    Transcript,
    Usage,
    Work,
)


class Meter(Protocol):
    """An account that is charged afterwards."""

    def check(self) -> None:
        """Whether work may begin. Raises OverQuota while an earlier debt is not paid."""
        ...

    def spend(self, tokens: float = 0.0, speech: Seconds = 0.0) -> None:
        """What work has cost."""
        ...


class Unmetered:
    """Nobody's account: the server's own work."""

    def check(self) -> None:
        """See Meter."""

    def spend(self, tokens: float = 0.0, speech: Seconds = 0.0) -> None:
        """See Meter."""


UNMETERED = Unmetered()


@dataclass(frozen=True)
class Payer:
    """Stands on every job, so that it is ordered by its tenant's share and tier, and charged."""

    tenant: str = "default"
    tier: Tier = Tier.STANDARD
    meter: Meter = UNMETERED


HOUSE = Payer()


class Bill:
    """What one job has cost so far, told to a meter as its results come."""

    def __init__(self, work: Work, meter: Meter) -> None:
        self._work = work
        self._meter = meter
        self._deltas = 0

    def add(self, result: Result) -> None:
        """A result came. Pieces of an answer count as a token each until the language model tells how many they were;
        one that is interrupted never tells, and its prompt is not charged."""
        match result:
            case TextDelta() | ToolDelta():
                self._deltas += 1
                self._meter.spend(tokens=1)
            case Usage():
                self._meter.spend(tokens=result.input_tokens + result.output_tokens - self._deltas)
            case Speech():
                self._meter.spend(speech=duration(result.audio, SPEECH_RATE))
            case Transcript() if isinstance(self._work, ListenWork):
                self._meter.spend(speech=duration(self._work.audio, LISTEN_RATE))
            case _:
                pass


class Tab:
    """Keeps what a guess costs until somebody wants it."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._open = True
        self._tokens = 0.0
        self._speech: Seconds = 0.0

    def check(self) -> None:
        """See Meter."""

    def spend(self, tokens: float = 0.0, speech: Seconds = 0.0) -> None:
        """See Meter."""
        if self._open:
            self._tokens += tokens
            self._speech += speech
        else:
            self._meter.spend(tokens, speech)

    def settle(self) -> None:
        """The guess was right."""
        self._open = False
        self._meter.spend(self._tokens, self._speech)
        self._tokens = self._speech = 0.0

"""What the schedulers under test have in common: one method to ask for work, one to serve."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bench.peers import model
from polytalk.types import Seconds, Tier

NEVER: Seconds = 1e9
"""A deadline that is none; a number, because JSON has no infinity."""


@dataclass(frozen=True)
class Ask:
    """One piece of work."""

    stage: str = "item"
    units: float = 1.0
    due: Seconds = NEVER
    """Moment of the monotonic clock by which it is wanted; a scheduler may use it or not."""
    session: str = "session"
    tenant: str = "default"
    tier: Tier = Tier.STANDARD


@dataclass(frozen=True)
class Batch:
    """One batch as it ran."""

    began: Seconds
    ended: Seconds
    asks: Sequence[Ask]


@dataclass(frozen=True)
class Machine:
    """What the engines can do."""

    slots: int = 1
    max_batch: int = 16
    stages: Sequence[str] = ("item",)

    @classmethod
    def of_environment(cls) -> "Machine":
        """As the peers read it: see `bench.peers.model`."""
        return cls(model.SLOTS, model.MAX_BATCH, tuple(model.STAGES))


@dataclass
class Log:
    """Batches in the order in which they ended."""

    batches: list[Batch] = field(default_factory=list)

    def size(self) -> float:
        """Jobs a batch, on average."""
        return sum(len(batch.asks) for batch in self.batches) / max(1, len(self.batches))


class Contender(Protocol):
    """A scheduler, in this process."""

    log: Log

    async def run(self) -> None:
        """Serve until cancelled."""
        ...

    async def ask(self, ask: Ask) -> None:
        """Have it done. Raises Shed when it is refused."""
        ...

"""One stage alone, fed with jobs of known size: for figures of order, shares and windows, and for queueing theory."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from polytalk.sim.costs import StageCost
from polytalk.sim.desk import Desk
from polytalk.sim.events import Loop
from polytalk.sim.station import Noise, Pool, Station
from polytalk.sim.task import Task, new_task
from polytalk.types import Seconds, Stage, Tier


@dataclass(frozen=True)
class Piece:
    """A job to come."""

    at: Seconds
    units: float = 1.0
    tenant: str = "default"
    tier: Tier = Tier.STANDARD
    patience: Seconds = 1e6
    """Its deadline is so much later."""


@dataclass(frozen=True)
class Ran:
    """A job that was done."""

    task: Task
    started: Seconds
    ended: Seconds
    cost: Seconds
    """Its part of its batch, by size."""

    @property
    def delay(self) -> Seconds:
        """From its arrival to its end."""
        return self.ended - self.task.created


@dataclass
class Bench:
    """A stage with slots of its own."""

    cost: StageCost
    desk: Desk
    slots: int = 1
    noise: float = 0.0
    seed: int = 0
    loop: Loop = field(default_factory=Loop)
    ran: list[Ran] = field(default_factory=list)
    on_done: Callable[[Task], None] = lambda task: None
    _started: dict[str, Seconds] = field(default_factory=dict)
    _made: int = 0

    def __post_init__(self) -> None:
        pool = Pool("bench", self.slots)
        self.station = Station(
            self.loop, pool, self.cost, self.desk, Noise(self.noise, self.seed), lambda task: self.on_done(task)
        )
        self.station.started = self._note_start
        self.station.ended = self._note_end

    def submit(self, piece: Piece) -> None:
        """A job comes now."""
        self._made += 1
        now = self.loop.time
        self.station.submit(
            new_task(
                self._made,
                Stage.MOUTH,
                now,
                now + piece.patience,
                piece.units,
                session=piece.tenant,
                tenant=piece.tenant,
                tier=piece.tier,
            )
        )

    def feed(self, pieces: Iterable[Piece]) -> None:
        """Let jobs come at their moments."""
        for piece in pieces:
            self.loop.at(piece.at, self.submit, piece)

    def run(self) -> list[Ran]:
        """Until nothing is left."""
        self.loop.run()
        return self.ran

    def _note_start(self, batch: list[Task], now: Seconds) -> None:
        for task in batch:
            self._started[task.id] = now

    def _note_end(self, batch: list[Task], took: Seconds) -> None:
        now, total = self.loop.time, sum(task.units for task in batch)
        self.ran += [Ran(task, self._started.pop(task.id), now, took * task.units / total) for task in batch]

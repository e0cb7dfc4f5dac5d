"""What a turn will ask of each pool: learnt from the turns that ran, told per rung of the brown-out ladder."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from polytalk.types import Seconds, Stage

SLOWER = 15.0
"""Pictures a second when there is no room for more."""
FACE_STAGES = frozenset({Stage.ANALYSE, Stage.MOUTH})
"""What a turn without a face does not use."""


@dataclass(frozen=True)
class Rung:
    """How much of the face is made for a turn."""

    fps: float = 0.0
    """Pictures a second; 0 when the client draws."""
    mouth: bool = True
    """Whether there is a face at all, or the voice alone."""


@lru_cache(64)
def ladder(fps: float) -> tuple[Rung, ...]:
    """The brown-out ladder, best first, of a session that wants so many pictures a second."""
    drawn = [Rung(rate) for rate in (fps, SLOWER) if 0 < rate <= fps]
    return (*dict.fromkeys(drawn), Rung(), Rung(mouth=False))


MEMORY = 30
"""Turns after which an old one hardly counts any more."""
BEFORE_SOUND: Seconds = 0.4
"""From admission to the first sound, of a turn that is served in time."""
SHORTEST: Seconds = 1.0
"""A turn shorter than this is reckoned as so long: its load is a burst, not a rate."""


@dataclass
class TurnDemand:
    """Compute-seconds a second while a turn holds its lease, per stage: what turns spend / how long they hold.

    By Little's law the leases then add up to the use of a pool: n turns that spend c in h seconds keep n * c / h of it
    busy. How long they hold is reckoned as if they were served in time: else an overload would look like leisure.
    Which stage draws on which pool is told by `pools`: stages of the same machine share its cores, an LLM with slots
    of its own is a pool of slots.
    """

    pools: Mapping[Stage, str]
    spent: dict[Stage, Seconds] = field(
        default_factory=lambda: {
            Stage.LISTEN: 0.06,
            Stage.THINK: 0.6,
            Stage.SPEAK: 0.06,
            Stage.MOUTH: 0.006,
            Stage.SYNTHESISE: 0.05,
        }
    )
    """A turn's, on average; of `synthesise` for one picture a second. Starts at what the shipped engines cost on a slow
    core."""
    economy: Callable[[Stage], float] = lambda stage: 1.0
    """What a job costs in a full batch / what jobs cost of late: a pool that fills up works in larger batches."""
    encoding: Seconds = 0.004
    """Of a core, to encode a picture: 512 x 512 by libx264, on a slow one."""
    held: Seconds = 6.0
    """From admission to the end of playback, on average, when served in time."""
    _turns: int = 0

    def learn_listening(self, seconds: Seconds) -> None:
        """An utterance took so many compute-seconds to transcribe; its turn is not over yet."""
        self._approach(Stage.LISTEN, seconds, self._weight())

    def learn(self, spent: Mapping[Stage, Seconds], heard: Seconds, fps: float = 0.0) -> None:
        """A turn of which so much was heard, to its end or until an interruption, spent this at each stage.

        `fps` are the pictures a second that it was drawn with.
        """
        if not spent and heard <= 0:
            return  # it was refused, or gave up waiting: nothing was held
        self._turns += 1
        weight = self._weight()
        self.held += (max(heard + BEFORE_SOUND, SHORTEST) - self.held) * weight
        for stage, seconds in spent.items():
            if stage is not Stage.SYNTHESISE:
                self._approach(stage, seconds, weight)
            elif fps > 0:
                self._approach(stage, seconds / fps, weight)

    def learn_encoding(self, seconds: Seconds, pictures: int) -> None:
        """So many pictures were encoded in such a time."""
        if pictures > 0:
            self.encoding += (seconds / pictures - self.encoding) / MEMORY

    def rungs(self, fps: float = 0.0) -> list[dict[str, float]]:
        """Pool -> compute-seconds a second, for each rung of the `ladder`."""
        asked = [
            (stage, self.pools[stage], seconds, self.economy(stage))
            for stage, seconds in self.spent.items()
            if stage in self.pools
        ]
        return [self._sum(rung, asked) for rung in ladder(fps)]

    def _weight(self) -> float:
        return 1 / min(self._turns + 3, MEMORY)

    def _approach(self, stage: Stage, seconds: Seconds, weight: float) -> None:
        before = self.spent.get(stage, seconds)
        self.spent[stage] = before + (seconds - before) * weight

    def _sum(self, rung: Rung, asked: Sequence[tuple[Stage, str, Seconds, float]]) -> dict[str, float]:
        demand: dict[str, float] = {}
        for stage, pool, seconds, economy in asked:
            if rung.mouth or stage not in FACE_STAGES:
                times = rung.fps if stage is Stage.SYNTHESISE else 1.0
                demand[pool] = demand.get(pool, 0.0) + times * seconds * economy / self.held
        if rung.fps > 0 and Stage.SYNTHESISE in self.pools:  # encoded where they are drawn (ADR 19)
            pool = self.pools[Stage.SYNTHESISE]
            demand[pool] = demand.get(pool, 0.0) + rung.fps * self.encoding
        return demand

"""What a turn will ask of each pool: learnt from the turns that ran, told per rung of the brown-out ladder."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from polytalk.types import Seconds, Stage

LADDER = ("client-rendered face", "voice only")
"""The rungs that exist, best first. Server-rendered pictures at 25 and 15 fps will stand above them."""
FACE_STAGES = frozenset({Stage.FACE})
"""What a turn without a face does not use."""
MEMORY = 30
"""Turns after which an old one hardly counts any more."""
SHORTEST: Seconds = 1.0
"""An answer shorter than this is reckoned as so long: its load is a burst, not a rate."""


@dataclass
class TurnDemand:
    """Compute-seconds a second of speech, per stage, as a moving average over turns.

    Which stage draws on which pool is told by `pools`: stages of the same machine share its cores, an LLM with slots
    of its own is a pool of slots.
    """

    pools: Mapping[Stage, str]
    rates: dict[Stage, float] = field(
        default_factory=lambda: {Stage.LISTEN: 0.01, Stage.THINK: 0.1, Stage.SPEAK: 0.01, Stage.FACE: 0.001}
    )
    """Starts at what the shipped engines cost on a slow core."""
    speech: Seconds = 6.0
    """How long an answer lasts, on average."""
    _turns: int = 0

    def learn_listening(self, seconds: Seconds) -> None:
        """An utterance took so many compute-seconds to transcribe; the length of its answer is not known yet."""
        self._approach(Stage.LISTEN, seconds / self.speech, 1 / min(self._turns + 3, MEMORY))

    def learn(self, spent: Mapping[Stage, Seconds], speech: Seconds) -> None:
        """A turn spent so many compute-seconds at each stage and gave `speech` seconds of audio."""
        self._turns += 1
        weight = 1 / min(self._turns + 3, MEMORY)
        self.speech += (max(speech, SHORTEST) - self.speech) * weight
        for stage, seconds in spent.items():
            self._approach(stage, seconds / max(speech, SHORTEST), weight)

    def rungs(self) -> list[dict[str, float]]:
        """Pool -> compute-seconds a second, for each rung of `LADDER`."""
        return [self._sum(frozenset()), self._sum(FACE_STAGES)]

    def _approach(self, stage: Stage, rate: float, weight: float) -> None:
        self.rates[stage] = self.rates.get(stage, rate) * (1 - weight) + rate * weight

    def _sum(self, without: frozenset[Stage]) -> dict[str, float]:
        demand: dict[str, float] = {}
        for stage, rate in self.rates.items():
            if stage not in without and stage in self.pools:
                pool = self.pools[stage]
                demand[pool] = demand.get(pool, 0.0) + rate
        return demand

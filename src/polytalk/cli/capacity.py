"""What a turn costs by a calibration, and how many people that lets talk at once: the ideal, without any waiting.

A turn is the simulator's (`sim.script`): the mean over its table of questions and answers. By Little's law (L = λW) the
number of conversations is turns a second times the time from one question to the next.
"""

from collections.abc import Mapping
from statistics import fmean

from msgspec import Struct

from polytalk.cli.calibration import CORES, LOCAL_LLM
from polytalk.schedule.admission import TARGET, VIP_RESERVE
from polytalk.sim.costs import SIMULATED, StageCost
from polytalk.sim.script import CONVERSATION, Script, Shape
from polytalk.types import Seconds, Stage

TURNS = 500
EARS = "ears"
LOOP = "event loop"
"""What hears all microphones of a process: one thread, beside the slots."""


class StageTurn(Struct, frozen=True):
    """One stage's part of a turn."""

    stage: str
    pool: str
    alone: Seconds
    """Compute-seconds with every job run alone."""
    batched: Seconds
    """The same with the batch size that is cheapest."""
    size: int = 1
    """That size."""


class Ideal(Struct, frozen=True):
    """What the machine could do if it were never idle and never waited."""

    turns: float
    """A second."""
    bound: str
    """The pool that is exhausted first."""
    cycle: Seconds
    """From one question of a user to the next."""
    speech: Seconds
    """Of an answer."""

    @property
    def conversations(self) -> float:
        """Users at once, who ask, hear the answer out, think, and ask again."""
        return self.turns * self.cycle

    @property
    def speakers(self) -> float:
        """Avatars that speak at the same moment."""
        return self.turns * self.speech

    @property
    def admitted(self) -> float:
        """Users at once whom admission lets in without waiting, vips apart."""
        return self.conversations * (TARGET - VIP_RESERVE)


def turn_costs(stages: Mapping[Stage, StageCost], frame_cost: Seconds, frame: Seconds) -> list[StageTurn]:
    """By stage; first the ears, which hear a `frame` of microphone in `frame_cost` for as long as a call lasts."""
    script = Script(CONVERSATION, seed=0)
    shapes = [script.shape(session, 0) for session in range(TURNS)]
    ears = script.mean_cycle() / frame * frame_cost
    return [StageTurn(EARS, LOOP, ears, ears), *(_cheapest(stage, stages[stage], shapes) for stage in SIMULATED)]


def ideal(parts: list[StageTurn], cores: int) -> Ideal:
    """Of a machine with so many cores, and one engine in each other pool."""
    pools = {part.pool for part in parts}
    rates = {pool: (cores if pool == CORES else 1) / _sum(parts, {pool}) for pool in pools if _sum(parts, {pool}) > 0}
    rates["all cores together"] = cores / _sum(parts, {CORES, LOCAL_LLM, LOOP})
    script = Script(CONVERSATION, seed=0)
    bound = min(rates, key=rates.__getitem__)
    return Ideal(rates[bound], bound, script.mean_cycle(), script.mean().speech)


def _sum(parts: list[StageTurn], pools: set[str]) -> Seconds:
    return sum(part.batched for part in parts if part.pool in pools)


def _cheapest(stage: Stage, cost: StageCost, shapes: list[Shape]) -> StageTurn:
    by_size = {size: fmean(_seconds(stage, cost, shape, size) for shape in shapes) for size in {1, *cost.table}}
    size = min(by_size, key=lambda one: (by_size[one], one))
    return StageTurn(str(stage), cost.pool, by_size[1], by_size[size], size)


def _seconds(stage: Stage, cost: StageCost, shape: Shape, size: int) -> Seconds:
    """Of one turn, in batches of its like."""

    def each(units: float) -> Seconds:
        return cost.seconds(size * units, size) / size

    if stage is Stage.LISTEN:
        return each(shape.question)
    if stage is Stage.THINK:
        return each(1.0) * shape.token_ends[-1] + (shape.prompt / cost.prefill if cost.prefill else 0.0)
    return sum(each(length) for length in shape.sentences)

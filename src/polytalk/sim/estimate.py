"""What a turn costs each pool at best, by arithmetic: where a search begins, and what load is measured against."""

from polytalk.sim.costs import Hardware, Slots
from polytalk.sim.script import Shape
from polytalk.sim.turns import FRAMES_PER_SECOND
from polytalk.types import Seconds, Stage


def turn_seconds(hardware: Hardware, shape: Shape) -> dict[str, Seconds]:
    """Pool -> compute-seconds of an average turn (of an LLM: engine-seconds), in full batches."""
    found: dict[str, Seconds] = {}
    for stage, cost in hardware.stages.items():
        full = cost.max_batch
        if stage is Stage.THINK:
            step = cost.seconds(full, full) / full
            spent = shape.token_ends[-1] * step + (shape.prompt / cost.prefill if cost.prefill else 0.0)
        else:
            units = {
                Stage.LISTEN: 1.0 if cost.units == "turns" else shape.question,
                Stage.SPEAK: shape.speech * 14.0 if cost.units == "letters" else shape.speech,
                Stage.MOUTH: shape.speech,
                Stage.SYNTHESISE: shape.speech * FRAMES_PER_SECOND if cost.units == "frames" else shape.speech,
            }[stage]
            jobs = 1.0 if stage is Stage.LISTEN else shape.speech / (cost.run or 3.0)
            spent = cost.slope * units + cost.overhead * jobs / full
        found[cost.pool] = found.get(cost.pool, 0.0) + spent
    return found


def best_rate(hardware: Hardware, slots: Slots, shape: Shape) -> float:
    """Turns a second that the tightest pool could make if no time were lost."""
    return min(slots[pool] / spent for pool, spent in turn_seconds(hardware, shape).items())

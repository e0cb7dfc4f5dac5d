"""A service on a kind of machine, under a policy, visited by a crowd: what would have happened."""

import gc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from polytalk.errors import BadInput
from polytalk.schedule.admission import Admission
from polytalk.schedule.demand import TurnDemand
from polytalk.schedule.window import Release
from polytalk.sim.costs import Hardware, Slots
from polytalk.sim.decoder import Decoder
from polytalk.sim.events import Loop
from polytalk.sim.gate import Gate
from polytalk.sim.policy import OURS, Policy
from polytalk.sim.ring import RingDesk
from polytalk.sim.station import Noise, Pool, Station
from polytalk.sim.tally import PROMPT, Report, Tally, jain, percentile, percentiles, shares, stage_names
from polytalk.sim.task import Task
from polytalk.sim.turns import FRAMES_PER_SECOND, Turns
from polytalk.sim.workload import Workload
from polytalk.types import Seconds, Stage, Tier


@dataclass(frozen=True)
class Service:
    """What is simulated, besides the crowd."""

    hardware: Hardware
    slots: Slots
    """Pool -> engines (or cores) at work in it."""
    policy: Policy = OURS
    endpointing: Seconds = 0.3
    """Silence after which a question is over; part of every time to first audio."""
    noise: float = 0.05
    """By how much runs of one batch differ (sigma of the logarithm)."""
    prompt: Seconds = PROMPT
    """A good turn's audio begins within this."""
    max_queue: int = 60


def simulate(service: Service, workload: Workload, seed: int = 0) -> Report:
    """Run until everything asked is answered, refused or interrupted. Raises BadInput for a pool without slots."""
    turns, pools = _build(service, workload, seed)
    use: dict[str, float] = {}
    turns.begin()
    turns.loop.at(max(workload.until, 1e-9), lambda _: use.update(_use(service, turns, pools)), None)
    _run(turns.loop)
    return _report(service, workload, seed, turns, use)


def _run(loop: Loop) -> None:
    """Without looking for cycles: millions of jobs are made, and none is in one when it ends."""
    looked = gc.isenabled()
    gc.disable()
    try:
        loop.run()
    finally:
        if looked:
            gc.enable()


def _build(service: Service, workload: Workload, seed: int) -> tuple[Turns, dict[str, Pool]]:
    stages, loop = service.hardware.stages, Loop()
    if absent := {cost.pool for cost in stages.values() if service.slots.get(cost.pool, 0) < 1}:
        raise BadInput(f"no slots for {', '.join(sorted(absent))}: every pool of {service.hardware.title} needs one")
    pools = {name: Pool(name, slots) for name, slots in service.slots.items()}
    think = stages[Stage.THINK]
    capacity = {name: float(slots) for name, slots in service.slots.items()}
    capacity[think.pool] = float(service.slots[think.pool] * think.max_batch)
    gate, fps = None, FRAMES_PER_SECOND if Stage.SYNTHESISE in stages else 0.0
    if service.policy.admits:
        demand = TurnDemand({stage: cost.pool for stage, cost in stages.items()})
        gate = Gate(loop, Admission(capacity, service.max_queue), demand, fps=fps)
    turns = Turns(
        loop,
        workload,
        service.policy,
        Tally(service.prompt, workload.settle, workload.until),
        service.endpointing,
        gate,
    )
    shared = len({visit.tenant for visit in workload.visits}) > 1

    def station(stage: Stage, done: Callable[[Task], None], order: int) -> Station:
        cost = stages[stage]
        desk = service.policy.desk(cost.max_batch, cores=service.slots[cost.pool], shared=shared)
        return Station(loop, pools[cost.pool], cost, desk, Noise(service.noise, seed * 7 + order), done)

    turns.listen = station(Stage.LISTEN, turns.heard, 0)
    turns.speak = station(Stage.SPEAK, turns.spoke, 1)
    turns.mouth = station(Stage.MOUTH, turns.moved, 3)
    if Stage.SYNTHESISE in stages:
        turns.fps = fps
        turns.synthesise = station(Stage.SYNTHESISE, turns.drawn, 2)
    desk = service.policy.desk(1, slots=think.max_batch, shared=shared)
    noise = Noise(service.noise, seed * 7 + 5)
    turns.decoder = Decoder(loop, think, service.slots[think.pool], desk, noise, turns.wrote, turns.thought)
    turns.measure()
    if gate is not None:
        gate.demand.economy = partial(_economy, turns)
    return turns, pools


def _economy(turns: Turns, stage: Stage) -> float:
    desk = turns.stages[stage].desk
    return desk.cost.economy(desk.max_batch) if isinstance(desk, RingDesk) and desk.slots is None else 1.0


def _report(service: Service, workload: Workload, seed: int, turns: Turns, use: dict[str, float]) -> Report:
    tally = turns.tally
    span = workload.until - workload.settle
    runs = turns.stages
    live = [call for call in turns.calls if call.tier is not Tier.BATCH]  # nobody listens to the others
    first = percentiles(tally.first) if tally.first else {"all": (float("nan"),) * 3}
    return Report(
        policy=service.policy.name,
        workload=workload.name,
        seed=seed,
        span=span,
        sessions=len(turns.calls),
        turns=tally.asked,
        outcomes=dict(tally.outcomes),
        ttfa=first,
        underruns=tally.late / tally.chunks if tally.chunks else 0.0,
        in_time=1 - sum(call.late for call in live) / max(sum(call.owed for call in live), 1e-9),
        speakers_in_time=shares(live),
        goodput=tally.good / span,
        prompt_goodput=tally.good_prompt / span,
        queued_p95=percentile(tally.queued, 95) if tally.queued else 0.0,
        wasted=tally.wasted / max(tally.spoken, 1e-9),
        use=use,
        jobs=stage_names(
            {
                stage: {"created": run.created, "finished": run.finished, "cancelled": run.cancelled}
                for stage, run in runs.items()
            }
        ),
        releases=stage_names({stage: _reasons(run.desk.releases) for stage, run in runs.items()}),
        fairness=jain(tally.served.values()) if len(tally.served) > 1 else 1.0,
    )


def _use(service: Service, turns: Turns, pools: dict[str, Pool]) -> dict[str, float]:
    now = turns.loop.time
    use = {name: pool.busy / now / pool.slots for name, pool in pools.items() if pool.stations}
    think = service.hardware.stages[Stage.THINK].pool
    use[think] = turns.decoder.busy / now / service.slots[think]
    return use


def _reasons(releases: Counter[Release]) -> dict[str, int]:
    return {str(reason): count for reason, count in releases.items()}

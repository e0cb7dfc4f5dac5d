"""Figures 4, 5, 8 and 13, of a whole service in virtual time, against all baselines.

Each function gives rows over seeds. `small()` is a service whose TTS is the tightest stage, `faces()` one whose
server-rendered faces are; both small, so that a figure takes seconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from polytalk.sim.costs import known
from polytalk.sim.estimate import best_rate
from polytalk.sim.policy import BASELINES, FIFO, GREEDY, OURS, RING_ONLY, Policy, bounded, paced
from polytalk.sim.script import CONVERSATION, Script
from polytalk.sim.simulate import Service, simulate
from polytalk.sim.spread import SEEDS, Spread, spread
from polytalk.sim.tally import Report
from polytalk.sim.workload import Mix, beside_renders, conversations, flash_crowd, questions
from polytalk.types import Seconds

IDLE = 0.1
BUSY = 0.8
OVERLOAD = 3.0
IN_TIME = 0.999
PATIENCE: Seconds = 3.0
"""A number of speakers is not sustained when p95 of their time to first audio is longer."""
LOADED = (OURS, RING_ONLY, FIFO, GREEDY, bounded(8), bounded(16), bounded(64), paced(GREEDY))
VIPS = Mix(vips=0.1)


@dataclass(frozen=True)
class Row:
    """One policy's result."""

    policy: str
    value: Spread
    """The figure."""
    detail: dict[str, Spread]
    """What it is made of."""


def small(policy: Policy = OURS) -> Service:
    """Five L40S: TTS is the tightest stage."""
    return Service(known()["l40s"], {"listen": 1, "think": 1, "speak": 2, "cores": 1}, policy)


def faces(policy: Policy = OURS) -> Service:
    """Twelve L40S, eight of them for Wav2Lip's frames, the tightest stage."""
    slots = {"listen": 1, "think": 1, "speak": 2, "cores": 1, "face": 8}
    return Service(known()["l40s"].with_face("wav2lip"), slots, policy)


def at_load(service: Service, load: float, seed: int, until: Seconds = 120.0) -> Report:
    """Single questions at so many times the rate that the tightest stage could make at best; a tenth by vips."""
    rate = load * best_rate(service.hardware, service.slots, Script(CONVERSATION, seed).mean())
    return simulate(service, questions(rate, until, seed, whom=VIPS), seed)


def busy_wait(policies: Sequence[Policy] = LOADED, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """Figure 4: p95 of the time to first audio at 80 % load / at 10 %. Goal: at most 2."""

    def row(policy: Policy) -> Row:
        service = small(policy)
        idle = [at_load(service, IDLE, seed, 240.0).p95 for seed in seeds]
        busy = [at_load(service, BUSY, seed).p95 for seed in seeds]
        ratio = spread(high / low for high, low in zip(busy, idle, strict=True))
        return Row(policy.name, ratio, {"idle p95": spread(idle), "busy p95": spread(busy)})

    return [row(policy) for policy in policies]


def overload(policies: Sequence[Policy] = LOADED, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """Figure 5: goodput at three times the load / the most that any policy reached at any load. Goal: at least 0.95.

    Standing in the admission's queue is not held against a turn in the figure (the user is told how long it takes),
    and is in the detail "from the question".
    """
    loads = (0.7, 0.8, 0.9, 1.0)
    capacity = [max(at_load(small(p), load, seed).goodput for p in policies for load in loads) for seed in seeds]

    def row(policy: Policy) -> Row:
        reports = [at_load(small(policy), OVERLOAD, seed) for seed in seeds]
        return Row(
            policy.name,
            spread(report.goodput / most for report, most in zip(reports, capacity, strict=True)),
            {
                "turns/s": spread(report.goodput for report in reports),
                "capacity": spread(capacity),
                "from the question": spread(r.prompt_goodput / c for r, c in zip(reports, capacity, strict=True)),
                "queue p95": spread(report.queued_p95 for report in reports),
            },
        )

    return [row(policy) for policy in policies]


def vip_wait(policies: Sequence[Policy] = LOADED, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """Figure 8: a vip's p95 of the time to first audio at three times the load / at 10 %. Goal: at most 1.3."""

    def row(policy: Policy) -> Row:
        idle = [at_load(small(policy), IDLE, seed, 600.0).ttfa["vip"][1] for seed in seeds]
        busy = [at_load(small(policy), OVERLOAD, seed).ttfa["vip"][1] for seed in seeds]
        ratio = spread(high / low for high, low in zip(busy, idle, strict=True))
        return Row(policy.name, ratio, {"idle p95": spread(idle), "3x p95": spread(busy)})

    return [row(policy) for policy in policies]


def speakers(policies: Sequence[Policy] | None = None, seeds: Sequence[int] = SEEDS, *, renders: int = 0) -> list[Row]:
    """Figure 13: speakers with 99.9 % of their frames in time / FIFO's, on the same hardware. Goal: at least 1.5.

    FIFO is given the better of held back and not. "ours" may leave faces to the client when the pool is full;
    "ours without admission" is the order and the batches alone. With `renders`, so many clips are rendered besides,
    offline, for whom any time is good; without, the detail "most" bounds what order can win: FIFO's number if it could
    use all of the tightest pool.
    """
    wanted = policies or (OURS, RING_ONLY, FIFO, *(p for p in BASELINES if p is not FIFO))
    theirs = [_better(FIFO, seed, renders) for seed in seeds]

    def row(policy: Policy) -> Row:
        mine = [_better(policy, seed, renders)[0] for seed in seeds]
        ratio = spread(count / reference for count, (reference, _) in zip(mine, theirs, strict=True))
        most = {} if renders else {"most": spread(1 / use for _, use in theirs)}
        return Row(policy.name, ratio, {"speakers": spread(mine), **most})

    return [row(policy) for policy in wanted]


RENDERS = 16
"""Clips under way beside the speakers of figure 13, where work is mixed."""


def _better(policy: Policy, seed: int, renders: int) -> tuple[float, float]:
    """Speakers sustained, held back or not, and the use of the tightest pool with so many."""
    count, service = max(
        ((sustained(faces(one), seed, renders=renders), faces(one)) for one in (policy, paced(policy))),
        key=lambda found: found[0],
    )
    crowd = beside_renders(conversations(count, 150.0, seed), renders)
    return float(count), max(simulate(service, crowd, seed).use.values())


def sustained(service: Service, seed: int, until: Seconds = 150.0, *, renders: int = 0) -> int:
    """The most speakers in conversation that are served in time; found by halving."""

    def holds(users: int) -> bool:
        report = simulate(service, beside_renders(conversations(users, until, seed), renders), seed)
        return report.in_time >= IN_TIME and report.p95 <= PATIENCE

    return _most(holds, 8, 512)


def _most(holds: Callable[[int], bool], low: int, high: int) -> int:
    while high - low > max(1, low // 40):
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def flash(viewers: int = 10_000, scale: float = 0.1, seeds: Sequence[int] = SEEDS) -> list[Row]:
    """A flash crowd, on a shard: good turns of those who asked, of `viewers * scale` within a minute."""

    def row(policy: Policy) -> Row:
        asked = round(viewers * scale)
        reports = [simulate(small(policy), flash_crowd(asked, 240.0, seed, background=4.0), seed) for seed in seeds]
        return Row(
            policy.name,
            spread(report.goodput * report.span / report.turns for report in reports),
            {"p95": spread(report.p95 for report in reports), "in time": spread(r.in_time for r in reports)},
        )

    return [row(policy) for policy in LOADED]

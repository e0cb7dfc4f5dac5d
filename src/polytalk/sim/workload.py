"""Who comes, and when."""

import math
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.sim.chance import poisson
from polytalk.sim.script import CONVERSATION, Habits, Script, Shape, shape_of
from polytalk.types import Seconds, Tier

FOREVER = 10**9
"""Turns of somebody who stays."""


@dataclass(frozen=True)
class Visit:
    """One session."""

    at: Seconds
    """When the first question ends."""
    tenant: str = "default"
    tier: Tier = Tier.STANDARD
    turns: int = FOREVER
    shapes: tuple[Shape, ...] = ()
    """Its turns where they are known; else the workload's script is followed."""


@dataclass(frozen=True)
class Workload:
    """Visits, what is said in them, and the moment after which nobody asks any more."""

    name: str
    visits: Sequence[Visit]
    until: Seconds
    script: Script
    settle: Seconds = 0.0
    """Turns that begin before are not judged: the crowd has only begun to mix."""


Whom = Callable[[random.Random], tuple[str, Tier]]
"""Draws a session's tenant and tier."""


def everybody(chance: random.Random) -> tuple[str, Tier]:
    """One tenant, all alike."""
    return "default", Tier.STANDARD


@dataclass(frozen=True)
class Mix:
    """Tenants by weight, and a share of vips."""

    tenants: dict[str, float] = field(default_factory=lambda: {"default": 1.0})
    vips: float = 0.0
    """They have a tenant of their own, `<tenant>-vip`: fair shares are between tenants."""

    def __call__(self, chance: random.Random) -> tuple[str, Tier]:
        """See Whom."""
        tenant = chance.choices(list(self.tenants), list(self.tenants.values()))[0]
        return (f"{tenant}-vip", Tier.VIP) if chance.random() < self.vips else (tenant, Tier.STANDARD)


def conversations(
    users: int, until: Seconds, seed: int, *, habits: Habits = CONVERSATION, whom: Whom = everybody
) -> Workload:
    """A closed loop: as many users as told, each asks, hears out, thinks, and asks again."""
    script, chance = Script(habits, seed), random.Random(seed)
    cycle = script.mean_cycle()
    visits = [Visit(chance.uniform(0, cycle), *whom(chance)) for _ in range(users)]
    return Workload(f"{users} conversations", visits, until, script, settle=min(cycle, until / 4))


def beside_renders(crowd: Workload, renders: int, *, sentences: int = 40, length: Seconds = 4.0) -> Workload:
    """The same while so many clips are rendered at any time: offline work, one clip after the other."""
    clip = shape_of(3.0, (length,) * sentences, 0.0, None)
    offline = [Visit(0.0, "renders", Tier.BATCH, FOREVER, (clip,) * 100) for _ in range(renders)]
    return replace(crowd, name=f"{crowd.name} beside {renders} renders", visits=[*crowd.visits, *offline])


def questions(
    rate: float, until: Seconds, seed: int, *, habits: Habits = CONVERSATION, whom: Whom = everybody
) -> Workload:
    """An open loop: single questions at a constant rate, whatever becomes of them (Poisson)."""
    return _open(f"{rate:g} questions/s", lambda moment: rate, rate, until, seed, habits, whom)


def diurnal(
    mean: float,
    until: Seconds,
    seed: int,
    *,
    period: Seconds = 86_400.0,
    swing: float = 0.8,
    habits: Habits = CONVERSATION,
    whom: Whom = everybody,
) -> Workload:
    """Questions whose rate swings around the mean, lowest at the start of each period."""

    def rate(moment: Seconds) -> float:
        return mean * (1 - swing * math.cos(2 * math.pi * moment / period))

    return _open("diurnal", rate, mean * (1 + swing), until, seed, habits, whom)


def flash_crowd(
    viewers: int,
    until: Seconds,
    seed: int,
    *,
    at: Seconds = 60.0,
    within: Seconds = 60.0,
    background: float = 0.0,
    habits: Habits = CONVERSATION,
    whom: Whom = everybody,
) -> Workload:
    """So many viewers ask one question each within a minute, on top of a background of questions a second."""
    base = questions(background, until, seed, habits=habits, whom=whom)
    chance = random.Random(seed + 1)
    rush = [_single(at + chance.uniform(0, within), chance, whom) for _ in range(viewers)]
    return replace(base, name=f"flash crowd of {viewers}", visits=[*base.visits, *rush])


class TraceLine(Struct, frozen=True, forbid_unknown_fields=True):
    """One turn of a recorded day."""

    at: Seconds
    """When the question ended, from the start of the trace."""
    question: Seconds
    sentences: tuple[Seconds, ...]
    """Length of each sentence of the answer."""
    tenant: str = "default"
    tier: Tier = Tier.STANDARD
    interrupt: float | None = None


def replay(path: Path, seed: int = 0) -> Workload:
    """A recorded day, one `TraceLine` as JSON a line. Raises BadInput with the line's number."""
    visits = list(_lines(path))
    until = max((visit.at for visit in visits), default=0.0)
    return Workload(f"trace {path.name}", visits, until, Script(CONVERSATION, seed, 13))


def _lines(path: Path) -> Iterable[Visit]:
    decoder = msgspec.json.Decoder(TraceLine)
    for number, text in enumerate(path.read_bytes().splitlines(), 1):
        if not text.strip():
            continue
        try:
            line = decoder.decode(text)
        except msgspec.DecodeError as error:
            raise BadInput(f"{path}, line {number}: {error}") from error
        if not line.sentences:
            raise BadInput(f"{path}, line {number}: an answer has at least one sentence")
        shape = shape_of(line.question, line.sentences, 0.0, line.interrupt)
        yield Visit(line.at, line.tenant, line.tier, 1, (shape,))


def _open(
    name: str, rate: Callable[[Seconds], float], most: float, until: Seconds, seed: int, habits: Habits, whom: Whom
) -> Workload:
    chance = random.Random(seed)
    visits = [_single(at, chance, whom) for at in poisson(rate, most, until, chance)] if most > 0 else []
    return Workload(name, visits, until, Script(habits, seed), settle=min(20.0, until / 4))


def _single(at: Seconds, chance: random.Random, whom: Whom) -> Visit:
    tenant, tier = whom(chance)
    return Visit(at, tenant, tier, turns=1)

"""What engines cost: seconds = (slope * units + overhead) * a ratio per batch size; read from a file, never guessed.

For an LLM with continuous batching the same line is the time of one step with n sequences, the unit is a sequence, and
`prefill` tells how fast prompts are read. Every number says where it comes from.
"""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.types import Seconds, Stage

Basis: TypeAlias = Literal["measured", "published", "derived", "assumed"]
"""measured: on the machine it is about. published: somebody else's measurement of it. derived: from a published figure
of another model or card, as `source` says. assumed: no figure was found."""
Unit: TypeAlias = Literal["seconds", "letters", "frames", "turns", "tokens"]
"""seconds: of audio (of the question for listen, else of the answer). frames: pictures.
tokens: sequences that decode."""


SIMULATED = (Stage.LISTEN, Stage.THINK, Stage.SPEAK, Stage.MOUTH)
"""What every turn needs. Voices give phone times, so nothing is analysed."""
BY_CLIENT, BY_SERVER = "phones", "synthesise"
"""Faces drawn by the client, from the mouth's parameters; and by whatever the calibrated server draws with."""


class StageCost(Struct, frozen=True, forbid_unknown_fields=True):
    """One engine's cost."""

    slope: float
    """Seconds a unit."""
    overhead: Seconds
    """Seconds a batch (of an LLM: a step)."""
    units: Unit
    pool: str
    """What it computes on: stages that name the same pool share its slots."""
    max_batch: int = 1
    """Jobs a batch; sequences that one LLM decodes at once."""
    table: dict[int, float] = {}
    """Jobs in the batch -> observed / line, where the line is wrong. Between sizes the ratio is interpolated."""
    prefill: float | None = None
    """Prompt tokens a second (LLM only)."""
    run: Seconds | None = None
    """The longest piece of an answer that is one job (synthesise only); None for a whole sentence."""
    basis: Basis = "measured"
    source: str = ""

    def ratios(self) -> list[float]:
        """Index n: the ratio for a batch of n."""
        known = sorted(self.table.items())
        return [_between(known, size) for size in range(self.max_batch + 1)]

    def seconds(self, units: float, jobs: int = 1) -> Seconds:
        """Of a batch of `jobs` with `units` in all."""
        return (self.slope * units + self.overhead) * _between(sorted(self.table.items()), jobs)


class PoolKind(Struct, frozen=True, forbid_unknown_fields=True):
    """What one slot of a pool is, and what it costs."""

    unit: str
    """As people buy it: "core", "L40S"."""
    usd_per_hour: float | None = None
    source: str = ""
    date: str = ""


class Hardware(Struct, frozen=True, forbid_unknown_fields=True):
    """Engines on a kind of machine."""

    title: str
    stages: dict[Stage, StageCost]
    pools: dict[str, PoolKind] = {}
    faces: dict[str, StageCost] = {}
    """Engines that draw on the server, by name; without one the client draws."""
    notes: tuple[str, ...] = ()

    def with_face(self, name: str) -> "Hardware":
        """The same with faces drawn by an engine, or by the client. Raises BadInput for an engine without figures."""
        if name == BY_CLIENT:
            return self
        if name not in self.faces:
            known = ", ".join((BY_CLIENT, *self.faces))
            raise BadInput(f"no figures for the face {name!r} on {self.title}; there are {known}")
        return msgspec.structs.replace(self, stages={**self.stages, Stage.SYNTHESISE: self.faces[name]})


def known() -> dict[str, Hardware]:
    """The kinds of machine that come with the package."""
    text = files("polytalk.sim").joinpath("hardware.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Hardware])


def read_calibration(path: Path) -> Hardware:
    """What `polytalk bench --calibrate` measured: {stage: StageCost}. Raises BadInput, which says what is wrong."""
    try:
        stages = msgspec.json.decode(path.read_bytes(), type=dict[Stage, StageCost])
    except OSError as error:
        raise BadInput(f"can't read {path}: {error.strerror}; `polytalk bench --calibrate` writes it") from error
    except msgspec.DecodeError as error:
        raise BadInput(f"{path} is no calibration: {error}") from error
    if absent := [stage.value for stage in SIMULATED if stage not in stages]:
        raise BadInput(f"{path} says nothing about {', '.join(absent)}: calibrate again with all engines")
    pools = {cost.pool: PoolKind("core") for cost in stages.values()}
    drawn = {engine: cost for engine, cost in ((BY_SERVER, stages.get(Stage.SYNTHESISE)),) if cost is not None}
    return Hardware(f"this machine ({path.name})", {stage: stages[stage] for stage in SIMULATED}, pools, drawn)


def _between(known: list[tuple[int, float]], size: int) -> float:
    if not known:
        return 1.0
    before = max((point for point in known if point[0] <= size), default=known[0])
    after = min((point for point in known if point[0] >= size), default=known[-1])
    if after[0] == before[0]:
        return before[1]
    return before[1] + (after[1] - before[1]) * (size - before[0]) / (after[0] - before[0])


Slots: TypeAlias = Mapping[str, int]
"""Pool -> how many work in it."""

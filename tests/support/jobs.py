"""Jobs and chunks for tests that care only about some of their fields."""

from itertools import count
from typing import Any

from hypothesis import strategies as st
from msgspec.structs import replace

from polytalk.types import AnalyseWork, Chunk, Job, Result, Stage, TextDelta, Tier

_numbers = count()

TEMPLATE = Job(
    id="",
    stage=Stage.ANALYSE,
    engine="face",
    session="sess",
    generation=0,
    turn="turn",
    work=AnalyseWork(b""),
    created=0.0,
    deadline=0.0,
    reply_to="dialogue",
)


def job(**fields: Any) -> Job:
    """A job with an id of its own."""
    return replace(TEMPLATE, **({"id": f"job_{next(_numbers):06d}"} | fields))


def chunk(of: Job, sequence: int = 0, result: Result | None = None, *, final: bool = False) -> Chunk:
    """A piece of the job's result."""
    return Chunk(
        job=of.id,
        session=of.session,
        generation=of.generation,
        sequence=sequence,
        result=result if result is not None else TextDelta(f"{of.id}/{sequence}"),
        final=final,
        reply_to=of.reply_to,
    )


jobs = st.builds(
    job,
    deadline=st.floats(-5, 20),
    tier=st.sampled_from(Tier),
)
"""Jobs of every tier, some late already at time 0."""

"""Interruptions while others talk: the figure `barge_in`, with callers around it who load the server to about 80 %."""

import asyncio
import os
import time

from bench.crowd import Talk, converse
from bench.figures import barge_in
from bench.plan import QUICK, Plan
from bench.questions import questions, rotated
from bench.report import Figure
from bench.server import Server, serving
from polytalk.types import Seconds

BACKGROUND = 3
"""Callers in closed loops: with the interrupter they keep two cores about four fifths busy; the note says how busy."""
INTERRUPTERS = 1
LEAD: Seconds = 8.0
"""The others talk already when the first interruption comes."""
EACH: Seconds = 5.0
"""An interruption takes about so long: a question, its answer's first audio, a second of it."""


def measure(plan: Plan) -> Figure:
    """One server, one crowd, one interrupter."""
    count = 8 if plan == QUICK else 24
    with serving() as server:
        cuts, busy, talk = asyncio.run(_loaded(server, count))
    title = "Interrupt → last stale byte, the server loaded by others"
    note = (
        f"The server used {busy:.0%} of {len(os.sched_getaffinity(0))} cores meanwhile; "
        f"{BACKGROUND} others had {len(talk.turns)} turns."
    )
    return Figure("sched_barge_in", title, "≤ 100 ms p95", barge_in.rows_of(BACKGROUND + INTERRUPTERS, cuts), [note])


async def _loaded(server: Server, count: int) -> tuple[list[barge_in.Cut], float, Talk]:
    rows = [rotated(questions(), caller) for caller in range(BACKGROUND)]
    talking = asyncio.create_task(converse(server, rows, stagger=LEAD / 2, seconds=LEAD + EACH * count))
    await asyncio.sleep(LEAD)
    began, cpu = time.monotonic(), server.cpu_seconds()
    cuts = await barge_in._crowd(server, INTERRUPTERS, count)
    busy = (server.cpu_seconds() - cpu) / (time.monotonic() - began) / len(os.sched_getaffinity(0))
    return cuts, busy, await talking

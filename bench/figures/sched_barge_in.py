"""Interruptions while others talk: the figure `barge_in`, with callers around it who load the server to about 80 %."""

import asyncio
import os
import time

import numpy as np

from bench.crowd import Talk, converse
from bench.figures import barge_in
from bench.machine import Background
from bench.plan import Plan
from bench.questions import questions, rotated
from bench.report import Figure, Line
from bench.server import Server, serving
from polytalk.types import Seconds

LOAD = 0.8
PROBE, MOST = 4, 32
"""Callers in closed loops: so many at first, then as many as make the load, by how busy those made the server."""
INTERRUPTERS = 1
EACH_RUN = 4
LEAD: Seconds = 8.0
"""For those who begin to talk, before anything is measured."""
EACH: Seconds = 5.0
"""An interruption takes about so long: a question, its answer's first audio, a second of it."""


def measure(plan: Plan) -> Figure:
    """One server, one crowd, one interrupter, who interrupts four times a run."""
    count = EACH_RUN * plan.runs
    with serving() as server:
        cuts, busy, talks = asyncio.run(_loaded(server, count))
    others = sum(len(talk.calls) for talk in talks)
    title = "Interrupt → last stale byte, the server loaded by others"
    note = (
        f"The server used {busy:.0%} of {len(os.sched_getaffinity(0))} cores meanwhile; "
        f"{others} others had {sum(len(talk.turns) for talk in talks)} turns."
    )
    stale = [
        1000 * max(0.0, cut.answer.last_audio - since)
        for cut in cuts
        if (since := cut.told or cut.cancelled) is not None and cut.answer.last_audio is not None
    ]
    runs = {"polytalk": [float(np.percentile(stale, 95))] if stale else []}
    setting = f"live, real models, {busy:.0%} load, {len(stale)} interruptions"
    line = Line(12, "interrupt → last stale byte, p95 at 80 % load", 100.0, runs, unit="ms", setting=setting)
    rows = barge_in.rows_of(others + INTERRUPTERS, cuts)
    return Figure("sched_barge_in", title, "≤ 100 ms p95", rows, [note], [line])


async def _loaded(server: Server, count: int) -> tuple[list[barge_in.Cut], float, list[Talk]]:
    lasts = 3 * LEAD + EACH * count
    talking = [asyncio.create_task(_crowd(server, PROBE, 0, lasts))]
    await asyncio.sleep(LEAD)
    busy = await _busy(server, LEAD)
    more = min(MOST, round(PROBE * LOAD / max(busy, 0.01))) - PROBE - INTERRUPTERS
    if more > 0:
        talking.append(asyncio.create_task(_crowd(server, more, PROBE, lasts - 2 * LEAD)))
        await asyncio.sleep(LEAD)
    began, cpu = time.monotonic(), server.cpu_seconds()
    cuts = await barge_in._crowd(server, INTERRUPTERS, count)
    used = (server.cpu_seconds() - cpu) / (time.monotonic() - began) / len(os.sched_getaffinity(0))
    return cuts, used, list(await asyncio.gather(*talking))


async def _crowd(server: Server, callers: int, first: int, seconds: Seconds) -> Talk:
    rows = [rotated(questions(), first + caller) for caller in range(callers)]
    return await converse(server, rows, stagger=LEAD / 2, seconds=seconds)


async def _busy(server: Server, seconds: Seconds) -> float:
    """The server's share of what other processes leave of the cores."""
    background, cpu = Background(), server.cpu_seconds()
    await asyncio.sleep(seconds)
    load, cpu = background.load(), server.cpu_seconds() - cpu
    own = cpu / load.took / (os.cpu_count() or 1)
    return own / max(own, 1 - max(0.0, load.busy - own), 0.01)

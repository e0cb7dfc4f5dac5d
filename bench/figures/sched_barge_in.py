"""Interruptions while others talk: the figure `barge_in`, with callers around it who load the server to about 80 %.

Callers come and go until the server uses 80 % of what other processes leave of the cores, and go on doing so while
some of them interrupt: half by voice, half by `response.cancel`.
"""

import asyncio
import os
import time
from collections.abc import Sequence

import numpy as np

from bench.crowd import Talk, converse
from bench.figures import barge_in
from bench.machine import Background
from bench.plan import Plan
from bench.questions import Line as Text
from bench.questions import Utterance, questions, rotated, speak
from bench.report import Figure, Line
from bench.server import Server, serving
from polytalk.types import Seconds

LOAD, NEAR = 0.8, 0.07
FIRST, MOST = 6, 32
"""Callers in closed loops, besides those who interrupt."""
INTERRUPTERS = 6
CALL = 2
"""Interruptions in a call: the next one looks whether there were enough."""
WINDOW: Seconds = 5.0
"""After each the number of callers is set right."""
LEAD: Seconds = 30.0
"""Until then nobody interrupts while the load is not near."""
LASTS: Seconds = 40.0
"""No call that interrupts begins later than so long after the first …"""
PATIENCE: Seconds = 15.0
"""… nor goes on for longer than that."""


def measure(plan: Plan) -> Figure:
    """One server, one crowd, and as many interruptions as there are in `barge_in` at a number of users."""
    with serving() as server:
        cuts, load, talks = asyncio.run(_loaded(server, plan.interruptions))
    others = sum(len(talk.calls) for talk in talks)
    title = "Interrupt → last stale byte, the server loaded by others"
    note = (
        f"The server used {load:.0%} of what other processes left of {len(os.sched_getaffinity(0))} cores; "
        f"{others} other calls had {sum(len(talk.turns) for talk in talks)} turns."
    )
    late = stale(cuts)
    runs = {"polytalk": [1000 * float(np.percentile(late, 95))] if late else []}
    setting = f"live, real models, {load:.0%} load, {len(late)} interruptions"
    line = Line(12, "interrupt → last stale byte, p95 at 80 % load", 100.0, runs, unit="ms", setting=setting)
    return Figure("sched_barge_in", title, "≤ 100 ms p95", barge_in.rows_of(INTERRUPTERS, cuts), [note], [line])


def stale(cuts: Sequence[barge_in.Cut]) -> list[Seconds]:
    """How long after the client was told, or had cancelled, the last of the old answer came."""
    return [
        max(0.0, cut.answer.last_audio - since)
        for cut in cuts
        if (since := cut.told or cut.cancelled) is not None and cut.answer.last_audio is not None
    ]


def wanted(callers: int, load: float) -> int:
    """How many callers to have next: half way to as many as would make the load, if each made the same of it."""
    step = (LOAD - load) / max(load, 0.01) * callers / 2
    return min(MOST, max(1, callers + round(step)))


async def _loaded(server: Server, count: int) -> tuple[list[barge_in.Cut], float, list[Talk]]:
    lines = speak(Text(text) for text in barge_in.TEXTS)
    crowd, cuts = _Crowd(server, FIRST), list[barge_in.Cut]()
    interrupting: list[asyncio.Task[None]] = []
    began = time.monotonic()
    try:
        while abs(await crowd.steer() - LOAD) > NEAR and time.monotonic() - began < LEAD:
            pass
        load = _Load(server)
        interrupting += [
            asyncio.create_task(_interrupt(server, rotated(lines, index), count, cuts, index))
            for index in range(INTERRUPTERS)
        ]
        until = time.monotonic() + LASTS + PATIENCE
        while not all(task.done() for task in interrupting) and time.monotonic() < until:
            await crowd.steer()
        for task in interrupting:
            if task.done():
                task.result()
        return cuts, load.share(), await crowd.leave()
    finally:
        for task in interrupting:
            task.cancel()
        await crowd.leave()


async def _interrupt(
    server: Server, lines: Sequence[Utterance], count: int, cuts: list[barge_in.Cut], seed: int
) -> None:
    """Call after call, until all together have interrupted often enough, or for `LASTS`."""
    random, until = np.random.default_rng(seed), time.monotonic() + LASTS
    await asyncio.sleep(seed * WINDOW / INTERRUPTERS)
    call = 0
    while len(cuts) < count and time.monotonic() < until:
        cuts += await barge_in._call(server, rotated(lines, 5 * call), CALL, random)
        call += 1


class _Load:
    """The server's share of what other processes leave of the cores, from its making on."""

    def __init__(self, server: Server) -> None:
        self._server, self._background, self._cpu = server, Background(), server.cpu_seconds()

    def share(self) -> float:
        """By now."""
        load, cpu = self._background.load(), self._server.cpu_seconds() - self._cpu
        own = cpu / load.took / (os.cpu_count() or 1)
        return own / max(own, 1 - max(0.0, load.busy - own), 0.01)


class _Crowd:
    """Callers, as many as it takes."""

    def __init__(self, server: Server, callers: int) -> None:
        self._server = server
        self._calling: list[asyncio.Task[None]] = []
        self._talks: list[Talk] = []
        self._asked = questions()
        self._came = 0
        self._come(callers)

    async def steer(self) -> float:
        """The load of the next `WINDOW`; then callers come or leave."""
        load = _Load(self._server)
        await asyncio.sleep(WINDOW)
        share, callers = load.share(), len(self._calling)
        more = wanted(callers, share) - callers
        if more > 0:
            self._come(more)
        else:
            await self._go(-more)
        return share

    async def leave(self) -> list[Talk]:
        """All of them; what they did."""
        await self._go(len(self._calling))
        return self._talks

    def _come(self, count: int) -> None:
        self._calling += [asyncio.create_task(self._call(self._came + index)) for index in range(count)]
        self._came += count

    async def _go(self, count: int) -> None:
        leaving, self._calling = self._calling[:count], self._calling[count:]
        for task in leaving:
            if task.done():
                task.result()  # it broke off by itself: that is told
            task.cancel()
        await asyncio.gather(*leaving, return_exceptions=True)

    async def _call(self, seed: int) -> None:
        await asyncio.sleep(WINDOW / 2 * np.random.default_rng(seed).uniform())
        talk = Talk(0.0, 0.0, [])
        self._talks.append(talk)
        await converse(self._server, [rotated(self._asked, seed)], stagger=0.0, calls=talk.calls)

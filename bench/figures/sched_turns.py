"""What the server makes of the cores, real models, when there is always another caller: turns a second ÷ the ideal.

Callers send a recorded question, wait for the whole answer without hearing it out, hang up, and call again. The ideal
is cores ÷ what a turn's models take at their best batch (the stages of `cost` that such a turn has), for answers as
long as those that were given. What other processes took of the cores meanwhile, the callers' own included, is no
loss of the server's and is left out of them.
"""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle

from bench.client import Caller
from bench.figures import cost
from bench.machine import Background
from bench.plan import Plan
from bench.questions import Utterance, questions, rotated
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.spread import Runs, row
from bench.server import Server, serving
from polytalk.types import Seconds

GOAL = 0.90
CALLERS = 16
WARM: Seconds = 8.0
SECONDS: Seconds = 40.0
ENOUGH = 90
"""Turns: with thirty the same server gave 0.80 and 0.95. On a busy machine they take longer, up to `PATIENCE`."""
PATIENCE: Seconds = 120.0
UNPACED = {"TURN__SEND_LEAD_MS": "60000", "TURN__MAX_LEAD_MS": "60000"}
ORDERS = {"polytalk": False, "fifo": True}
"""The server as it is; and serving by arrival, behind no admission."""


def measure(plan: Plan) -> Figure:
    """Ours, and the server by arrival, in turn."""
    bound = cost.per_speech(plan)
    cores = len(os.sched_getaffinity(0))
    runs: Runs = {name: [] for name in ORDERS}
    cells: list[Row] = []
    for _ in range(plan.long_runs):
        for name, fifo in ORDERS.items():
            with serving(UNPACED, fifo=fifo) as server:
                made = asyncio.run(_saturate(server, questions()))
            runs[name].append(bound * made.speech / (cores * made.lasts * made.left))
            cells.append(
                {
                    "scheduler": name,
                    "speech s/s": round(made.speech / made.lasts, 2),
                    "turns": made.turns,
                    "failed": made.failed,
                    "server's CPU, cores": round(made.cpu / made.lasts, 2),
                    "left by others": f"{made.left:.0%}",
                    "models' part of it": round(bound * made.speech / made.cpu, 3),
                    "efficiency": round(runs[name][-1], 3),
                }
            )
    title = f"Turn efficiency, {CALLERS} callers who do not listen, real models"
    plot.bars("sched_turns", title, plot.of(runs), GOAL)
    medians = ", ".join(f"{name} {row(values)['median']}" for name, values in runs.items())
    notes = [
        f"Median efficiency: {medians}. The models take {bound * 1000:.0f} ms of CPU for a second of speech at their "
        "best batch."
    ]
    line = Line(2, "turn efficiency at saturation", GOAL, runs, at_most=False, setting="live, real models")
    return Figure("sched_turns", title, f"≥ {GOAL}", cells, notes, [line])


@dataclass
class Saturated:
    """What was made while the server was saturated."""

    turns: int = 0
    failed: int = 0
    speech: Seconds = 0.0
    """That arrived."""
    lasts: Seconds = 0.0
    cpu: Seconds = 0.0
    """Of the server."""
    left: float = 1.0
    """Share of the cores that other processes left to it."""


class Crowd:
    """Callers in closed loops, and the speech that they were sent so far."""

    def __init__(self, server: Server, asked: Sequence[Utterance]) -> None:
        self.turns, self.failed = 0, 0
        self._server, self._asked = server, asked
        self._before: Seconds = 0.0
        self._now: dict[int, Caller] = {}

    @property
    def speech(self) -> Seconds:
        """Of all callers, those who have hung up too."""
        return self._before + sum(_speech(caller) for caller in self._now.values())

    async def call(self, index: int) -> None:
        """Again and again, until cancelled."""
        for question in cycle(rotated(self._asked, index)):
            async with Caller(self._server.url, microphone=False, push_to_talk=True) as caller:
                self._now[index] = caller
                answered = await caller.answered(await caller.send(question))
            self._before += _speech(self._now.pop(index))
            self.turns += answered
            self.failed += not answered


def _speech(caller: Caller) -> Seconds:
    return sum(answer.seconds for answer in caller.record.answers.values())


async def _saturate(server: Server, asked: Sequence[Utterance]) -> Saturated:
    crowd = Crowd(server, asked)
    async with asyncio.TaskGroup() as group:
        callers = [group.create_task(crowd.call(index)) for index in range(CALLERS)]
        await asyncio.sleep(WARM)
        background, cpu, speech, turns = Background(), server.cpu_seconds(), crowd.speech, crowd.turns
        while (took := background.load().took) < PATIENCE and (took < SECONDS or crowd.turns - turns < ENOUGH):
            await asyncio.sleep(1.0)
        load, cpu = background.load(), server.cpu_seconds() - cpu
        made = Saturated(crowd.turns - turns, crowd.failed, crowd.speech - speech, load.took, cpu)
        others = max(0.0, load.busy - cpu / load.took / (os.cpu_count() or 1))
        made.left = max(0.01, 1 - others - load.stolen)
        for task in callers:
            task.cancel()
    return made

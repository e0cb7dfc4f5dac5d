"""What a turn costs besides its models: the real server process with engines that cost nothing."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import cache
from typing import Literal

from bench.client import Caller
from bench.crowd import Talk, converse
from bench.plan import Plan
from bench.questions import questions
from bench.report import Figure, Row
from bench.scripted import QUESTION
from bench.server import Server, serving
from polytalk.errors import EngineFailed
from polytalk.types import Seconds

CALLERS = 16
SETTINGS: Mapping[str, str] = dict.fromkeys(("VAD", "ASR", "LLM", "ANALYSE", "MOUTH"), '{"engine": "scripted"}') | {
    "TTS": '[{"engine": "scripted"}]'
}
QUIET: Seconds = 6.0
WRITTEN = 20
"""Turns in writing of each caller."""


@cache
def measure(_: Plan) -> Figure:
    """From turns that are nothing but orchestration to whole calls."""
    with serving(SETTINGS) as server:
        written = asyncio.run(_write(server, "text", WRITTEN))
        spoken = asyncio.run(_write(server, "audio", 1))
        microphone = asyncio.run(_quiet(server))
        talk = asyncio.run(_talk(server))
    count = len(talk.turns)
    answer = sum(turn.answer.seconds for turn in talk.turns if turn.answer) / count
    rows = [
        _row("a turn by voice: all of it", talk.cpu / count),
        _row("a turn in writing, answered in writing", written),
        _row(f"a turn in writing, answered by {answer:.1f} s of voice and face", spoken),
        _row("a second of silent microphone", microphone),
    ]
    notes = [
        f"{CALLERS} callers at once; a turn by voice has {talk.microphone / count:.1f} s of microphone.",
        "A microphone's frame wakes the server up 50 times a second, which costs less the busier the server is.",
    ]
    title = "The server's own CPU time, engines that cost nothing"
    return Figure("orchestration", title, "≤ 2 ms a turn (in writing: orchestration alone)", rows, notes)


def turn_seconds(plan: Plan) -> Seconds:
    """CPU seconds of one turn by voice, the microphone included."""
    return float(measure(plan).rows[0]["CPU ms"] or 0.0) / 1000


def _row(what: str, seconds: Seconds) -> Row:
    return {"what": what, "CPU ms": round(seconds * 1000, 2)}


async def _write(server: Server, modality: Literal["audio", "text"], turns: int) -> Seconds:
    """CPU seconds of a turn asked in writing."""
    async with AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(Caller(server.url, microphone=False)) for _ in range(CALLERS)]
        cpu = server.cpu_seconds()
        async with asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(_correspond(caller, modality, turns))
        return (server.cpu_seconds() - cpu) / (CALLERS * turns)


async def _correspond(caller: Caller, modality: Literal["audio", "text"], turns: int) -> None:
    for _ in range(turns):
        turn = await caller.write(QUESTION, modality)
        await caller.answered(turn)
        if turn.answer is None or turn.answer.status != "completed":
            raise EngineFailed(f"a turn in writing came to nothing: {turn.fate}")


async def _quiet(server: Server) -> Seconds:
    """CPU seconds for a second of microphone."""
    async with AsyncExitStack() as stack:
        for _ in range(CALLERS):
            await stack.enter_async_context(Caller(server.url))
        cpu, began = server.cpu_seconds(), time.monotonic()
        await asyncio.sleep(QUIET)
        return (server.cpu_seconds() - cpu) / (time.monotonic() - began) / CALLERS


async def _talk(server: Server) -> Talk:
    rows = [questions()[:4]] * CALLERS
    return await converse(server, rows, turns=1, stagger=3.0, caller=lambda _: Caller(server.url))

"""What a turn costs besides its models: the real server process with engines that cost nothing."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import cache

from bench.client import Caller
from bench.crowd import Talk, converse
from bench.plan import Plan
from bench.questions import questions
from bench.report import Figure, Row
from bench.server import Server, serving
from polytalk.types import Seconds

CALLERS = 16
"""Enough that the clock's ticks of 10 ms do not matter."""
SETTINGS: Mapping[str, str] = dict.fromkeys(("VAD", "ASR", "LLM", "FACE"), '{"engine": "scripted"}') | {
    "TTS": '[{"engine": "scripted"}]'
}


QUIET: Seconds = 6.0


@cache
def measure(_: Plan) -> Figure:
    """Callers that say nothing, then callers that converse, then the same over compressed sockets."""
    with serving(SETTINGS) as server:
        microphone = asyncio.run(_quiet(server))
        talk = asyncio.run(_talk(server, compression=None))
        deflated = asyncio.run(_talk(server, compression="deflate"))
    count = len(talk.turns)
    answered = sum(turn.answer.seconds for turn in talk.turns if turn.answer)
    beyond = talk.cpu - microphone * talk.microphone
    rows = [
        _row("one turn", talk.cpu / count),
        _row("one turn, the microphone not counted", beyond / count),
        _row("one second of microphone", microphone),
        _row("one second of answer", beyond / answered),
        _row("one turn, with permessage-deflate", deflated.cpu / len(deflated.turns)),
    ]
    note = (
        f"{count} turns of {CALLERS} callers; each has {answered / count:.1f} s of answer with mouth frames, "
        f"and {talk.microphone / count:.1f} s of microphone."
    )
    title = "The server's own CPU time, engines that cost nothing"
    return Figure("orchestration", title, "≤ 2 ms a turn", rows, [note])


def turn_seconds(plan: Plan) -> Seconds:
    """CPU seconds of one turn, the microphone included."""
    return float(measure(plan).rows[0]["CPU ms"] or 0.0) / 1000


def _row(what: str, seconds: Seconds) -> Row:
    return {"what": what, "CPU ms": round(seconds * 1000, 2)}


async def _quiet(server: Server) -> Seconds:
    """CPU seconds for a second of microphone."""
    async with AsyncExitStack() as stack:
        for _ in range(CALLERS):
            await stack.enter_async_context(Caller(server.url))
        cpu, began = server.cpu_seconds(), time.monotonic()
        await asyncio.sleep(QUIET)
        return (server.cpu_seconds() - cpu) / (time.monotonic() - began) / CALLERS


async def _talk(server: Server, *, compression: str | None) -> Talk:
    rows = [questions()[:4]] * CALLERS
    return await converse(
        server, rows, turns=1, stagger=3.0, caller=lambda _: Caller(server.url, compression=compression)
    )

"""Requests that are refused, as many as come, beside conversations that go on: how many are refused a second, and how
much later the conversations' first sound comes.

One flood has no good key, another a good one that has used up its minute; each comes over 16 connections, from a
process of its own, as fast as it is answered. Engines cost nothing.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.figures.orchestration import SETTINGS
from bench.plan import QUICK, Plan
from bench.report import Figure, Row
from bench.scripted import QUESTION
from bench.server import Server, serving
from polytalk.types import Seconds

GOAL = 10.0
TALKERS = 8
SECONDS: Seconds = 15.0
CONNECTIONS = 16
TENANTS = [
    {"name": "talkers", "token": "sk-talkers", "limits": {"requests_per_minute": 100_000, "tokens_per_minute": 1e9}},
    {"name": "greedy", "token": "sk-greedy", "limits": {"requests_per_minute": 1}},
]
FLOODS: Mapping[str, str] = {"nobody's key": "sk-wrong", "a key over its limit": "sk-greedy"}


def measure(plan: Plan) -> Figure:
    """Refusals a second, and the conversations' p95."""
    seconds = 4.0 if plan == QUICK else SECONDS
    rows: list[Row] = []
    settings = {**SETTINGS, "TENANTS": json.dumps(TENANTS), "LIMITS__QUEUE_TURNS": "200"}
    with serving(settings) as server:
        quiet = 0.0
        for flood in (None, *FLOODS):
            with _flooded(server, flood, seconds) as refused:
                waits = np.array(asyncio.run(_talk(server, seconds))) * 1000
            p50, p95 = np.percentile(waits, (50, 95))
            quiet = quiet or float(p95)
            rows.append(
                {
                    "flood": flood or "none",
                    "refused a second": round(sum(refused.values()) / seconds),
                    "with": " ".join(sorted(refused)),
                    "turns": len(waits),
                    "first sound p50 ms": round(float(p50), 1),
                    "p95 ms": round(float(p95), 1),
                    "p95 moved, %": round(100 * (float(p95) / quiet - 1), 1),
                }
            )
    title = "Refused requests beside conversations that go on"
    return Figure("gateway_flood", title, f"p95 moves by at most {GOAL:.0f} %", rows)


@contextmanager
def _flooded(server: Server, flood: str | None, seconds: Seconds) -> Iterator[dict[str, int]]:
    """While it comes; afterwards the statuses are counted."""
    counts: dict[str, int] = {}
    with ExitStack() as stack:
        process = None
        if flood is not None:
            command = [
                sys.executable,
                "-m",
                "bench.flood",
                str(server.port),
                FLOODS[flood],
                str(seconds),
                str(CONNECTIONS),
            ]
            process = stack.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        yield counts
        if process is not None:
            counts.update(json.loads(process.communicate(timeout=60)[0]))
            counts.pop("200", None)


async def _talk(server: Server, seconds: Seconds) -> list[Seconds]:
    """Everybody asks in writing, hears the first sound, stops the answer, and asks again; gives the waits."""
    loop, waits = asyncio.get_running_loop(), list[Seconds]()
    until = loop.time() + seconds

    async def one() -> None:
        async with connect(
            f"{server.url}/v1/realtime?model=mira",
            additional_headers={"authorization": "Bearer sk-talkers"},
            compression=None,
        ) as socket:
            while loop.time() < until:
                item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": QUESTION}]}
                await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
                asked = loop.time()
                await socket.send('{"type": "response.create"}')
                await _until(socket, "response.output_audio.delta")
                waits.append(loop.time() - asked)
                await socket.send('{"type": "response.cancel"}')
                await _until(socket, "response.done")
                await asyncio.sleep(0.1)

    await asyncio.gather(*(one() for _ in range(TALKERS)))
    return waits


async def _until(socket: ClientConnection, kind: str) -> None:
    async with asyncio.timeout(10.0):
        while json.loads(await socket.recv())["type"] != kind:
            pass

"""How many connections one gateway process holds while nobody says anything, what each takes of memory, and what all of
them cost: heartbeats included (a ping each 5 s to each). Engines cost nothing; clients are in this process."""

import asyncio
import resource
import time
from contextlib import AsyncExitStack

from websockets.asyncio.client import connect

from bench.figures.orchestration import SETTINGS
from bench.plan import QUICK, Plan
from bench.report import Figure, Row
from bench.server import Server, serving
from polytalk.types import Seconds

GOAL = 5_000
AT_ONCE = 50
"""Handshakes under way."""
IDLE: Seconds = 15.0
"""Three heartbeats of each connection."""


def measure(plan: Plan) -> Figure:
    """Connections held, and what they cost."""
    wanted = 500 if plan == QUICK else GOAL
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the server inherits it
    with serving({**SETTINGS, "LIMITS__MAX_SESSIONS": str(wanted)}) as server:
        rows = asyncio.run(_hold(server, wanted))
    title = "Connections held idle by one gateway process"
    return Figure("gateway_idle", title, f"{GOAL:,} on one core", rows)


async def _hold(server: Server, wanted: int) -> list[Row]:
    before = server.rss_mib()
    async with AsyncExitStack() as stack:
        room = asyncio.Semaphore(AT_ONCE)
        url = f"{server.url}/v1/realtime?model=mira"

        async def one() -> None:
            async with room:
                socket = await stack.enter_async_context(connect(url, compression=None, ping_interval=None))
                await socket.recv()

        cpu, began = server.cpu_seconds(), time.monotonic()
        await asyncio.gather(*(one() for _ in range(wanted)))
        opening, took = server.cpu_seconds() - cpu, time.monotonic() - began
        cpu, began = server.cpu_seconds(), time.monotonic()
        await asyncio.sleep(IDLE)
        idle = (server.cpu_seconds() - cpu) / (time.monotonic() - began)
        kib = (server.rss_mib() - before) * 1024 / wanted
    return [
        {
            "connections": wanted,
            "KiB each": round(kib, 1),
            "% of a core, idle": round(100 * idle, 1),
            "CPU ms to open one": round(1000 * opening / wanted, 2),
            "opened a second": round(wanted / took),
        }
    ]

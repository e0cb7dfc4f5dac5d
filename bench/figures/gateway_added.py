"""What the gateway adds to a frame when 200 people talk to it at once.

Each sends its microphone, 100 ms a frame, and asks now and then for something that needs no engine: from the question
leaving to the answer arriving is the way through the gateway twice, behind everybody else's frames. Engines cost
nothing. The same question on a server with nobody else on it is taken off.
"""

import asyncio
import base64
import time
from contextlib import AsyncExitStack

import msgspec
import numpy as np
from websockets.asyncio.client import ClientConnection, connect

from bench.figures.orchestration import SETTINGS
from bench.plan import QUICK, Plan
from bench.report import Figure, Row
from bench.server import Server, serving
from polytalk.types import SPEECH_RATE, Seconds

GOAL = 5.0
SESSIONS = 200
FRAME: Seconds = 0.1
SECONDS: Seconds = 15.0
ASKED: Seconds = 0.5
"""Between two questions of one session."""
APPEND = msgspec.json.encode(
    {
        "type": "input_audio_buffer.append",
        "audio": base64.b64encode(bytes(round(2 * SPEECH_RATE * FRAME))).decode(),
    }
).decode()
CLEAR = '{"type": "input_audio_buffer.clear"}'
CLEARED = '"input_audio_buffer.cleared"'


def measure(plan: Plan) -> Figure:
    """Milliseconds."""
    crowd, seconds = (40, 5.0) if plan == QUICK else (SESSIONS, SECONDS)
    rows: list[Row] = []
    alone = 0.0
    with serving({**SETTINGS, "LIMITS__MAX_SESSIONS": str(crowd + 1)}) as server:
        for sessions in (1, crowd):
            cpu = server.cpu_seconds()
            waits = np.array(asyncio.run(_talk(server, sessions, seconds))) * 1000
            used = (server.cpu_seconds() - cpu) / seconds
            alone = alone or float(np.median(waits))
            p50, p99 = np.percentile(waits, (50, 99))
            rows.append(
                {
                    "sessions": sessions,
                    "asked": len(waits),
                    "p50 ms": round(float(p50), 2),
                    "p99 ms": round(float(p99), 2),
                    "p99 added, ms": round(float(p99) - alone, 2),
                    "% of a core": round(100 * used),
                }
            )
    title = f"What the gateway adds to a frame, {crowd} sessions at the microphone"
    return Figure("gateway_added", title, f"p99 ≤ {GOAL:.0f} ms at {SESSIONS} sessions", rows)


async def _talk(server: Server, sessions: int, seconds: Seconds) -> list[Seconds]:
    async with AsyncExitStack() as stack:
        url = f"{server.url}/v1/realtime?model=mira"
        sockets = [
            await stack.enter_async_context(connect(url, compression=None, ping_interval=None)) for _ in range(sessions)
        ]
        waits: list[Seconds] = []
        async with asyncio.TaskGroup() as group:
            for number, socket in enumerate(sockets):
                group.create_task(_one(socket, number / sessions * FRAME, seconds, waits))
        return waits


async def _one(socket: ClientConnection, offset: Seconds, seconds: Seconds, waits: list[Seconds]) -> None:
    asked: list[Seconds] = []

    async def listen() -> None:
        while True:
            if CLEARED in str(await socket.recv()) and asked:
                waits.append(time.perf_counter() - asked.pop(0))

    listening = asyncio.create_task(listen())
    begun = time.monotonic() + offset
    every = round(ASKED / FRAME)
    for number in range(round(seconds / FRAME)):
        await asyncio.sleep(begun + number * FRAME - time.monotonic())
        await socket.send(APPEND)
        if number % every == every - 1:
            asked.append(time.perf_counter())
            await socket.send(CLEAR)
    await asyncio.sleep(0.2)
    listening.cancel()

"""Sessions that open, converse and close, one after another, in virtual time: what do they leave behind?"""

import asyncio
import gc
import json
import resource
import tracemalloc
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import looptime
import numpy as np
from msgspec import Struct

from polytalk.config import StoreSettings
from tests.support.gateway import Gateway

PAGE = resource.getpagesize()
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Is it?"}]}
MOMENT = 0.001
SETTLES = 400.0
"""Virtual seconds, after which no timer of a session runs any more."""
LEDGER = 100
"""Entries of the bank's ledger that are kept; the usual 100,000 take longer to fill up than all of this."""
LONGEST = 30.0
"""Virtual seconds for an answer."""


class Sample(Struct, frozen=True):
    """After so many sessions."""

    sessions: int
    allocated: int
    """Bytes of Python's objects, by tracemalloc."""
    resident: int
    """Bytes of the process."""


def soak(sessions: int, every: int) -> list[Sample]:
    """Hold so many; every so many, look at the memory."""
    loop = looptime.new_event_loop(start=0, noop_cycles=2)
    try:
        return loop.run_until_complete(_soak(sessions, every))
    finally:
        loop.close()


def slope(counts: Sequence[float], values: Sequence[float]) -> float:
    """How much the values grow with each thousand, by least squares over the later half: by then all that is kept once
    is there.

    >>> round(slope([0, 500, 1000, 1500, 2000], [0, 90, 100, 105, 110]))
    10
    """
    half = len(counts) // 2
    return float(np.polyfit(counts[half:], values[half:], 1)[0] * 1000)


async def _soak(sessions: int, every: int) -> list[Sample]:
    samples: list[Sample] = []
    tracemalloc.start()
    try:
        async with Gateway(store=StoreSettings(queue=10)) as gateway:
            gateway.runtime.bank._ledger_size = LEDGER
            for number in range(1, sessions + 1):
                await converse(gateway, stay=number % 4 != 0)
                if number % every == 0:
                    await asyncio.sleep(SETTLES)
                    gc.collect()
                    samples.append(Sample(number, tracemalloc.get_traced_memory()[0], _resident()))
                    for engine in gateway.engines:
                        engine.requests.clear()  # the script's own notes
    finally:
        tracemalloc.stop()
    return samples


async def converse(gateway: Gateway, *, stay: bool) -> None:
    """A question and its answer; who does not `stay` leaves in the middle of it."""
    heard, over = asyncio.Event(), asyncio.Event()

    def note(message: dict[str, Any]) -> None:
        text = message["text"]
        if '"response.output_audio.delta"' in text:
            heard.set()
        elif '"response.done"' in text:
            over.set()

    socket = gateway.socket(query={"model": "mira"}, note=note)
    await asyncio.sleep(MOMENT)
    socket.send(json.dumps({"type": "conversation.item.create", "item": ITEM}))
    socket.send('{"type": "response.create"}')
    async with asyncio.timeout(LONGEST):
        await (over if stay else heard).wait()
        socket.leave()
        await socket.serving


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE

"""Equal requests at the same time: how much of what need not be computed is not computed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

from bench.cache.trace import zipf
from bench.plan import Plan
from bench.report import Figure, Line, Row
from polytalk.cache.disk import DiskTier
from polytalk.cache.key import SpeechKey, digest
from polytalk.cache.memory import MemoryTier
from polytalk.cache.renders import Renders
from polytalk.cache.tiers import Tiers
from polytalk.types import Result, Seconds, Speech

TAKES: Seconds = 0.2
"""How long a sentence takes to make."""
CROWDS = ((1_000, 1), (1_000, 10), (5_000, 500))
"""Requests at once, and texts among them."""


class Voice:
    """Sleeps, then gives half a second of speech in two pieces; counts."""

    computes = 0

    async def __call__(self) -> AsyncGenerator[Result, None]:
        self.computes += 1
        for _ in range(2):
            await asyncio.sleep(TAKES / 2)
            yield Speech(bytes(12_000))


def measure(_: Plan) -> Figure:
    rows: list[Row] = []
    for requests, texts in CROWDS:
        keys = [key % texts for key in zipf(1.0, requests).keys]
        rows += [_row("single-flight", keys, 0.0), _row("a cache alone", keys, 0.0)]
    keys = list(zipf(1.0, 3_000).keys)
    rows += [_row("single-flight", keys, 0.001), _row("a cache alone", keys, 0.001)]
    notes = [
        "Saved: 1 - (computes - distinct) / (requests - distinct). A cache alone looks, computes, and keeps.",
        "The last two: a request every millisecond for one of 10,000 texts, Zipf 1.0.",
    ]
    runs = {
        name: [float(row["saved"] or 0.0) for row in rows if row["how"] == how]
        for name, how in (("polytalk", "single-flight"), ("a cache alone", "a cache alone"))
    }
    what = "single-flight: of the computations that need not be, those that were not"
    line = Line(9, what, 1.0, runs, at_most=False, setting=f"live, {len(runs['polytalk'])} crowds")
    return Figure("single_flight", "Equal requests that are computed once", "1.0", rows, notes, [line])


def _row(how: str, keys: list[int], every: Seconds) -> Row:
    computes, seconds = asyncio.run(_crowd(keys, every, alone=how != "single-flight"))
    distinct = len(set(keys))
    saved = 1 - (computes - distinct) / (len(keys) - distinct)
    return {
        "how": how,
        "requests": len(keys),
        "distinct": distinct,
        "computes": computes,
        "saved": round(saved, 4),
        "s": round(seconds, 2),
    }


async def _crowd(keys: list[int], every: Seconds, *, alone: bool) -> tuple[int, Seconds]:
    voice = Voice()
    tiers = Tiers(MemoryTier(1 << 30), DiskTier(Path(), 0))
    renders = Renders(tiers)

    async def ask(number: int, text: int) -> None:
        await asyncio.sleep(number * every)
        key = SpeechKey("tts", "1", str(text), "v", "en", 1.0)
        if not alone:
            async with aclosing(renders.read(key, voice)) as results:
                pieces = [piece async for piece in results]
            assert len(pieces) == 2
        elif await tiers.get(digest(key)) is None:
            pieces = [piece async for piece in voice()]
            await tiers.put(digest(key), b"".join(piece.audio for piece in pieces if isinstance(piece, Speech)))

    began = asyncio.get_running_loop().time()
    await asyncio.gather(*(ask(number, text) for number, text in enumerate(keys)))
    return voice.computes, asyncio.get_running_loop().time() - began

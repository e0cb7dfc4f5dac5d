"""A rendering is looked for, else made once for all, and kept."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from polytalk.cache.disk import DiskTier
from polytalk.cache.key import SpeechKey, digest
from polytalk.cache.memory import MemoryTier
from polytalk.cache.renders import LARGEST, Renders
from polytalk.cache.tiers import Tiers
from polytalk.errors import EngineFailed
from polytalk.types import Phone, Result, Speech

KEY = SpeechKey("tts", "1", "Hello.", "vera", "en", 1.0)
SAID = (Speech(b"\1\2" * 100, (Phone("h", 0.0, 0.1),)), Speech(b"\3\4" * 100))


class Voice:
    """Says the same two pieces, and counts."""

    def __init__(self, *said: Speech, fails: bool = False) -> None:
        self.said = said or SAID
        self.fails = fails
        self.asked = 0

    async def __call__(self) -> AsyncGenerator[Result, None]:
        self.asked += 1
        for piece in self.said:
            await asyncio.sleep(0)
            yield piece
        if self.fails:
            raise EngineFailed("the voice broke")


def renders(folder: Path | None = None, memory: int = 1 << 20) -> Renders:
    return Renders(Tiers(MemoryTier(memory), DiskTier(folder or Path("none"), (1 << 20) if folder else 0)))


async def hear(
    renders: Renders, voice: Voice, *, lane: str = "", keep: bool = True, lasting: bool = False
) -> tuple[Any, ...]:
    async with aclosing(renders.read(KEY, voice, lane=lane, keep=keep, lasting=lasting)) as results:
        return tuple([result async for result in results])


async def test_the_second_time_it_is_there_as_it_was() -> None:
    voice, kept = Voice(), renders()
    assert await hear(kept, voice) == await hear(kept, voice) == SAID
    assert voice.asked == 1
    assert (kept.asked.requests, kept.asked.kept, kept.asked.computed) == (2, 1, 1)


async def test_half_a_rendering_is_not_kept() -> None:
    voice, kept = Voice(fails=True), renders()
    with pytest.raises(EngineFailed, match="the voice broke"):
        await hear(kept, voice)
    voice.fails = False
    assert await hear(kept, voice) == SAID
    assert voice.asked == 2


async def test_who_stops_listening_leaves_no_half_rendering() -> None:
    voice, kept = Voice(), renders()
    async with aclosing(kept.read(KEY, voice)) as results:
        await anext(results)
    assert await hear(kept, voice) == SAID
    assert voice.asked == 2


async def test_what_may_change_unseen_is_shared_and_not_kept() -> None:
    voice, kept = Voice(), renders()
    await asyncio.gather(hear(kept, voice, keep=False), hear(kept, voice, keep=False))
    assert (voice.asked, kept.asked.shared) == (1, 1)
    await hear(kept, voice, keep=False)
    assert voice.asked == 2


async def test_live_work_does_not_wait_for_offline_work() -> None:
    voice, kept = Voice(), renders()
    await asyncio.gather(hear(kept, voice, lane="batch"), hear(kept, voice))
    assert voice.asked == 2


async def test_what_is_meant_to_last_outlives_the_process(tmp_path: Path) -> None:
    voice = Voice()
    await hear(renders(tmp_path), voice, lasting=True)
    assert await hear(renders(tmp_path), voice) == SAID
    assert voice.asked == 1


async def test_an_entry_that_another_version_wrote_is_made_anew(tmp_path: Path) -> None:
    voice, kept = Voice(), renders(tmp_path)
    assert kept.tiers is not None
    await kept.tiers.put(digest(KEY), b"\xc1 no message", at_once=True)
    assert await hear(kept, voice) == SAID
    assert await hear(kept, voice) == SAID
    assert voice.asked == 1


async def test_a_monologue_is_heard_and_not_kept() -> None:
    voice, kept = Voice(Speech(bytes(LARGEST // 2)), Speech(bytes(LARGEST))), renders(memory=4 * LARGEST)
    assert [len(piece.audio) for piece in await hear(kept, voice)] == [LARGEST // 2, LARGEST]
    await hear(kept, voice)
    assert voice.asked == 2


async def test_without_tiers_it_is_still_done_once_at_a_time() -> None:
    voice, none = Voice(), Renders()
    await asyncio.gather(*(hear(none, voice) for _ in range(5)))
    assert voice.asked == 1

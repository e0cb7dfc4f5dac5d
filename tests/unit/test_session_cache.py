"""What was said once is not made again, and what many ask for at once is made once."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from polytalk.cache.disk import DiskTier
from polytalk.cache.memory import MemoryTier
from polytalk.cache.renders import Renders
from polytalk.cache.tiers import Tiers
from polytalk.dialogue.events import Spoke
from polytalk.types import Seconds, Stage
from tests.support.engines import Fault, ScriptedLlm, ScriptedTts
from tests.support.invariants import check
from tests.support.scene import Caller, Scene

pytestmark = pytest.mark.looptime

SLOW = 0.5
"""Seconds that the voice takes for a sentence."""


def kept() -> Renders:
    return Renders(Tiers(MemoryTier(1 << 24), DiskTier(Path("none"), 0)))


def heard(caller: Caller) -> bytes:
    return b"".join(spoke.audio for spoke in caller.all(Spoke))


async def test_the_same_answer_again_needs_no_voice_and_no_face() -> None:
    async with Scene(renders=kept()) as scene:
        spoken = []
        for _ in range(2):
            async with scene.call() as caller:
                await caller.asks()
                await caller.answered()
                check(caller)
                spoken.append((heard(caller), b"".join(spoke.mouth for spoke in caller.all(Spoke))))
        assert spoken[0] == spoken[1]
        assert len(scene.tts.works) == len({work.text for work in scene.tts.works})
        assert len(scene.mouth.works) == len(scene.tts.works)


async def test_what_is_kept_is_heard_sooner() -> None:
    async with Scene(tts=ScriptedTts(delay=SLOW), renders=kept()) as scene:
        waits = []
        for _ in range(2):
            async with scene.call() as caller:
                await caller.asks()
                waits.append(caller.at(await caller.until(Spoke)) - scene.llm.requests[-1].began)
                await caller.answered()
        ahead = scene.llm.every  # the voice begins a word before the end of the sentence is certain
        assert waits[0] - waits[1] == pytest.approx(SLOW + scene.mouth.delay - ahead, abs=0.02)


async def test_another_speed_is_another_rendering() -> None:
    async with Scene(llm=ScriptedLlm("It is so."), renders=kept()) as scene:
        for speed in (1.0, 1.5, 1.0):
            async with scene.call(speed=speed) as caller:
                await caller.asks()
                await caller.answered()
        assert [work.speed for work in scene.tts.works] == [1.0, 1.5]


async def test_two_who_get_the_same_answer_at_once_share_the_work() -> None:
    async with Scene(tts=ScriptedTts(delay=SLOW)) as scene, scene.call() as one, scene.call() as other:
        await asyncio.gather(one.asks(), other.asks())
        await one.answered()
        await other.answered()
        assert heard(one) == heard(other) != b""
        assert len(scene.tts.works) == len({work.text for work in scene.tts.works})
        assert len(scene.llm.works) == 2


async def test_an_interruption_takes_nothing_from_those_who_share() -> None:
    async with Scene(llm=ScriptedLlm("It is so."), tts=ScriptedTts(delay=2.0)) as scene:
        async with scene.call() as first, scene.call() as second:
            await asyncio.gather(first.asks(), second.asks())
            await second.hushes(0.5)
            assert scene.tts.busy == 1
            await first.session.cancel()
            assert scene.tts.busy == 1
            await second.answered()
            assert heard(second) != b""
            assert heard(first) == b""
        assert [request.completed for request in scene.tts.requests] == [True]


async def test_work_that_nobody_waits_for_is_ended() -> None:
    slow = ScriptedTts(delay=2.0)
    async with Scene(llm=ScriptedLlm("It is so."), tts=slow) as scene, scene.call() as first, scene.call() as second:
        await asyncio.gather(first.asks(), second.asks())
        await second.hushes(0.5)
        await first.session.cancel()
        await second.session.cancel()
        await second.hushes(0.1)
        assert [request.aborted for request in scene.tts.requests] == [True]


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    async with Scene(llm=ScriptedLlm("It is so."), renders=kept()) as scene:
        scene.tts.faults = [Fault(RuntimeError("broken"))]
        async with scene.call() as caller:
            await caller.asks()
            assert (await caller.answered()).status == "failed"
            await caller.asks()
            assert (await caller.answered(2)).status == "completed"


async def test_who_finds_it_kept_is_not_charged_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    bills: list[Mapping[Stage, Seconds]] = []
    async with Scene(llm=ScriptedLlm("It is so."), renders=kept()) as scene:
        monkeypatch.setattr(scene.gate, "learn", lambda spent, heard, fps: bills.append(dict(spent)))
        for _ in range(2):
            async with scene.call() as caller:
                await caller.asks()
                await caller.answered()
        assert bills[0][Stage.SPEAK] > 0
        assert bills[1][Stage.SPEAK] == bills[1][Stage.MOUTH] == 0

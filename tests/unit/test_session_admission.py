"""Turns wait for room, are told where they stand, and are refused with a time to come back: all in virtual time."""

import asyncio

import pytest

from polytalk.dialogue.dispatch import Replies
from polytalk.dialogue.events import Capacity, ResponseStarted, Spoke, Transcribed, TranscriptionFailed
from polytalk.types import Job, Stage, Tier
from tests.support.engines import ScriptedAsr, ScriptedTts
from tests.support.scene import Caller, Scene

pytestmark = pytest.mark.looptime


def long_answers() -> ScriptedTts:
    return ScriptedTts(per_word=1.0)


async def test_a_turn_without_room_waits_until_another_ends_and_is_told_so() -> None:
    async with Scene(tts=long_answers(), places=1) as scene, scene.call() as first, scene.call() as second:
        await first.asks()
        await first.until(Spoke)
        await second.asks()
        waiting = await second.until(Capacity)
        assert (waiting.position, waiting.wait > 0) == (1, True)
        assert not second.all(Spoke)
        await first.answered()
        admitted = await second.until(Capacity, where=lambda event: event.position == 0)
        assert second.at(admitted) >= first.at(await first.answered())
        assert (await second.answered()).status == "completed"


async def test_a_vip_has_room_where_a_standard_caller_waits() -> None:
    async with Scene(tts=long_answers(), places=10) as scene:
        callers = [scene.call() for _ in range(11)]
        vip = scene.call(tier=Tier.VIP)
        for caller in (*callers, vip):
            await caller.__aenter__()
        await asyncio.gather(*(caller.asks() for caller in callers))
        await vip.asks()
        assert (await vip.answered()).status == "completed"
        assert not vip.all(Capacity)
        assert sum(bool(caller.all(Capacity)) for caller in callers) == 1
        for caller in (*callers, vip):
            await caller.answered()
            await caller.__aexit__(None, None, None)


async def test_a_caller_who_interrupts_gives_the_place_back_at_once() -> None:
    async with Scene(tts=long_answers(), places=1) as scene, scene.call() as first, scene.call() as second:
        await first.asks()
        await first.heard(0.5)
        await second.asks()
        await second.until(Capacity)
        await first.says(1.2)
        assert (await second.answered()).status == "completed"


async def test_a_caller_who_leaves_the_queue_or_the_call_blocks_nobody() -> None:
    async with Scene(tts=long_answers(), places=1) as scene, scene.call() as last:
        async with scene.call() as first, scene.call() as waiter:
            await first.asks()
            await first.until(Spoke)
            await waiter.asks()
            await waiter.until(Capacity)
        await last.asks()
        assert (await last.answered()).status == "completed"
        assert not scene.gate.admission.leases


async def test_when_the_queue_is_full_the_answer_fails_with_a_time_to_come_back() -> None:
    async with Scene(tts=long_answers(), places=1) as scene, scene.call() as first, scene.call() as second:
        scene.gate.admission.max_queue = 0
        await first.asks()
        await first.until(Spoke)
        await second.asks()
        refused = await second.answered()
        assert (refused.status, refused.reason) == ("failed", "at_capacity")
        assert "try again in" in refused.message


async def test_who_is_refused_is_not_transcribed_and_told_so() -> None:
    async with Scene(tts=long_answers(), places=1) as scene, scene.call() as first, scene.call() as second:
        scene.gate.admission.max_queue = 0
        await first.asks()
        await first.until(Spoke)
        heard = len(scene.asr.works)
        await second.asks()
        await second.answered()
        assert len(scene.asr.works) == heard
        assert second.only(TranscriptionFailed).code == "at_capacity"


async def test_who_waits_for_room_is_transcribed_meanwhile() -> None:
    async with Scene(tts=long_answers(), places=1) as scene, scene.call() as first, scene.call() as second:
        await first.asks()
        await first.until(Spoke)
        await second.asks()
        transcribed = await second.until(Transcribed)
        admitted = await second.until(Capacity, where=lambda event: event.position == 0)
        assert second.at(transcribed) < second.at(admitted)
        await second.answered()


async def test_a_noise_gives_its_place_back() -> None:
    async with Scene(asr=ScriptedAsr("")) as scene, scene.call() as caller:
        await caller.asks()
        await caller.until(Transcribed)
        await caller.hushes(0.1)
        assert not scene.gate.admission.leases


async def test_a_vip_is_transcribed_as_a_vip() -> None:
    async with Scene() as scene, scene.call(tier=Tier.VIP) as caller:
        seen: list[tuple[Stage, Tier, str]] = []
        submit = scene.dispatcher.submit

        async def note(job: Job) -> Replies:
            seen.append((job.stage, job.tier, job.tenant))
            return await submit(job)

        scene.dispatcher.submit = note  # type: ignore[method-assign]
        await caller.asks()
        await caller.answered()
        assert seen[0] == (Stage.LISTEN, Tier.VIP, "vip")


async def test_a_guess_is_not_begun_without_room_and_counts_once_it_is_adopted() -> None:
    async with Scene(tts=long_answers()) as scene, scene.call(guess=True) as caller:
        await caller.says()
        await caller.hushes(0.2)
        assert scene.busy["llm"] or not scene.gate.admission.leases
        assert not scene.gate.admission.leases
        await caller.hushes(0.7)
        await caller.until(ResponseStarted)
        assert len(scene.gate.admission.leases) == 1
        await caller.answered()
        assert not scene.gate.admission.leases


async def test_the_queue_is_first_come_first_served() -> None:
    async with Scene(tts=long_answers(), places=1) as scene:
        callers: list[Caller] = [scene.call() for _ in range(4)]
        for caller in callers:
            await caller.__aenter__()
        for caller in callers:
            await caller.asks()
        starts = [caller.at(await caller.until(Spoke)) for caller in callers]
        assert starts == sorted(starts)
        for caller in callers:
            await caller.answered()
            await caller.__aexit__(None, None, None)

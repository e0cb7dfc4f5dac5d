"""The LLM reads while the user speaks: without trace, on idle capacity, and never in the way."""

import asyncio

import pytest
from msgspec import structs

from polytalk.dialogue.events import Transcribed
from polytalk.types import Message
from tests.support.engines import ScriptedAsr, ScriptedLlm
from tests.support.invariants import check
from tests.support.scene import Scene

pytestmark = pytest.mark.looptime

SAID = ("Why is", "Why is the sky so", "Why is the sky so blue?")


def scene(room: bool = True, asr: ScriptedAsr | None = None) -> Scene:
    made = Scene(asr=asr or ScriptedAsr(*SAID), llm=ScriptedLlm(first=0.2))
    made.kit = structs.replace(made.kit, may_read_ahead=lambda: room)
    return made


async def test_words_are_read_while_they_are_said_all_but_the_last() -> None:
    async with scene() as talk, talk.call(guess=True) as caller:
        await caller.asks(1.5)
        await caller.answered()
        first, second, asked = talk.llm.works
        assert [work.ahead for work in talk.llm.works] == [True, True, False]
        assert [work.messages[-1] for work in (first, second, asked)] == [
            Message("user", "Why"),
            Message("user", "Why is the sky"),
            Message("user", "Why is the sky so blue?"),
        ]
        assert first.messages[:-1] == asked.messages[:-1]
        assert caller.only(Transcribed).text == "Why is the sky so blue?"
        check(caller)


async def test_what_was_read_ahead_is_not_counted_as_wasted() -> None:
    async with scene() as talk, talk.call(guess=True) as caller:
        await caller.asks(1.5)
        await caller.answered()
        assert sum(worker.stats().wasted for worker in talk.workers) == 0.0
        assert not any(worker.desk._guessed for worker in talk.workers)


async def test_without_idle_cores_nothing_is_read_ahead() -> None:
    async with scene(room=False, asr=ScriptedAsr()) as talk, talk.call(guess=True) as caller:
        await caller.asks(2.0)
        await caller.answered()
        assert (len(talk.asr.requests), len(talk.llm.requests)) == (1, 1)


async def test_where_reading_is_slow_it_is_left_alone_for_a_while() -> None:
    async with scene(asr=ScriptedAsr(delay=0.4)) as talk, talk.call(guess=True) as caller:
        for answer in (1, 2):
            await caller.asks(2.5)
            await caller.answered(answer)
        assert [work.ahead for work in talk.llm.works] == [True, False, False]
        await asyncio.sleep(30)
        await caller.asks(1.0)
        await caller.answered(3)
        assert talk.llm.works[3].ahead


async def test_a_call_that_ends_while_reading_leaves_nothing_behind() -> None:
    async with scene(asr=ScriptedAsr("Why is the", delay=1.0)) as talk:
        async with talk.call(guess=True) as caller:
            await caller.says(1.0)
        await asyncio.sleep(2)
        assert not any(worker.desk._guessed for worker in talk.workers)

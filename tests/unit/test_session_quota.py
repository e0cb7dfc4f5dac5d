"""Who pays for what a conversation has made: all in virtual time."""

import asyncio

import pytest

from polytalk.dialogue.events import Spoke, TranscriptionFailed
from polytalk.errors import OverQuota
from polytalk.types import Seconds
from tests.support.engines import ScriptedLlm
from tests.support.scene import Scene

pytestmark = pytest.mark.looptime


class Purse:
    """A meter that remembers."""

    def __init__(self) -> None:
        self.tokens = 0.0
        self.speech: Seconds = 0.0
        self.empty = False

    def check(self) -> None:
        if self.empty:
            raise OverQuota("the purse is empty", retry_after=7.0)

    def spend(self, tokens: float = 0.0, speech: Seconds = 0.0) -> None:
        self.tokens += tokens
        self.speech += speech


async def test_an_answer_costs_its_tokens_and_the_speech_heard_and_spoken() -> None:
    purse = Purse()
    async with Scene(llm=ScriptedLlm("One two three.")) as scene, scene.call(meter=purse) as caller:
        await caller.asks(1.0)
        await caller.answered()
        spoken = sum(len(what.audio) for what in caller.all(Spoke)) / 2 / 24_000
        assert purse.tokens >= 4  # three words, and the prompt
        assert 1.0 + spoken <= purse.speech < 2.0 + spoken


async def test_a_guess_costs_the_same_once_it_was_right_and_nothing_if_it_was_wrong() -> None:
    plain, guessing, wrong = Purse(), Purse(), Purse()
    async with Scene() as scene:
        async with scene.call(meter=plain) as caller:
            await caller.asks(1.0)
            await caller.answered()
        async with scene.call(guess=True, meter=guessing) as caller:
            await caller.asks(1.0)
            await caller.answered()
        async with scene.call(guess=True, meter=wrong) as caller:
            await caller.says(1.0)
            await caller.hushes(0.2)  # long enough to guess, too short to end the turn
            await asyncio.sleep(1.0)
            assert scene.llm.works
    assert guessing.tokens == plain.tokens > 0
    assert guessing.speech == pytest.approx(plain.speech, rel=0.2)
    assert (wrong.tokens, wrong.speech) == (0.0, 0.0)


async def test_who_owes_is_refused_before_anything_is_made_and_told_when_to_come_back() -> None:
    purse = Purse()
    purse.empty = True
    async with Scene() as scene, scene.call(meter=purse) as caller:
        await caller.asks(1.0)
        refused = await caller.until(TranscriptionFailed)
        assert (refused.code, "empty" in refused.message) == ("rate_limit_exceeded", True)
        assert (await caller.answered()).reason == "rate_limit_exceeded"
        assert not scene.asr.works
        assert not scene.llm.works
        purse.empty = False
        await caller.asks(1.0)
        await caller.until(Spoke)


async def test_what_is_interrupted_costs_what_was_made_of_it() -> None:
    purse = Purse()
    async with Scene(llm=ScriptedLlm("On and on. " * 40, every=0.2)) as scene, scene.call(meter=purse) as caller:
        await caller.asks(1.0)
        await caller.heard(0.5)
        await caller.says(1.2)
        await asyncio.sleep(0.5)
        assert 0 < purse.tokens < 120
        assert scene.llm.requests[0].aborted

"""The voice begins a token before it is certain where the first words end: on idle capacity, and undone when wrong."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from polytalk.dialogue.events import Spoke
from polytalk.types import Result, TextDelta, ThinkWork, Usage
from tests.support.engines import ScriptedLlm, ScriptedTts
from tests.support.invariants import check
from tests.support.scene import Scene

pytestmark = pytest.mark.looptime


class Pieces(ScriptedLlm):
    """Says its pieces as they are, a second apart."""

    def __init__(self, *pieces: str) -> None:
        super().__init__("".join(pieces))
        self._pieces = pieces

    async def script(self, work: ThinkWork) -> AsyncGenerator[Result, None]:
        for piece in self._pieces:
            yield TextDelta(piece)
            await asyncio.sleep(1.0)
        yield Usage(1, len(self._pieces))


async def test_the_voice_begins_at_the_mark_and_not_at_the_word_behind_it() -> None:
    waits = []
    for room in (True, False):
        async with Scene(llm=Pieces("It is so.", " Yes."), tts=ScriptedTts(delay=0.8)) as scene, scene.call() as caller:
            scene.room = room
            await caller.asks()
            await caller.answered()
            waits.append(caller.at(caller.all(Spoke)[0]) - scene.llm.requests[0].began)
            assert [work.text for work in scene.tts.works] == ["It is so.", "Yes."]
            check(caller)
    assert waits[1] - waits[0] == pytest.approx(0.8, abs=0.05)


async def test_what_was_begun_wrongly_ends_and_is_never_heard() -> None:
    llm = Pieces("It is about 3.", "5 metres.", " Yes.")
    async with Scene(llm=llm, tts=ScriptedTts(delay=1.5)) as scene, scene.call() as caller:
        await caller.asks()
        answer = await caller.answered()
        assert answer.text == "It is about 3.5 metres. Yes."
        assert [work.text for work in scene.tts.works] == ["It is about 3.", "It is about 3.5 metres.", "Yes."]
        assert [request.aborted for request in scene.tts.requests] == [True, False, False]
        check(caller)


async def test_an_interruption_ends_what_was_begun() -> None:
    llm = Pieces("It is so.", " Yes.")
    async with Scene(llm=llm, tts=ScriptedTts(delay=5.0)) as scene, scene.call(guess=True) as caller:
        await caller.asks()
        await caller.hushes(0.5)
        assert scene.tts.busy == 1
        await caller.session.cancel()
        await caller.hushes(0.1)
        assert [request.aborted for request in scene.tts.requests] == [True]
        scene.assert_idle()

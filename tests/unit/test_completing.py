"""Answers to be read: where they stop, who gives them, and that nothing is left of those that nobody waits for."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.capacity.payer import HOUSE
from polytalk.dialogue.knowledge.by_heart import Answer
from polytalk.dialogue.persona import Persona
from polytalk.dialogue.texts.completing import Asked, Completion, Halt
from polytalk.errors import Shed
from polytalk.gateway.rest.errands import Errands
from polytalk.types import Message, TextDelta, Usage
from tests.support.engines import ScriptedLlm
from tests.support.scene import Scene

pytestmark = pytest.mark.looptime


def asked(text: str = "How are you?", **changes: object) -> Asked:
    return Asked((Message("user", text),), 50, **changes)  # type: ignore[arg-type]


async def read(completion: Completion) -> str:
    async with aclosing(completion.deltas()) as deltas:
        return "".join([delta.delta async for delta in deltas if isinstance(delta, TextDelta)])


def errands(scene: Scene) -> Errands:
    return Errands(scene.dispatcher, scene.gate)


async def test_an_answer_comes_with_what_it_cost_and_holds_a_place_meanwhile() -> None:
    async with Scene(llm=ScriptedLlm("One two three.")) as scene:
        async with errands(scene).admitted(HOUSE) as scope:
            assert len(scene.gate.admission.leases) == 1
            completion = Completion(scope, scene.kit, asked())
            assert await read(completion) == "One two three."
            assert completion.usage == Usage(1, 3)
        assert scene.llm.works[0].plain
        assert scene.llm.works[0].messages == (Message("user", "How are you?"),)


async def test_it_ends_before_a_word_to_stop_at_and_the_engine_is_not_kept_at_it() -> None:
    async with Scene(llm=ScriptedLlm("One two three four five six.", every=1.0)) as scene:
        async with errands(scene).admitted(HOUSE) as scope:
            completion = Completion(scope, scene.kit, asked(stop=("three", "nothing")))
            assert await read(completion) == "One two "
            assert completion.usage.output_tokens == 3
        await asyncio.sleep(0.1)
        assert scene.llm.requests[0].aborted


async def test_who_leaves_takes_the_work_along() -> None:
    async with Scene(llm=ScriptedLlm("On and on. " * 50)) as scene:

        async def client() -> None:
            async with errands(scene).admitted(HOUSE) as scope:
                await read(Completion(scope, scene.kit, asked()))

        task = asyncio.create_task(client())
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.1)
        assert scene.llm.requests[0].aborted
        scene.assert_idle()


async def test_who_comes_to_a_full_house_waits_and_then_is_turned_away() -> None:
    async with Scene(places=1.0) as scene:
        scene.gate.admission.max_queue = 1
        desk = errands(scene)
        async with desk.admitted(HOUSE):
            waiting = asyncio.create_task(enter(desk))
            await asyncio.sleep(0.1)
            assert not waiting.done()
            with pytest.raises(Shed, match="try again"):
                await enter(desk)
        await waiting


async def enter(desk: Errands) -> None:
    async with desk.admitted(HOUSE):
        pass


async def test_an_avatar_answers_in_character_and_by_heart() -> None:
    persona = Persona("You are Mira.", "No Chinese.", answers=(Answer(("who are you",), "I am Mira."),))
    async with (
        Scene(llm=ScriptedLlm("Well."), llm_languages=("en",)) as scene,
        errands(scene).admitted(HOUSE) as scope,
    ):

        async def answer(*messages: Message) -> str:
            return await read(Completion(scope, scene.kit, Asked(messages, 50), lambda language: persona))

        assert await answer(Message("user", "Who are you?")) == "I am Mira."
        assert await answer(Message("user", "你好吗？")) == "No Chinese."
        assert scene.llm.works == []
        assert await answer(Message("user", "What is new?")) == "Well."
        assert scene.llm.works[-1].messages[0] == Message("system", "You are Mira.")
        assert await answer(Message("system", "Be a cook."), Message("user", "Who are you?")) == "Well."
        assert scene.llm.works[-1].messages[0] == Message("system", "Be a cook.")


@given(st.text("abc", max_size=20), st.lists(st.text("abc", min_size=1, max_size=4), max_size=3), st.integers(1, 5))
def test_a_text_is_cut_where_it_would_be_as_a_whole(text: str, stop: list[str], step: int) -> None:
    halt, shown = Halt(stop), ""
    for at in range(0, len(text), step):
        shown += halt.push(text[at : at + step])
        if halt.reached:
            break
    shown += halt.flush()
    ends = [text.find(word) for word in stop if word in text]
    assert halt.reached == bool(ends)
    if ends and step == 1:  # in larger pieces an earlier word may end later in the same piece
        first = min(text.find(word) + len(word) for word in stop if word in text)
        assert shown == text[: max(text[:first].rfind(w) for w in stop if text[:first].endswith(w))] or shown in {
            text[: first - len(w)] for w in stop if text[:first].endswith(w)
        }
    elif not ends:
        assert shown == text

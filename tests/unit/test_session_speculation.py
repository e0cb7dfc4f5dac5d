"""An answer begun at a pause: adopted when the user has finished, dropped without trace when not."""

import asyncio

import pytest
from msgspec import structs

from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.events import (
    DialogueEvent,
    ResponseStarted,
    SpeechStopped,
    Spoke,
    Transcribed,
)
from polytalk.types import Message, Seconds
from tests.support.engines import ScriptedAsr, ScriptedLlm
from tests.support.invariants import check
from tests.support.scene import Caller, Scene
from tests.support.sound import now

pytestmark = pytest.mark.looptime

PAUSE: Seconds = 0.3
"""Long enough to be a pause (96 ms), too short to end the turn (500 ms)."""


async def pauses(caller: Caller) -> None:
    await caller.says(1.0)
    await caller.hushes(PAUSE)


def story(caller: Caller) -> list[tuple[Seconds, DialogueEvent]]:
    """What was told and when, without the names that differ each time."""
    names = ("item", "previous", "response")
    return [
        (at, structs.replace(event, **{name: "" for name in names if hasattr(event, name)})) for at, event in caller.log
    ]


async def test_work_begins_at_the_pause_and_its_audio_comes_sooner() -> None:
    waits: dict[bool, Seconds] = {}
    for guess in (False, True):
        async with Scene() as scene, scene.call(guess=guess) as caller:
            await caller.asks()
            await caller.answered()
            waits[guess] = caller.at(caller.all(Spoke)[0]) - caller.at(caller.only(SpeechStopped))
            check(caller)
    assert waits[False] == pytest.approx(0.51, abs=0.05)
    assert waits[True] == pytest.approx(0.07, abs=0.05)


async def test_an_adopted_answer_costs_nothing_extra() -> None:
    async with Scene() as scene, scene.call(guess=True) as caller:
        await caller.asks()
        await caller.answered()
        assert (len(scene.asr.requests), len(scene.llm.requests)) == (1, 1)
        assert scene.asr.requests[0].began < caller.at(caller.only(SpeechStopped))
        assert caller.only(Transcribed).text == "I am 80"
        assert caller.only(Transcribed).seconds == pytest.approx(1.5, abs=0.05)


async def test_nothing_is_told_before_the_user_has_finished() -> None:
    async with Scene() as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        assert scene.llm.requests
        assert len(caller.events) == 1
        assert not caller.session.responding


async def test_a_guess_leaves_no_trace_when_the_user_goes_on() -> None:
    stories = []
    for guess in (False, True):
        asr = ScriptedAsr(delay=0.05)
        async with Scene(asr=asr) as scene, scene.call(guess=guess) as caller:
            await pauses(caller)
            scene.room = False
            await caller.asks(1.0)
            await caller.answered()
            stories.append(story(caller))
    without, with_guess = stories
    assert [event for _, event in with_guess] == [event for _, event in without]


async def test_the_work_of_a_wrong_guess_is_ended_at_once() -> None:
    async with Scene(llm=ScriptedLlm(first=5.0)) as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        assert scene.busy["llm"] == 1
        await caller.says(0.2)
        assert scene.busy["llm"] == 0
        assert scene.llm.requests[0].aborted


async def test_a_transcription_under_way_is_ended_with_its_guess() -> None:
    async with Scene(asr=ScriptedAsr(delay=5.0)) as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        await caller.says(0.2)
        assert scene.asr.requests[0].aborted


async def test_the_whole_utterance_is_answered_after_wrong_guesses() -> None:
    asr = ScriptedAsr("I would", "I would like", "I would like tea.")
    async with Scene(asr=asr) as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        await pauses(caller)
        await caller.asks(1.0)
        await caller.answered()
        assert caller.only(Transcribed).text == "I would like tea."
        assert scene.llm.works[-1].messages[1:] == (Message("user", "I would like tea."),)
        check(caller)


async def test_no_guess_is_made_when_others_need_the_machine() -> None:
    async with Scene() as scene, scene.call(guess=True) as caller:
        scene.room = False
        await pauses(caller)
        assert scene.asr.requests == []
        await caller.hushes()
        await caller.answered()


async def test_a_guess_that_heard_nothing_is_no_answer() -> None:
    async with Scene(asr=ScriptedAsr("")) as scene, scene.call(guess=True) as caller:
        await caller.asks()
        assert caller.only(Transcribed).text == ""
        await asyncio.sleep(2)
        assert caller.all(ResponseStarted) == []
        assert not caller.session.responding
        scene.assert_idle()


async def test_an_answer_asked_for_at_a_pause_is_given_and_ends() -> None:
    """A client may ask at any moment; the guess must not take the answer with it when the user goes on."""
    async with Scene() as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        caller.session.add(Item("typed", "user", "What time is it?"))
        await caller.session.respond()
        await caller.asks(1.0)
        await caller.answered()
        await asyncio.sleep(5)
        assert not caller.session.responding
        assert not any(scene.busy.values())
        check(caller)
        await caller.asks()
        assert (await caller.answered(len(caller.all(ResponseStarted)))).status == "completed"


async def test_an_item_added_at_a_pause_is_known_to_the_answer() -> None:
    async with Scene(asr=ScriptedAsr("Which one?", "Which one?")) as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        caller.session.add(Item("fact", "system", "It is the red one."))
        await caller.hushes()
        assert (await caller.answered()).status == "completed"
        assert Message("system", "It is the red one.") in scene.llm.works[-1].messages
        check(caller)


async def test_settings_changed_at_a_pause_hold_for_the_answer() -> None:
    async with Scene() as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        caller.session.configure(scene.settings(instructions="Be brief."))
        await caller.hushes()
        await caller.answered()
        assert scene.llm.works[-1].messages[0] == Message("system", "Be brief.")


async def test_a_guess_ends_when_turn_detection_does() -> None:
    async with Scene(llm=ScriptedLlm(first=9.0)) as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        caller.session.configure(scene.settings(turn_detection=None))
        await caller.says(1.0)
        await caller.session.commit()
        await caller.session.respond()
        await asyncio.sleep(1)
        assert scene.busy["llm"] == 1
        await caller.answered()
        check(caller)


@pytest.mark.parametrize("deed", ["commit", "clear"])
async def test_a_buffer_taken_or_cleared_at_a_pause_ends_the_guess(deed: str) -> None:
    async with Scene(llm=ScriptedLlm(first=9.0)) as scene, scene.call(guess=True) as caller:
        await pauses(caller)
        await (caller.session.commit() if deed == "commit" else caller.session.clear())
        await asyncio.sleep(0.01)
        assert scene.busy["llm"] == 0
        await caller.hushes()
        await asyncio.sleep(1)
        assert caller.all(ResponseStarted) == []
        assert len(caller.all(Transcribed)) == (deed == "commit")
        assert now() < 9.0

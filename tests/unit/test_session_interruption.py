"""The user interrupts. Nothing stale is heard, the work is ended, and history keeps what was said and heard."""

import asyncio
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.events import (
    ItemTruncated,
    OutputAdded,
    OutputDone,
    ResponseFinished,
    ResponseStarted,
    Said,
    SpeechStarted,
    Spoke,
    Transcribed,
)
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import TurnDetection
from polytalk.errors import BadInput
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE, Message, Seconds
from tests.support.engines import ScriptedAsr, ScriptedLlm, ScriptedTts
from tests.support.invariants import check
from tests.support.scene import Caller, Scene
from tests.support.sound import now

pytestmark = pytest.mark.looptime

COUNT = "One two three four five six seven eight nine ten. Eleven twelve thirteen fourteen fifteen sixteen. And on."
"""With 0.3 s a word the first sentence lasts 3 s."""


def counting(first: Seconds = 0.2, every: Seconds = 0.05) -> ScriptedLlm:
    return ScriptedLlm(COUNT, first, every)


async def test_an_answer_stops_at_the_moment_the_user_speaks() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(1.5)
        await caller.says(1.0)
        barge_in = caller.all(SpeechStarted)[1]
        done = await caller.answered()
        assert (done.status, done.reason) == ("cancelled", "turn_detected")
        assert caller.at(done) == caller.at(barge_in)
        assert [type(event) for event in caller.events[caller.events.index(barge_in) :]] == [
            SpeechStarted,
            OutputDone,
            ResponseFinished,
        ]
        check(caller)


async def test_every_engine_is_let_go_when_it_is_no_cough() -> None:
    scene = Scene(llm=counting(every=1.0), tts=ScriptedTts(delay=1.0, pieces=9))
    async with scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(0.5)
        assert {name: busy for name, busy in scene.busy.items() if busy} == {"llm": 1, "tts": 1}
        await caller.says(1.2)
        assert not any(scene.busy.values())
        [thought], [spoken] = scene.llm.requests, scene.tts.requests
        assert thought.aborted
        assert spoken.aborted
        assert thought.ended == spoken.ended
        assert thought.ended is not None
        assert thought.ended - caller.at(caller.all(SpeechStarted)[1]) < 1.0


async def test_history_keeps_the_words_that_were_heard() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(1.5)
        await caller.asks()
        await caller.answered(2)
        heard_for = caller.at(caller.all(ResponseFinished)[0]) - caller.at(caller.all(Spoke)[0])
        words = COUNT.split()[: round(heard_for / 0.3)]
        assert 4 <= len(words) <= 6
        assert caller.all(ResponseFinished)[0].text == " ".join(words)
        assert scene.llm.works[1].messages[2] == Message("assistant", f"{' '.join(words)} …")


async def test_a_sentence_that_streams_is_not_taken_for_heard_with_its_first_piece() -> None:
    scene = Scene(llm=counting(), tts=ScriptedTts(pieces=10))
    async with scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(1.5)
        await caller.says(0.3)
        done = await caller.answered()
        sent_for = sum(duration(spoke.audio, SPEECH_RATE) for spoke in caller.all(Spoke))
        heard_for = caller.at(done) - caller.at(caller.all(Spoke)[0])
        assert heard_for / 0.3 - 1 <= len(done.text.split()) <= sent_for / 0.3 + 1


async def test_history_keeps_the_characters_that_were_heard_of_chinese() -> None:
    said = "今天天气很好所以我们一起去公园散步吧。"
    speaker = ScriptedTts(per_word=0.25 * len(said))
    async with Scene(llm=ScriptedLlm(said), tts=speaker) as scene, scene.call(voice="wei") as caller:
        await caller.asks()
        await caller.heard(1.0)
        await caller.says(0.3)
        done = await caller.answered()
        heard_for = caller.at(done) - caller.at(caller.all(Spoke)[0])
        assert said.startswith(done.text)
        assert len(done.text) == pytest.approx(heard_for / 0.25, abs=1)


async def test_an_answer_of_which_nothing_was_heard_leaves_no_words() -> None:
    async with Scene(llm=counting(first=2.0)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.until(ResponseStarted)
        await caller.asks()
        first, second = await caller.answered(), await caller.answered(2)
        assert (first.status, first.text) == ("cancelled", "")
        assert second.status == "completed"
        assert caller.all(Said)[0].response == second.response
        assert [message.role for message in scene.llm.works[1].messages] == ["system", "user"]
        check(caller)


async def test_an_interruption_before_the_first_audio_aborts_the_llm() -> None:
    async with Scene(llm=counting(first=2.0)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.until(ResponseStarted)
        await caller.says(0.2)
        assert scene.llm.requests[0].aborted
        assert scene.tts.requests == []


@pytest.mark.parametrize("delay", [0.5, 3.0], ids=["transcribed in time", "still being transcribed"])
async def test_words_of_an_utterance_interrupted_before_its_answer_are_answered_with_the_next(delay: Seconds) -> None:
    async with Scene(asr=ScriptedAsr("I want tea.", "And milk.", delay=delay)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.asks()
        await caller.answered()
        assert [heard.text for heard in caller.all(Transcribed)] == ["I want tea.", "And milk."]
        assert scene.llm.works[-1].messages[1:] == (Message("user", "I want tea. And milk."),)
        assert len(caller.all(ResponseStarted)) == 1
        check(caller)


async def test_without_interrupt_response_the_avatar_talks_on() -> None:
    detection = TurnDetection(interrupt_response=False)
    async with Scene(llm=counting()) as scene, scene.call(turn_detection=detection) as caller:
        await caller.asks()
        await caller.heard(0.5)
        await caller.asks()
        assert (await caller.answered()).status == "completed"
        assert [heard.text for heard in caller.all(Transcribed)] == ["I am 80", "I am 80"]
        check(caller)


async def test_a_client_can_cancel() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(0.5)
        await caller.session.cancel()
        done = caller.only(ResponseFinished)
        assert (done.status, done.reason, caller.at(done)) == ("cancelled", "client_cancelled", now())
        await asyncio.sleep(3)
        assert caller.events[-1] is done
        assert not caller.session.responding


async def test_cancelling_nothing_is_an_error_that_clients_know() -> None:
    async with Scene() as scene, scene.call() as caller:
        with pytest.raises(BadInput, match=r"^Cancellation failed: no active response") as refused:
            await caller.session.cancel()
        assert refused.value.detail == "response_cancel_not_active"


async def test_a_second_answer_at_once_is_an_error_that_clients_know() -> None:
    async with Scene() as scene, scene.call() as caller:
        await caller.session.respond()
        with pytest.raises(BadInput, match="an answer is under way") as refused:
            await caller.session.respond()
        assert refused.value.detail == "conversation_already_has_active_response"
        assert (await caller.answered()).status == "completed"


async def test_the_client_knows_better_how_much_it_played() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(2.0)
        await caller.says(0.2)
        done = await caller.answered()
        caller.session.truncate(done.item, 0.6)
        assert caller.only(ItemTruncated) == ItemTruncated(done.item, 600)
        assert caller.session.conversation.get(done.item).text == "One two"


async def test_the_client_may_say_what_it_played_before_it_cancels() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(2.0)
        item = caller.only(OutputAdded).item.id
        caller.session.truncate(item, 0.6)
        await caller.session.cancel()
        assert caller.session.conversation.get(item).text == "One two"
        assert caller.only(ResponseFinished).text == "One two"


async def test_a_text_answer_that_is_cancelled_is_incomplete() -> None:
    async with Scene(llm=counting(every=0.5)) as scene, scene.call(modality="text") as caller:
        await caller.asks()
        await caller.until(Said, 3)
        await caller.session.cancel()
        item = caller.session.conversation.get(caller.only(ResponseFinished).item)
        assert (item.text, item.status) == ("One two three", "incomplete")


async def test_an_item_deleted_while_it_is_spoken_spoils_nothing() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(0.5)
        caller.session.conversation.delete(caller.only(OutputAdded).item.id)
        await caller.asks()
        first, second = await caller.answered(), await caller.answered(2)
        assert (first.status, second.status) == ("cancelled", "completed")
        assert [message.role for message in scene.llm.works[1].messages] == ["system", "user"]


async def test_a_conversation_that_forgets_its_oldest_items_forgets_none_that_is_spoken() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(0.5)
        for n in range(300):
            caller.session.add(Item(f"note_{n}", "system", "Note."))
        assert (await caller.answered()).status == "completed"


speech = st.lists(st.tuples(st.floats(0.1, 1.0), st.floats(0.05, 1.5)), min_size=1, max_size=4)
deeds = st.lists(
    st.tuples(st.floats(0.01, 2.5), st.sampled_from(["cancel", "respond", "commit", "clear", "type"])), max_size=6
)


async def talk(caller: Caller, said: list[tuple[Seconds, Seconds]]) -> None:
    for speaks, hushes in said:
        await caller.says(speaks)
        await caller.hushes(hushes)


async def meddle(caller: Caller, done: list[tuple[Seconds, str]]) -> None:
    for after, deed in done:
        await asyncio.sleep(after)
        with suppress(BadInput):  # refused, and then nothing may have changed
            await act(caller.session, deed)


async def act(session: Session, deed: str) -> None:
    match deed:
        case "cancel":
            await session.cancel()
        case "respond":
            await session.respond()
        case "commit":
            await session.commit()
        case "clear":
            await session.clear()
        case "type":
            session.add(Item(f"note_{now()}", "user", "Note."))


@settings(max_examples=30)
@given(speech, deeds, st.booleans())
async def test_whatever_the_user_says_and_the_client_does_meanwhile_the_session_goes_on(
    said: list[tuple[Seconds, Seconds]], done: list[tuple[Seconds, str]], guess: bool
) -> None:
    scene = Scene(llm=counting(), tts=ScriptedTts(pieces=3))
    async with scene, scene.call(guess=guess) as caller:
        await asyncio.gather(talk(caller, said), meddle(caller, done))
        await caller.hushes(1.0)
        await asyncio.sleep(20)
        assert not caller.session.responding
        scene.assert_idle()
        answers = len(caller.all(ResponseStarted))
        assert len(caller.all(ResponseFinished)) == answers
        await caller.asks()
        assert (await caller.answered(answers + 1)).status == "completed"
        check(caller)

"""One turn, from the user's voice to the avatar's."""

import asyncio

import pytest

from polytalk.dialogue.answers.turn import SENTENCES_AHEAD
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.events import (
    Committed,
    ItemAdded,
    OutputAdded,
    OutputDone,
    ResponseFinished,
    ResponseStarted,
    Said,
    SpeechStarted,
    SpeechStopped,
    Spoke,
    Transcribed,
)
from polytalk.dialogue.settings import TurnDetection
from polytalk.types import Message, Usage
from tests.support.engines import ScriptedAsr, ScriptedLlm, ScriptedTts
from tests.support.invariants import check
from tests.support.scene import PERSONA, Scene
from tests.support.sound import mouth_of, now

pytestmark = pytest.mark.looptime

LONG = " ".join(f"This is sentence number {n} of a long answer." for n in range(12))


async def test_a_turn_is_told_in_this_order() -> None:
    async with Scene() as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        assert list(dict.fromkeys(map(type, caller.events))) == [
            SpeechStarted,
            SpeechStopped,
            Committed,
            ItemAdded,
            Transcribed,
            ResponseStarted,
            OutputAdded,
            Said,
            Spoke,
            OutputDone,
            ResponseFinished,
        ]
        check(caller)


async def test_an_answer_is_what_the_llm_said_and_what_it_cost() -> None:
    async with Scene(llm=ScriptedLlm("Well, let me think. It is so.")) as scene, scene.call() as caller:
        await caller.asks()
        done = await caller.answered()
        assert (done.status, done.text) == ("completed", "Well, let me think. It is so.")
        assert "".join(said.text for said in caller.all(Said)) == done.text
        assert done.usage == Usage(input_tokens=2, output_tokens=7)


async def test_the_voice_begins_while_the_llm_still_talks() -> None:
    async with Scene(llm=ScriptedLlm(LONG)) as scene, scene.call() as caller:
        await caller.asks()
        first = await caller.until(Spoke)
        assert scene.llm.busy == 1
        await caller.answered()
        [thought] = scene.llm.requests
        assert thought.ended is not None
        assert caller.at(first) < thought.ended


async def test_speech_starts_with_the_first_clause_not_with_the_first_sentence() -> None:
    async with Scene(llm=ScriptedLlm("Well, as far as I know, it is so.")) as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        assert [work.text for work in scene.tts.works] == ["Well, as far as I know,", "it is so."]


async def test_audio_is_sent_a_little_ahead_of_playback_and_without_a_gap() -> None:
    async with Scene(llm=ScriptedLlm(LONG)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        check(caller)
        lasts = sum(map(scene.tts.length, (work.text for work in scene.tts.works)))
        sent_for = caller.at(caller.all(Spoke)[-1]) - caller.at(caller.all(Spoke)[0])
        assert sent_for == pytest.approx(lasts - caller.bounds.send_lead, abs=0.021)


async def test_the_mouth_moves_to_exactly_the_audio() -> None:
    speaker = ScriptedTts(per_word=0.313, level=lambda text: 1_000 * len(text))
    async with Scene(tts=speaker, llm=ScriptedLlm(LONG)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        check(caller)
        audio = b"".join(spoke.audio for spoke in caller.all(Spoke))
        assert b"".join(spoke.mouth for spoke in caller.all(Spoke)) == mouth_of(audio)


async def test_a_session_without_an_avatar_asks_no_face() -> None:
    async with Scene() as scene, scene.call(mouth=False) as caller:
        await caller.asks()
        await caller.answered()
        assert caller.all(Spoke)
        assert not any(spoke.mouth for spoke in caller.all(Spoke))
        assert scene.mouth.requests == []


async def test_a_text_answer_asks_no_voice() -> None:
    async with Scene(llm=ScriptedLlm("One two three.")) as scene, scene.call(modality="text") as caller:
        await caller.asks()
        done = await caller.answered()
        assert [said.text for said in caller.all(Said)] == ["One", " two", " three."]
        assert (done.text, caller.all(Spoke), scene.tts.requests) == ("One two three.", [], [])


async def test_a_tts_that_streams_is_heard_before_its_sentence_is_whole() -> None:
    speaker = ScriptedTts(pieces=5, delay=0.2, per_word=0.5)
    async with Scene(tts=speaker, llm=ScriptedLlm("These are just five words.")) as scene, scene.call() as caller:
        await caller.asks()
        first = await caller.until(Spoke)
        assert scene.tts.busy == 1
        await caller.answered()
        check(caller)
        assert [said.text for said in caller.all(Said)] == ["These are just five words."]
        assert caller.at(first) == pytest.approx(scene.tts.requests[0].began + 0.2 + 0.01)


async def test_no_more_speech_is_made_ahead_than_wanted() -> None:
    speaker = ScriptedTts(per_word=0.3)  # 2.7 s a sentence
    async with Scene(tts=speaker, llm=ScriptedLlm(LONG), max_lead=4.0) as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        played_from = caller.at(caller.all(Spoke)[0])
        made = 0.0
        for request in scene.tts.requests:
            assert made - (request.began - played_from) <= 4.0 + SENTENCES_AHEAD * 2.7
            made += scene.tts.length(request.work.text)
        assert caller.session.responding is False


async def test_only_so_many_sentences_are_at_the_tts_at_once() -> None:
    speaker = ScriptedTts(delay=5.0)
    async with Scene(tts=speaker, llm=ScriptedLlm(LONG, every=0.01), max_lead=60.0) as scene, scene.call() as caller:
        await caller.asks()
        await caller.until(ResponseStarted)
        await asyncio.sleep(4.0)
        assert scene.tts.busy == SENTENCES_AHEAD


async def test_the_llm_is_told_who_it_is_and_what_was_said_before() -> None:
    scene = Scene(asr=ScriptedAsr("How are you?", "And your dog?"), llm=ScriptedLlm("I am fine."))
    async with scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        await caller.asks()
        await caller.answered(2)
        assert scene.llm.works[1].messages == (
            Message("system", PERSONA.instructions),
            Message("user", "How are you?"),
            Message("assistant", "I am fine."),
            Message("user", "And your dog?"),
        )


async def test_an_utterance_is_transcribed_from_before_its_first_sound_to_its_end() -> None:
    async with Scene() as scene, scene.call() as caller:
        await caller.hushes(2.0)
        await caller.asks(1.0)
        await caller.answered()
        [work] = scene.asr.works
        started, stopped = caller.only(SpeechStarted), caller.only(SpeechStopped)
        assert started.at == pytest.approx(1700, abs=50)
        assert stopped.at == pytest.approx(3000, abs=50)
        lasts = len(work.audio) / 2 / 16_000
        assert lasts == pytest.approx(0.3 + 1.0 + 0.5, abs=0.05)
        assert caller.only(Transcribed).seconds == pytest.approx(lasts)


async def test_two_utterances_quickly_one_after_another_are_both_answered_by_the_last() -> None:
    asr = ScriptedAsr("First.", "Second.", delay=0.8)
    async with Scene(asr=asr) as scene, scene.call() as caller:
        await caller.asks(0.5)
        await caller.asks(0.5)
        await caller.answered()
        await asyncio.sleep(3)
        check(caller)
        assert [heard.text for heard in caller.all(Transcribed)] == ["First.", "Second."]
        assert len(caller.all(ResponseStarted)) == 1
        assert scene.llm.works[-1].messages[1:] == (Message("user", "First. Second."),)


async def test_silence_that_the_asr_finds_no_words_in_is_not_answered() -> None:
    async with Scene(asr=ScriptedAsr("", "Now I speak.")) as scene, scene.call() as caller:
        await caller.asks()
        assert (await caller.until(Transcribed)).text == ""
        await asyncio.sleep(2)
        assert caller.all(ResponseStarted) == []
        assert scene.llm.requests == []
        assert not caller.session.responding
        await caller.asks()
        assert (await caller.answered()).status == "completed"


async def test_without_create_response_the_client_asks_for_the_answer() -> None:
    detection = TurnDetection(create_response=False)
    async with Scene() as scene, scene.call(turn_detection=detection) as caller:
        await caller.asks()
        await caller.until(Transcribed)
        await asyncio.sleep(2)
        assert caller.all(ResponseStarted) == []
        await caller.session.respond(metadata={"topic": "weather"})
        assert (await caller.answered()).status == "completed"
        assert caller.only(ResponseStarted).metadata == {"topic": "weather"}


async def test_an_answer_asked_for_right_after_a_commit_waits_for_the_words() -> None:
    scene = Scene(asr=ScriptedAsr("Push to talk.", delay=1.0))
    async with scene, scene.call(turn_detection=None) as caller:
        await caller.says(1.0)
        await caller.session.commit()
        await caller.session.respond()
        committed_at = now()
        await caller.answered()
        assert scene.llm.works[0].messages[1:] == (Message("user", "Push to talk."),)
        assert scene.llm.requests[0].began >= committed_at + 1.0
        check(caller)


async def test_without_turn_detection_speech_is_no_event() -> None:
    async with Scene() as scene, scene.call(turn_detection=None) as caller:
        await caller.asks()
        assert caller.events == []
        await caller.session.commit()
        assert (await caller.until(Transcribed)).seconds == pytest.approx(1.7, abs=0.05)


async def test_turn_detection_can_be_turned_on_after_pushing_to_talk() -> None:
    scene = Scene()
    async with scene, scene.call(turn_detection=None) as caller:
        await caller.asks(2.0)
        await caller.session.commit()
        caller.session.configure(scene.settings())
        await caller.hushes(1.0)
        await caller.asks(1.0, level=2_500)
        words = await caller.until(Transcribed, 2)
        assert words.text == "I am 25"
        assert words.seconds == pytest.approx(1.8, abs=0.05)
        assert caller.only(SpeechStarted).at == pytest.approx(3400, abs=50)


async def test_clearing_the_buffer_does_not_shift_what_is_heard_later() -> None:
    async with Scene() as scene, scene.call() as caller:
        for _ in range(30):
            await caller.hushes(0.05)
            await caller.session.clear()
        await caller.hushes(1.0)
        await caller.asks(1.0, level=2_500)
        words = await caller.until(Transcribed)
        assert words.text == "I am 25"
        assert words.seconds == pytest.approx(1.8, abs=0.05)
        assert caller.only(SpeechStarted).at == pytest.approx(2200, abs=60)


async def test_typed_text_is_answered_like_spoken() -> None:
    async with Scene() as scene, scene.call() as caller:
        caller.session.add(Item("mine", "user", "What is new?"))
        await caller.session.respond()
        await caller.answered()
        assert caller.only(ItemAdded).item == "mine"
        assert scene.llm.works[0].messages[1:] == (Message("user", "What is new?"),)


async def test_settings_hold_from_the_next_turn_on() -> None:
    async with Scene(llm=ScriptedLlm(LONG)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.until(Spoke)
        caller.session.configure(scene.settings(mouth=False, instructions="Be brief."))
        await caller.answered()
        assert all(spoke.mouth for spoke in caller.all(Spoke))
        await caller.asks()
        await caller.answered(2)
        assert not caller.all(Spoke)[-1].mouth
        assert scene.llm.works[1].messages[0] == Message("system", "Be brief.")

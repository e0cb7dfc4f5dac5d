"""Engines fail, queues are full: the session says so in the right words and goes on."""

import asyncio

import pytest

from polytalk.dialogue.ears.endpointing import VadSettings
from polytalk.dialogue.events import (
    Committed,
    ResponseFinished,
    ResponseStarted,
    Said,
    Spoke,
    Transcribed,
    TranscriptionFailed,
    Trouble,
)
from polytalk.dialogue.settings import TurnDetection
from polytalk.errors import BadInput, EngineFailed
from polytalk.types import Message
from tests.support.engines import Fault, ScriptedAsr, ScriptedLlm, ScriptedTts
from tests.support.invariants import check
from tests.support.scene import Caller, Scene

pytestmark = pytest.mark.looptime

DOWN = EngineFailed("the engine is down")
THREE = "This is the first sentence. This is the second one. This is the third one."


async def goes_on(caller: Caller) -> None:
    """The next question is answered as if nothing had been."""
    before = len(caller.all(ResponseFinished))
    await asyncio.sleep(1)
    assert not caller.session.responding
    caller.scene.assert_idle()
    await caller.asks()
    assert (await caller.answered(before + 1)).status == "completed"
    check(caller)


async def test_an_utterance_that_cannot_be_transcribed_is_not_answered() -> None:
    scene = Scene()
    scene.asr.faults = [Fault(DOWN)]
    async with scene, scene.call() as caller:
        await caller.asks()
        failed = await caller.until(TranscriptionFailed)
        assert failed == TranscriptionFailed(caller.only(Committed).item, "engine_failed", "the engine is down")
        await asyncio.sleep(1)
        assert caller.all(ResponseStarted) == []
        assert scene.llm.requests == []
        await goes_on(caller)


async def test_a_guess_that_cannot_be_transcribed_is_not_answered() -> None:
    scene = Scene()
    scene.asr.faults = [Fault(DOWN)]
    async with scene, scene.call(guess=True) as caller:
        await caller.asks()
        assert (await caller.until(TranscriptionFailed)).code == "engine_failed"
        assert caller.all(ResponseStarted) == []
        await goes_on(caller)


async def test_an_answer_asked_for_fails_when_its_utterance_cannot_be_transcribed() -> None:
    scene = Scene()
    scene.asr.faults = [Fault(DOWN)]
    async with scene, scene.call(turn_detection=None) as caller:
        await caller.says(1.0)
        await caller.session.commit()
        await caller.session.respond()
        done = await caller.answered()
        assert (done.status, done.reason, done.message) == ("failed", "engine_failed", "the engine is down")


async def test_of_two_utterances_the_one_that_was_understood_is_answered() -> None:
    scene = Scene(asr=ScriptedAsr("lost", "I want tea.", delay=1.0))
    scene.asr.faults = [Fault(DOWN)]
    async with scene, scene.call(turn_detection=None) as caller:
        for _ in range(2):
            await caller.says(0.5)
            await caller.session.commit()
        await caller.session.respond()
        assert (await caller.answered()).status == "completed"
        assert scene.llm.works[0].messages[1:] == (Message("user", "I want tea."),)


async def test_a_cough_after_a_question_does_not_lose_the_question() -> None:
    scene = Scene(asr=ScriptedAsr("What time is it?", "", delay=2.0))
    async with scene, scene.call() as caller:
        await caller.asks()
        await caller.asks(0.2)
        assert (await caller.answered()).status == "completed"
        assert scene.llm.works[-1].messages[1:] == (Message("user", "What time is it?"),)


async def test_an_llm_that_fails_at_once_fails_the_answer() -> None:
    scene = Scene()
    scene.llm.faults = [Fault(DOWN)]
    async with scene, scene.call() as caller:
        await caller.asks()
        done = await caller.answered()
        assert (done.status, done.reason, done.text, done.item) == ("failed", "engine_failed", "", "")
        await goes_on(caller)


async def test_what_the_llm_said_before_it_failed_is_spoken() -> None:
    scene = Scene(llm=ScriptedLlm(THREE))
    scene.llm.faults = [Fault(DOWN, after=8)]
    async with scene, scene.call() as caller:
        await caller.asks()
        done = await caller.answered()
        assert (done.status, done.text) == ("failed", "This is the first sentence.")
        assert caller.at(done) > caller.at(caller.all(Spoke)[-1]) - 1e-6
        await goes_on(caller)


async def test_a_voice_that_fails_ends_the_answer_and_lets_the_llm_go() -> None:
    scene = Scene(llm=ScriptedLlm(THREE, every=1.0))
    scene.tts.faults = [Fault(DOWN)]
    async with scene, scene.call() as caller:
        await caller.asks()
        done = await caller.answered()
        assert (done.status, done.reason, caller.all(Said)) == ("failed", "engine_failed", [])
        await asyncio.sleep(0.01)
        assert scene.llm.requests[0].aborted
        await goes_on(caller)


async def test_a_voice_that_fails_in_mid_sentence_ends_the_answer_after_what_it_said() -> None:
    scene = Scene(llm=ScriptedLlm(THREE), tts=ScriptedTts(pieces=3))
    scene.tts.faults = [None, Fault(DOWN, after=1)]
    async with scene, scene.call() as caller:
        await caller.asks()
        done = await caller.answered()
        assert (done.status, done.text) == ("failed", "This is the first sentence. This is the second one.")
        await goes_on(caller)


async def test_words_without_a_sound_are_shown_and_the_rest_is_said() -> None:
    async with Scene(llm=ScriptedLlm("🙂\nI am glad. 🙂")) as scene, scene.call() as caller:
        await caller.asks()
        done = await caller.answered()
        assert done.status == "completed"
        assert done.text == "🙂\nI am glad. 🙂"
        check(caller)


async def test_a_face_that_fails_ends_the_answer() -> None:
    scene = Scene()
    scene.mouth.faults = [Fault(DOWN)]
    async with scene, scene.call() as caller:
        await caller.asks()
        assert (await caller.answered()).status == "failed"
        await goes_on(caller)


@pytest.mark.parametrize("engine", ["asr", "llm", "tts", "mouth"])
async def test_a_defect_of_an_engine_is_survived(engine: str, caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    getattr(scene, engine).faults = [Fault(ZeroDivisionError("division by zero"))]
    async with scene, scene.call() as caller:
        await caller.asks()
        if engine == "asr":
            assert (await caller.until(TranscriptionFailed)).code == "engine_failed"
        else:
            assert (await caller.answered()).reason == "engine_failed"
        await goes_on(caller)
    assert f"engine {engine} failed" in caplog.text


async def test_a_defect_of_our_own_fails_the_answer_and_not_the_session(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(_: object, __: str) -> list[str]:
        raise ZeroDivisionError("division by zero")

    async with Scene() as scene, scene.call() as caller:
        with monkeypatch.context() as patched:
            patched.setattr("polytalk.dialogue.answers.sentences.SentenceSplitter.push", broken)
            await caller.asks()
            done = await caller.answered()
        assert (done.status, done.reason) == ("failed", "engine_failed")
        await goes_on(caller)
    assert "a turn failed" in caplog.text


async def test_full_queues_are_told_as_what_they_are() -> None:
    scene = Scene(max_queue=0)
    async with scene, scene.call() as caller:
        await caller.asks()
        assert (await caller.until(TranscriptionFailed)).code == "at_capacity"
        await caller.session.respond()
        done = await caller.answered()
        assert (done.status, done.reason) == ("failed", "at_capacity")


async def test_an_utterance_that_never_ends_is_cut_and_both_parts_are_heard() -> None:
    detection = TurnDetection(VadSettings(max_duration_ms=3_000))
    scene = Scene(asr=ScriptedAsr("first part", "second part"))
    async with scene, scene.call(turn_detection=detection) as caller:
        await caller.says(4.0)
        assert caller.only(Trouble).code == "utterance_too_long"
        await caller.hushes()
        await caller.answered()
        assert [heard.text for heard in caller.all(Transcribed)] == ["first part", "second part"]
        assert sum(heard.seconds for heard in caller.all(Transcribed)) == pytest.approx(4.5, abs=0.1)
        assert scene.llm.works[-1].messages[1:] == (Message("user", "first part second part"),)
        check(caller)


async def test_an_llm_is_not_asked_in_a_language_it_does_not_speak() -> None:
    scene = Scene(asr=ScriptedAsr("你好", language="zh"), llm_languages=("en",))
    async with scene, scene.call() as caller:
        await caller.asks()
        assert (await caller.answered()).text == "I only speak English."
        assert scene.llm.requests == []


async def test_half_a_sample_is_refused_and_the_session_goes_on() -> None:
    async with Scene() as scene, scene.call() as caller:
        with pytest.raises(BadInput, match="even number of bytes, not 3"):
            await caller.session.hear(b"abc")
        await goes_on(caller)

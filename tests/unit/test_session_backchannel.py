"""The user coughs, or says "uh-huh": the avatar breaks off at once and goes on where it was. Words end its answer."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.dialogue.ears.backchannel import interrupts
from polytalk.dialogue.events import ResponseFinished, ResponseStarted, SpeechStarted, Spoke, Transcribed
from polytalk.dialogue.settings import TurnDetection
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE, Message, Seconds, Transcript
from tests.support.engines import ScriptedAsr, ScriptedLlm, ScriptedTts
from tests.support.invariants import check
from tests.support.scene import Caller, Scene

pytestmark = pytest.mark.looptime

COUNT = "One two three four five six seven eight nine ten. Eleven twelve thirteen fourteen fifteen sixteen. And on."
WHOLE: Seconds = 18 * 0.3
"""The length of the answer, by `ScriptedTts`."""
BACK: Seconds = 0.7
"""How far back it may begin again: to a still moment, and a slice."""


def counting() -> ScriptedLlm:
    return ScriptedLlm(COUNT, 0.2, 0.05)


async def interrupted(caller: Caller, lasts: Seconds = 0.4) -> None:
    """A question; 1.5 s into its answer the user makes a sound."""
    await caller.asks()
    await caller.heard(1.5)
    await caller.says(lasts)
    await caller.hushes(0.7)


def spoken(caller: Caller, answer: int) -> Seconds:
    response = caller.all(ResponseStarted)[answer].response
    return sum(duration(spoke.audio, SPEECH_RATE) for spoke in caller.all(Spoke) if spoke.response == response)


@pytest.mark.parametrize("said", ["Uh-huh.", "", "Okay, yeah."], ids=["uh-huh", "cough", "two words"])
async def test_what_interrupts_nobody_only_makes_a_break(said: str) -> None:
    async with Scene(llm=counting(), asr=ScriptedAsr("Count.", said)) as scene, scene.call() as caller:
        await interrupted(caller)
        assert (await caller.answered(2)).status == "completed"
        first, second = caller.all(ResponseFinished)
        assert (first.status, first.reason) == ("cancelled", "turn_detected")
        assert caller.at(first) == caller.at(caller.all(SpeechStarted)[1])
        assert second.text.endswith("And on.")
        heard_for = caller.at(first) - caller.at(caller.all(Spoke)[0])
        told_again = heard_for + spoken(caller, 1) - WHOLE
        assert 0 <= told_again <= BACK
        assert [len(engine.requests) for engine in (scene.asr, scene.llm)] == [2, 1]
        assert [heard.text for heard in caller.all(Transcribed)] == ["Count.", said]
        check(caller)


async def test_a_sound_shorter_than_that_is_not_even_noticed() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await interrupted(caller, lasts=0.16)
        assert (await caller.answered()).status == "completed"
        assert len(caller.all(SpeechStarted)) == 1
        check(caller)


async def test_a_short_word_is_answered() -> None:
    async with Scene(llm=counting(), asr=ScriptedAsr("Count.", "Stop.")) as scene, scene.call() as caller:
        await interrupted(caller)
        await caller.answered(2)
        assert scene.llm.works[1].messages[-1] == Message("user", "Stop.")
        assert [done.status for done in caller.all(ResponseFinished)] == ["cancelled", "completed"]
        check(caller)


@pytest.mark.parametrize("guess", [False, True])
async def test_the_work_for_an_answer_ends_as_soon_as_a_word_is_understood(guess: bool) -> None:
    scene = Scene(
        llm=ScriptedLlm(COUNT, 0.2, 1.0), tts=ScriptedTts(delay=1.0, pieces=9), asr=ScriptedAsr("Count.", "Stop.")
    )
    async with scene, scene.call(guess=guess) as caller:
        await caller.asks()
        await caller.heard(1.0)
        await caller.says(0.4)
        await caller.hushes(0.3)  # the turn is not over yet
        thought = scene.llm.requests[0]
        assert thought.aborted
        assert len(scene.llm.requests) == 1 + guess  # and the next answer may be begun on a guess
        await caller.hushes(0.7)
        await caller.session.cancel()


async def test_who_goes_on_after_uh_huh_is_heard_out() -> None:
    asr = ScriptedAsr("Count.", "Uh-huh.", "Uh-huh, but stop.")
    async with Scene(llm=counting(), asr=asr) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(1.5)
        await caller.says(0.3)
        await caller.hushes(0.2)
        await caller.says(0.3)
        await caller.hushes(0.7)
        await caller.answered(2)
        assert [heard.text for heard in caller.all(Transcribed)] == ["Count.", "Uh-huh, but stop."]
        assert scene.llm.works[1].messages[-1] == Message("user", "Uh-huh, but stop.")
        check(caller)


async def test_an_answer_that_was_broken_off_twice_goes_on_twice() -> None:
    async with Scene(llm=counting(), asr=ScriptedAsr("Count.", "", "")) as scene, scene.call() as caller:
        await interrupted(caller)
        await caller.heard(1.0)
        await caller.says(0.4)
        await caller.hushes(0.7)
        assert (await caller.answered(3)).status == "completed"
        assert len(scene.llm.requests) == 1
        text = " ".join(done.text for done in caller.all(ResponseFinished))
        assert set(COUNT.split()) == set(text.split())
        check(caller)


async def test_a_client_that_asks_for_another_answer_meanwhile_gets_it() -> None:
    async with Scene(llm=counting(), asr=ScriptedAsr("Count.", "", delay=1.0)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(1.5)
        await caller.says(0.4)
        await caller.session.respond()
        await caller.hushes(3.0)
        await caller.answered(2)
        assert len(scene.llm.requests) == 2
        check(caller)


async def test_a_microphone_that_ends_in_the_middle_of_a_sound_holds_nothing_up() -> None:
    async with Scene(llm=counting()) as scene, scene.call() as caller:
        await caller.asks()
        await caller.heard(1.0)
        await caller.says(0.4)
        await asyncio.sleep(4)
        scene.assert_idle()


async def test_without_interrupt_response_nothing_is_broken_off() -> None:
    detection = TurnDetection(interrupt_response=False)
    scene = Scene(llm=counting(), asr=ScriptedAsr("Count.", ""))
    async with scene, scene.call(turn_detection=detection) as caller:
        await interrupted(caller)
        assert (await caller.answered()).status == "completed"
        assert len(caller.all(ResponseStarted)) == 1


@pytest.mark.parametrize(
    ("text", "language", "stops"),
    [
        ("", "en", False),
        ("Mm-hmm.", "en", False),
        ("Yeah, yeah!", "en", False),
        ("I see.", "en", False),
        ("No.", "en", True),
        ("Wait.", "en", True),
        ("Okay, stop.", "en", True),
        ("嗯嗯。", "zh", False),
        ("好的", "zh", False),
        ("明白了。", "zh", False),
        ("等一下", "zh", True),
        ("不好", "zh", True),
    ],
)
def test_what_stops_a_speaker(text: str, language: str, stops: bool) -> None:
    assert interrupts(Transcript(text, language)) is stops


sounds = st.lists(
    st.tuples(st.floats(0.1, 1.5), st.floats(0.1, 1.5), st.sampled_from(["", "Uh-huh.", "Stop."])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=30)
@given(sounds, st.booleans())
async def test_whatever_is_said_into_an_answer_the_session_goes_on(
    said: list[tuple[Seconds, Seconds, str]], guess: bool
) -> None:
    words = [text for _, _, text in said for _ in range(2)]
    scene = Scene(llm=counting(), tts=ScriptedTts(pieces=3), asr=ScriptedAsr("Count.", *words))
    async with scene, scene.call(guess=guess) as caller:
        await caller.asks()
        for speaks, hushes, _ in said:
            await caller.says(speaks)
            await caller.hushes(hushes)
        await caller.hushes(1.0)
        await asyncio.sleep(20)
        assert not caller.session.responding
        scene.assert_idle()
        assert len(caller.all(ResponseFinished)) == len(caller.all(ResponseStarted))
        check(caller)

"""When a turn ends: by what was said, or because nothing is said for long."""

import asyncio
from typing import Any

import pytest

from polytalk.dialogue.answers.idle import NOTHING_SAID
from polytalk.dialogue.ears.completeness import Eagerness, Verdict, patience
from polytalk.dialogue.ears.endpointing import VadSettings
from polytalk.dialogue.events import (
    Committed,
    ItemAdded,
    ResponseStarted,
    SpeechStarted,
    SpeechStopped,
    Spoke,
    TimedOut,
    Transcribed,
)
from polytalk.dialogue.settings import TurnDetection
from polytalk.types import Seconds
from tests.support.client import Client
from tests.support.engines import ScriptedAsr, ScriptedLlm
from tests.support.scene import Caller, Scene

pytestmark = pytest.mark.looptime

NOTICED: Seconds = 0.1
"""Frames of the detector, and the microphone's steps."""


def semantic(eagerness: Eagerness = "auto", **others: Any) -> TurnDetection:
    silence = patience(Verdict.UNCLEAR, eagerness)
    return TurnDetection(VadSettings(silence_duration_ms=silence), eagerness=eagerness, **others)


def asr(*says: str) -> ScriptedAsr:
    return ScriptedAsr(*says, delay=0.1)


async def waited(caller: Caller) -> Seconds:
    """From the last of the voice to the end of the turn."""
    stopped = await caller.until(SpeechStopped)
    return caller.at(stopped) - stopped.at / 1000


@pytest.mark.parametrize("guess", [False, True])
@pytest.mark.parametrize("eagerness", ["low", "medium", "high"])
@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("What time is it?", Verdict.COMPLETE),
        ("Two", Verdict.UNCLEAR),
        ("I would like to", Verdict.INCOMPLETE),
    ],
)
async def test_a_turn_ends_after_the_silence_that_its_words_call_for(
    said: str, verdict: Verdict, eagerness: Eagerness, guess: bool
) -> None:
    async with Scene(asr=asr(said)) as scene, scene.call(guess=guess, turn_detection=semantic(eagerness)) as caller:
        await caller.says(1.0)
        await caller.hushes(patience(verdict, eagerness) / 1000 + 0.3)
        assert await waited(caller) == pytest.approx(patience(verdict, eagerness) / 1000, abs=NOTICED)
        await caller.answered()
        assert len(scene.asr.requests) == 1


async def test_who_looks_for_words_is_not_cut_off() -> None:
    said = asr("I would like to", "I would like to order a pizza.")
    async with Scene(asr=said) as scene, scene.call(turn_detection=semantic()) as caller:
        await caller.says(1.0)
        await caller.hushes(2.0)
        assert not caller.all(SpeechStopped)
        await caller.says(1.0)
        await caller.hushes(1.0)
        assert caller.only(Transcribed).text == "I would like to order a pizza."
        await caller.answered()


async def test_words_of_one_pause_say_nothing_about_the_next() -> None:
    said = asr("What time is it?", "What time is it when")
    async with Scene(asr=said) as scene, scene.call(turn_detection=semantic("low")) as caller:
        await caller.says(0.5)
        await caller.hushes(0.4)  # complete, and shorter than what it takes
        await caller.says(0.5)
        await caller.hushes(2.0)
        assert not caller.all(SpeechStopped)


async def test_before_words_are_known_the_silence_is_one_that_says_little() -> None:
    slow = ScriptedAsr("What time is it?", delay=5.0)
    async with Scene(asr=slow) as scene, scene.call(turn_detection=semantic()) as caller:
        await caller.asks(1.0)
        await caller.hushes(1.0)
        assert await waited(caller) == pytest.approx(patience(Verdict.UNCLEAR, "auto") / 1000, abs=NOTICED)
        await caller.answered()


async def test_words_are_judged_where_no_answer_is_wanted_too() -> None:
    detection = semantic(create_response=False)
    async with Scene(asr=asr("What time is it?")) as scene, scene.call(turn_detection=detection) as caller:
        await caller.says(1.0)
        await caller.hushes(0.6)
        assert await waited(caller) == pytest.approx(patience(Verdict.COMPLETE, "auto") / 1000, abs=NOTICED)
        await caller.until(Transcribed)
        assert not caller.all(ResponseStarted)


# --- nobody says anything ------------------------------------------------------------------------------------------

IDLE = TurnDetection(VadSettings(), idle_timeout=6.0)


async def test_after_a_long_silence_the_avatar_speaks_again() -> None:
    async with Scene(llm=ScriptedLlm("Yes, it is.")) as scene, scene.call(turn_detection=IDLE) as caller:
        await caller.asks()
        await caller.answered()
        played = caller.at(caller.all(Spoke)[0]) + 0.9
        await caller.hushes(9.0)
        timed_out = await caller.until(TimedOut)
        assert caller.at(timed_out) == pytest.approx(played + 6.0, abs=0.05)
        assert timed_out.end - timed_out.start == 6000
        item = timed_out.item
        assert [event.item for event in caller.all(Committed)][1:] == [item]
        assert [event.item for event in caller.all(ItemAdded)][1:] == [item]
        assert scene.llm.works[1].messages[-1].content == NOTHING_SAID["en"]
        await caller.answered(2)
        again = await caller.until(TimedOut, 2)
        assert caller.at(again) > caller.at(timed_out) + 6.0


async def test_whoever_speaks_in_time_is_not_asked() -> None:
    async with Scene(llm=ScriptedLlm("Yes.")) as scene, scene.call(turn_detection=IDLE) as caller:
        await caller.asks()
        await caller.answered()
        await caller.hushes(5.5)
        await caller.says(3.0)
        assert not caller.all(TimedOut)
        assert len(caller.all(SpeechStarted)) == 2


async def test_nothing_times_out_before_the_first_answer_nor_without_being_asked_for() -> None:
    async with Scene() as scene, scene.call(turn_detection=IDLE) as caller:
        await caller.hushes(20.0)
        assert caller.events == []
    async with Scene() as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        await caller.hushes(20.0)
        assert not caller.all(TimedOut)


async def test_an_interrupted_answer_is_followed_by_no_question_of_its_own() -> None:
    llm = ScriptedLlm("One two three four five six seven.")
    async with Scene(llm=llm) as scene, scene.call(turn_detection=IDLE) as caller:
        await caller.asks()
        await caller.until(Spoke)
        await caller.session.cancel()
        await asyncio.sleep(30)
        assert not caller.all(TimedOut)


async def test_a_timeout_on_the_wire() -> None:
    async with Scene(llm=ScriptedLlm("Yes.")) as scene, Client(scene) as client:
        detection = {"type": "server_vad", "idle_timeout_ms": 5000}
        session = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
        await client.send("session.update", session=session)
        shown = client.only("session.updated")["session"]["audio"]["input"]["turn_detection"]
        assert shown["idle_timeout_ms"] == 5000
        await client.asks()
        timed_out = await client.until("input_audio_buffer.timeout_triggered")
        await client.until("response.done", 2)
        kinds = client.kinds[client.kinds.index("input_audio_buffer.timeout_triggered") :]
        assert kinds[1:5] == [
            "input_audio_buffer.committed",
            "conversation.item.added",
            "conversation.item.done",
            "response.created",
        ]
        added = client.all("conversation.item.added")[2]["item"]
        assert (added["id"], added["content"]) == (timed_out["item_id"], [{"type": "input_audio", "transcript": None}])

"""Many callers at once: nobody ever hears, sees or reads what is another's.

Each caller speaks at a level of its own. The ASR reads the level, the LLM repeats it, the TTS speaks at it, and the
face moves to it, so that every piece of every answer says whose it is.
"""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.dialogue.events import ResponseFinished, ResponseStarted, Said, Spoke, Transcribed
from polytalk.types import Message, Seconds
from tests.support.engines import ScriptedAsr, ScriptedLlm, ScriptedTts
from tests.support.invariants import check
from tests.support.scene import Caller, Scene
from tests.support.sound import level_of, mouth_of, voice

pytestmark = pytest.mark.looptime


def repeat(messages: Sequence[Message]) -> str:
    mine = re.findall(r"\d+", messages[-1].content)[-1]
    return f"You are {mine}, and you stay {mine}. Yes, you are {mine}."


def level(text: str) -> int:
    return 100 * int(re.findall(r"\d+", text)[0])


@dataclass(frozen=True)
class Part:
    """What one caller does: wait, speak, and do so again before the answer is over, or after."""

    waits: Seconds
    speaks: Seconds
    interrupts_after: Seconds | None
    guesses: bool


parts = st.builds(Part, st.floats(0, 2), st.floats(0.2, 0.8), st.none() | st.floats(0.01, 2.5), st.booleans())


async def play(scene: Scene, number: int, part: Part) -> Caller:
    caller = scene.call(guess=part.guesses)
    async with caller:
        await asyncio.sleep(part.waits)
        await caller.asks(part.speaks, level=100 * number)
        if part.interrupts_after is not None:
            await asyncio.sleep(part.interrupts_after)
            await caller.asks(part.speaks, level=100 * number)
        await caller.until(ResponseFinished, where=lambda done: done.status == "completed")
    return caller


def assert_all_is_its_own(caller: Caller, number: int) -> None:
    own = voice(0.02, 100 * number)
    assert {heard.text for heard in caller.all(Transcribed)} == {f"I am {number}"}
    assert {match for said in caller.all(Said) for match in re.findall(r"\d+", said.text)} == {str(number)}
    assert {level_of(spoke.audio) for spoke in caller.all(Spoke)} == {100 * number}
    assert {spoke.mouth[:9] for spoke in caller.all(Spoke)} == {mouth_of(own)}
    mine = {started.response for started in caller.all(ResponseStarted)}
    assert {spoke.response for spoke in caller.all(Spoke)} <= mine


@settings(max_examples=12)
@given(st.lists(parts, min_size=2, max_size=8))
async def test_everybody_gets_what_is_theirs(cast: list[Part]) -> None:
    scene = Scene(
        asr=ScriptedAsr(delay=0.15),
        llm=ScriptedLlm(repeat, first=0.1, every=0.03, slots=2),
        tts=ScriptedTts(level=level, pieces=2, per_word=0.2),
    )
    async with scene, asyncio.TaskGroup() as group:
        playing = [group.create_task(play(scene, number, part)) for number, part in enumerate(cast, 10)]
    for number, caller in enumerate((task.result() for task in playing), 10):
        assert_all_is_its_own(caller, number)
        check(caller)


async def test_one_who_leaves_in_mid_answer_disturbs_nobody() -> None:
    scene = Scene(llm=ScriptedLlm(repeat, slots=1), tts=ScriptedTts(level=level))
    async with scene, scene.call() as stays:
        async with scene.call() as leaves:
            async with asyncio.TaskGroup() as group:
                group.create_task(leaves.asks(level=2_000))
                group.create_task(stays.asks(level=3_000))
            await leaves.until(Spoke)
        assert (await stays.answered()).status == "completed"
        assert_all_is_its_own(stays, 30)

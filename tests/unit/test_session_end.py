"""A caller hangs up. At whatever moment, nothing of the call is left."""

import asyncio
from typing import Any

import pytest

from polytalk.dialogue.conversation.items import Item
from polytalk.errors import BadInput
from polytalk.types import Seconds
from tests.support.engines import ScriptedAsr, ScriptedLlm, ScriptedTts
from tests.support.scene import Scene
from tests.support.sound import now

pytestmark = pytest.mark.looptime

MOMENTS = [0.0, 0.3, 1.2, 1.25, 1.4, 1.57, 1.66, 1.7, 1.9, 2.0, 2.12, 2.5, 3.0, 3.6]
"""Before and while the user speaks, at the pause, and while each engine works: see test_session_turn."""


def slow_scene() -> Scene:
    return Scene(
        asr=ScriptedAsr("Hello.", delay=0.1),
        llm=ScriptedLlm("One two three four. Five six seven eight.", every=0.1),
        tts=ScriptedTts(pieces=4, delay=0.1),
    )


def running_since(before: set[asyncio.Task[Any]]) -> set[str]:
    """The work of tasks that were not there before; the workers' may still be on their way out."""
    return {getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks() - before}


@pytest.mark.parametrize("guess", [False, True], ids=["waits", "guesses"])
@pytest.mark.parametrize("moment", MOMENTS)
async def test_hanging_up_ends_every_task_and_all_work(moment: Seconds, guess: bool) -> None:
    async with slow_scene() as scene:
        await asyncio.sleep(0)
        before = asyncio.all_tasks()
        async with scene.call(guess=guess) as caller:
            talking = asyncio.create_task(caller.asks())
            await asyncio.sleep(moment)
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        assert running_since(before) <= {"StreamWorker._stream"}
        told = len(caller.events)
        await asyncio.sleep(0.001)
        assert running_since(before) == set()
        scene.assert_idle()
        await asyncio.sleep(5)
        assert len(caller.events) == told


async def test_a_call_that_ends_by_cancellation_is_cleaned_up_alike() -> None:
    async def call(scene: Scene) -> None:
        async with scene.call() as caller:
            await caller.asks()
            await asyncio.sleep(100)

    async with slow_scene() as scene:
        await asyncio.sleep(0)
        before = asyncio.all_tasks()
        calling = asyncio.create_task(call(scene))
        await asyncio.sleep(2.5)
        assert scene.busy["llm"] == 1
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await asyncio.sleep(0.001)
        assert running_since(before) == set()
        scene.assert_idle()
        assert now() < 3


async def test_an_error_leaves_the_session_as_itself() -> None:
    async with slow_scene() as scene:
        with pytest.raises(BadInput, match="at least 100 ms"):
            async with scene.call() as caller:
                await caller.session.commit()


async def test_a_thousand_calls_leave_nothing_behind() -> None:
    async with slow_scene() as scene:
        await asyncio.sleep(0)
        before = asyncio.all_tasks()
        for n in range(1_000):
            async with scene.call() as caller:
                caller.session.add(Item("typed", "user", f"Question {n}"))
                await caller.session.respond()
                await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        assert running_since(before) == set()

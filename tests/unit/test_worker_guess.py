"""What workers do with the jobs of a guess: run them last, and tell what was wasted."""

import asyncio

import pytest

from polytalk.types import Stage
from tests.support.engines import ScriptedAsr
from tests.support.scene import Scene

pytestmark = pytest.mark.looptime


def wasted(scene: Scene) -> float:
    return round(sum(worker.stats().wasted for worker in scene.workers), 3)


async def test_a_guess_that_was_right_wastes_nothing() -> None:
    async with Scene() as scene, scene.call(guess=True) as caller:
        await caller.asks()
        await caller.answered()
        assert len(scene.asr.requests) == 1
        assert wasted(scene) == 0.0


async def test_a_guess_that_was_dropped_wastes_what_it_took() -> None:
    async with Scene(asr=ScriptedAsr(delay=0.1)) as scene, scene.call(guess=True) as caller:
        await caller.says(1.0)
        await caller.hushes(0.3)
        await caller.says(1.0)  # the user goes on
        spent = wasted(scene)
        listen = next(worker for worker in scene.workers if worker.desk.stage is Stage.LISTEN)
        assert listen.stats().wasted == pytest.approx(0.1, abs=0.01)
        assert spent > 0.1  # the model had begun to answer
        await caller.hushes()
        await caller.answered()
        assert wasted(scene) == spent


async def test_a_call_that_ends_in_a_pause_leaves_nothing_behind() -> None:
    async with Scene() as scene:
        async with scene.call(guess=True) as caller:
            await caller.says(1.0)
            await caller.hushes(0.3)
        await asyncio.sleep(1.0)
        assert wasted(scene) > 0.0
        assert [worker.desk._guessed for worker in scene.workers] == [{}] * len(scene.workers)

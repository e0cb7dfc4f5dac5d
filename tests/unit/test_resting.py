"""Faces at rest: drawn and encoded once, however many see them."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

import pytest

from polytalk.dialogue.faces.filming import FilmKit
from polytalk.dialogue.faces.resting import FPS, KEY_EVERY, LASTS, Face, Reel, Resting
from polytalk.errors import EngineFailed
from polytalk.media.fragments import Encoding
from tests.support.engines import Fault, ScriptedSynthesise
from tests.support.scene import Scene

T = TypeVar("T")
pytestmark = pytest.mark.looptime
FACE = Face("mira", "digest", Encoding(64, 64, "vp8"))


async def compute(work: Callable[[], T]) -> T:
    await asyncio.sleep(0.01)
    return work()


def resting(world: Scene) -> Resting:
    return Resting(world.dispatcher, FilmKit(compute), world.clock)


async def made(reel: Reel) -> None:
    async with asyncio.timeout(60):
        while not reel.complete:
            await asyncio.sleep(0.1)


def asked(world: Scene) -> int:
    return sum(work.count for work in world.synthesise.works)


async def test_all_who_see_a_face_share_one_loop() -> None:
    async with Scene(synthesise=ScriptedSynthesise(whole=True)) as world:
        loops, painter = resting(world), world.kit.faces.painter("mira")
        first = loops.reel(FACE, painter)
        assert first.at(0) is None
        assert loops.reel(FACE, painter) is first
        await made(first)
        assert asked(world) == len(first) == round(LASTS * FPS)
        assert loops.reel(FACE, painter) is first
        other = loops.reel(Face("mira", "another digest", FACE.encoding), painter)
        assert other is not first
        await made(other)
        assert asked(world) == 2 * len(first)
        await loops.close()


async def test_it_goes_round_and_can_be_entered_every_two_seconds() -> None:
    async with Scene(synthesise=ScriptedSynthesise(whole=True)) as world:
        reel = resting(world).reel(FACE, world.kit.faces.painter("mira"))
        await made(reel)
        keys = [index for index in range(len(reel)) if (unit := reel.at(index)) is not None and unit.key]
        assert keys == list(range(0, len(reel), round(KEY_EVERY * FPS)))
        assert reel.at(len(reel) + 3) == reel.at(3)


async def test_its_beginning_is_there_before_its_end() -> None:
    async with Scene(synthesise=ScriptedSynthesise(whole=True, each=0.1)) as world:
        reel = resting(world).reel(FACE, world.kit.faces.painter("mira"))
        await asyncio.sleep(4)
        assert reel.at(0)
        assert not reel.complete
        assert reel.at(len(reel)) is None
        await made(reel)


async def test_a_face_that_can_not_be_drawn_is_tried_again_by_the_next_who_wants_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Scene(synthesise=ScriptedSynthesise(whole=True)) as world:
        world.synthesise.faults = [Fault(EngineFailed("no more paint"))]
        loops, painter = resting(world), world.kit.faces.painter("mira")
        with caplog.at_level(logging.WARNING):
            broken = loops.reel(FACE, painter)
            await asyncio.sleep(1)
        assert "no more paint" in caplog.text
        assert broken.at(0) is None
        await made(loops.reel(FACE, painter))


async def test_what_is_being_made_ends_with_the_server() -> None:
    async with Scene(synthesise=ScriptedSynthesise(whole=True, each=1.0)) as world:
        loops = resting(world)
        reel = loops.reel(FACE, world.kit.faces.painter("mira"))
        await asyncio.sleep(1)
        await loops.close()
        await asyncio.sleep(200)
        assert not reel.complete
        assert world.synthesise.busy == 0

"""Recordings are cut at pauses, heard several parts at a time, told in order, and left when nobody waits."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import TypeVar

import pytest

from polytalk.dialogue.capacity.payer import HOUSE
from polytalk.dialogue.texts.dictation import AHEAD, Segment, Wish, dictate
from polytalk.dialogue.texts.recital import recite
from polytalk.errors import EngineFailed, Unspeakable
from polytalk.gateway.rest.errands import Errands
from polytalk.media.pcm import duration, silence
from polytalk.types import LISTEN_RATE, SPEECH_RATE
from tests.support.engines import Fault, LevelVad, ScriptedAsr, ScriptedTts
from tests.support.scene import Scene
from tests.support.sound import level_of, now, voice

pytestmark = pytest.mark.looptime
T = TypeVar("T")
ANY = Wish()
SECOND = silence(1.0, LISTEN_RATE)


async def at_once(work: Callable[[], T], within: float = 0.0) -> T:
    return work()


def said(*levels: int) -> bytes:
    """A second of each level, and a pause behind it."""
    return b"".join(voice(1.0, level, LISTEN_RATE) + SECOND for level in levels)


async def dictated(scene: Scene, pcm: bytes, wish: Wish = ANY) -> list[Segment]:
    async with Errands(scene.dispatcher, scene.gate).admitted(HOUSE) as scope:
        segments = dictate(scope, scene.kit, LevelVad(), at_once, pcm, wish)
        async with aclosing(segments):
            return [segment async for segment in segments]


async def test_each_part_between_pauses_is_heard_and_its_time_is_told() -> None:
    async with Scene() as scene:
        found = await dictated(scene, SECOND + said(1000, 2000, 3000), Wish("en", "Names: Mira", 0.2))
    assert [one.transcript.text for one in found] == ["I am 10", "I am 20", "I am 30"]
    for number, one in enumerate(found):
        assert one.start == pytest.approx(1 + 2 * number - 0.3, abs=0.1)
        assert one.end == pytest.approx(2 + 2 * number, abs=0.1)
    work = scene.asr.works[0]
    assert (work.language, work.prompt, work.temperature) == ("en", "Names: Mira", 0.2)


async def test_parts_are_heard_side_by_side_up_to_a_bound_and_earlier_ones_are_wanted_sooner() -> None:
    async with Scene(asr=ScriptedAsr(delay=1.0)) as scene:
        began = now()
        found = await dictated(scene, said(*range(1000, 13_000, 1000)))
        assert len(found) == 12
        assert now() - began < 5.0, "twelve parts of a second each, in turn"
        starts = sorted(request.began for request in scene.asr.requests)
        assert starts[AHEAD + 2] > starts[0] + 0.9, "all of them at once"


async def test_who_never_pauses_is_cut_before_a_part_is_too_long() -> None:
    async with Scene() as scene:
        await dictated(scene, voice(70.0, 2000, LISTEN_RATE))
    lengths = [duration(work.audio, LISTEN_RATE) for work in scene.asr.works]
    assert len(lengths) == 3
    assert max(lengths) < 28.2
    assert sum(lengths) == pytest.approx(70.0, abs=0.1)


async def test_silence_has_no_words() -> None:
    async with Scene() as scene:
        assert await dictated(scene, silence(40.0, LISTEN_RATE)) == []
        assert scene.asr.works == []


async def test_a_part_that_fails_is_told_and_the_others_are_left() -> None:
    async with Scene(asr=ScriptedAsr(delay=1.0)) as scene:
        scene.asr.faults = [Fault(EngineFailed("out of memory"))]
        with pytest.raises(EngineFailed, match="memory"):
            await dictated(scene, said(1000, 2000, 3000))
        await asyncio.sleep(0.1)
        scene.assert_idle()


async def test_a_text_is_spoken_in_order_with_the_next_sentence_under_way() -> None:
    levels = {"One": 1000, "Two": 2000, "Three": 3000}
    tts = ScriptedTts(delay=1.0, per_word=0.5, level=lambda text: levels[text.split()[0].strip(".,")])
    async with Scene(tts=tts) as scene:
        scene.room = False
        async with Errands(scene.dispatcher, scene.gate).admitted(HOUSE) as scope:
            pieces = recite(scope, scene.kit, "vera", "One is here. Two is here. Three is here.")
            async with aclosing(pieces):
                heard = [(now(), level_of(pcm)) async for pcm in pieces]
    assert [level for _, level in heard] == [1000, 2000, 3000]
    assert heard[1][0] - heard[0][0] < 0.5, "the second was begun after the first"


async def test_who_leaves_a_recital_leaves_no_work() -> None:
    async with Scene(tts=ScriptedTts(delay=1.0)) as scene:
        async with Errands(scene.dispatcher, scene.gate).admitted(HOUSE) as scope:
            pieces = recite(scope, scene.kit, "vera", "One is here. Two is here. " * 20)
            async with aclosing(pieces):
                assert duration(await anext(pieces), SPEECH_RATE) > 0
        await asyncio.sleep(0.1)
        scene.assert_idle()
        assert len(scene.tts.works) < 5


async def test_what_nobody_can_say_is_an_error_and_the_rest_is_said() -> None:
    async with Scene() as scene, Errands(scene.dispatcher, scene.gate).admitted(HOUSE) as scope:
        async with aclosing(recite(scope, scene.kit, "vera", "Well then. *** Yes, it is.")) as pieces:
            assert [piece async for piece in pieces]
        with pytest.raises(Unspeakable):
            async with aclosing(recite(scope, scene.kit, "vera", "***")) as pieces:
                assert [piece async for piece in pieces]

"""The face of an answer in three steps: what is asked of which engine, in which runs, how far ahead."""

import numpy as np
import pytest

from polytalk.dialogue.events import Spoke
from polytalk.dialogue.settings import Video
from polytalk.errors import EngineFailed
from polytalk.schedule.runs import Pressure
from polytalk.types import MOUTH_RATE, SAMPLE_BYTES, SPEECH_RATE, Pictures, Stage
from tests.support.engines import Fault, ScriptedLlm, ScriptedMouth, ScriptedSynthesise, ScriptedTts
from tests.support.scene import Caller, Scene
from tests.support.sound import mouth_of

pytestmark = pytest.mark.looptime
LONG = "One two three four five six seven eight nine ten. " * 2
DRAWN = Video(fps=25.0, size=64)
BUSY = Pressure(waiting=100, slope=0.007, overhead=0.002, slots=2)


def pictures(caller: Caller) -> list[Pictures]:
    return [spoke.pictures for spoke in caller.all(Spoke) if spoke.pictures is not None]


def brightness(caller: Caller) -> list[int]:
    return [value for part in pictures(caller) for value in part.pixels[::12]]


def seconds(caller: Caller) -> float:
    return sum(len(spoke.audio) for spoke in caller.all(Spoke)) / SAMPLE_BYTES / SPEECH_RATE


async def test_speech_with_phone_times_is_not_analysed_and_its_mouth_is_one_job_a_sentence() -> None:
    async with Scene(llm=ScriptedLlm(LONG)) as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        assert scene.analyse.requests == []
        assert scene.synthesise.requests == []
        assert len(scene.mouth.requests) == len(scene.tts.requests)


@pytest.mark.parametrize("video", [None, DRAWN])
async def test_speech_without_phone_times_is_analysed_and_the_mouth_follows_it_without_a_seam(
    video: Video | None,
) -> None:
    scene = Scene(llm=ScriptedLlm(LONG), tts=ScriptedTts(phones=False))
    scene.pressure = dict.fromkeys((Stage.ANALYSE, Stage.MOUTH, Stage.SYNTHESISE), BUSY)
    async with scene, scene.call(video=video) as caller:
        await caller.asks()
        await caller.answered()
        audio = b"".join(spoke.audio for spoke in caller.all(Spoke))
        assert b"".join(spoke.mouth for spoke in caller.all(Spoke)) == mouth_of(audio)
        levels = [work.level for work in scene.analyse.works]
        assert levels == list(range(len(levels))), "each is told the level of the one before"


async def test_an_engine_that_needs_features_is_given_them_beside_the_phones() -> None:
    mouth = ScriptedMouth()
    mouth.needs_features = True
    async with Scene(mouth=mouth) as scene, scene.call() as caller:
        await caller.asks()
        await caller.answered()
        assert all(work.features is not None and work.phones for work in mouth.works)
        assert len(scene.analyse.requests) == len(mouth.requests)


@pytest.mark.parametrize("fps", [25.0, 15.0, 10.0])
async def test_every_moment_of_the_answer_has_its_picture(fps: float) -> None:
    async with Scene(llm=ScriptedLlm(LONG)) as scene, scene.call(video=Video(fps=fps)) as caller:
        await caller.asks()
        await caller.answered()
        shown = [spoke for spoke in caller.all(Spoke) if spoke.pictures is not None]
        counts = [spoke.pictures.count for spoke in shown if spoke.pictures is not None]
        assert np.allclose([spoke.shown_at * fps for spoke in shown], [0, *np.cumsum(counts)[:-1]])
        assert sum(counts) == np.ceil(seconds(caller) * fps - 1e-6)
        mouth = np.frombuffer(b"".join(spoke.mouth for spoke in caller.all(Spoke)), np.uint8).reshape(-1, 9)
        if fps == 25.0:
            assert np.abs(np.array(brightness(caller)) - mouth[::2, 0]).max() <= 1


async def test_a_busy_engine_is_given_shorter_runs_than_an_idle_one() -> None:
    async def runs(pressure: Pressure) -> list[int]:
        scene = Scene(llm=ScriptedLlm(LONG))
        scene.pressure = {Stage.SYNTHESISE: pressure}
        async with scene, scene.call(video=DRAWN) as caller:
            await caller.asks()
            await caller.answered()
        return [work.count for work in scene.synthesise.works]

    idle, busy = await runs(Pressure(slope=0.007, overhead=0.002, slots=2)), await runs(BUSY)
    assert sum(idle) == sum(busy)
    assert max(busy) < 15 < max(idle) <= 25
    assert len(idle) < len(busy)
    assert idle[0] < 5 < busy[0], "the first sound waits for the first run"


async def test_one_run_is_drawn_while_the_next_is_analysed() -> None:
    scene = Scene(llm=ScriptedLlm(LONG), tts=ScriptedTts(phones=False), synthesise=ScriptedSynthesise(delay=0.3))
    async with scene, scene.call(video=DRAWN) as caller:
        await caller.asks()
        await caller.answered()
        analysed, drawn = scene.analyse.requests, scene.synthesise.requests
        overlaps = [
            later.began < run.ended for run, later in zip(drawn, analysed[1:], strict=False) if run.ended is not None
        ]
        assert overlaps[0]


async def test_pictures_are_not_made_far_ahead_of_playback() -> None:
    scene = Scene(llm=ScriptedLlm(LONG, every=0.0), tts=ScriptedTts(delay=0.01, per_word=0.5))
    async with scene, scene.call(video=DRAWN) as caller:
        await caller.asks()
        await caller.answered()
        began = next(at for at, event in caller.log if isinstance(event, Spoke))
        made = 0.0
        for request in scene.synthesise.requests:
            assert made <= 1.0 or request.began - began >= made - 1.0 - 0.05
            made += request.work.count / 25


async def test_an_engine_that_draws_by_ear_hears_its_run_and_what_lies_around_it() -> None:
    scene = Scene(llm=ScriptedLlm(LONG), synthesise=ScriptedSynthesise(hears=True))
    async with scene, scene.call(video=DRAWN) as caller:
        await caller.asks()
        await caller.answered()
        first, second, *others = scene.synthesise.works
        assert first.lead == 0
        assert second.lead == pytest.approx(first.count / 25), "all that there is before it"
        assert all(work.lead == pytest.approx(0.2, abs=1 / MOUTH_RATE) or work.lead == 0 for work in others)
        assert any(work.lead for work in others)
        for work in scene.synthesise.works:
            assert len(work.audio) / SAMPLE_BYTES / SPEECH_RATE >= work.lead + work.count / 25 - 0.04


async def test_who_wants_pictures_and_no_mouth_gets_pictures_alone() -> None:
    async with Scene() as scene, scene.call(mouth=False, video=DRAWN) as caller:
        await caller.asks()
        await caller.answered()
        assert pictures(caller)
        assert not any(spoke.mouth for spoke in caller.all(Spoke))


async def test_an_interruption_ends_the_drawing_too() -> None:
    scene = Scene(llm=ScriptedLlm(LONG), synthesise=ScriptedSynthesise(delay=0.5))
    async with scene, scene.call(video=DRAWN) as caller:
        await caller.asks()
        await caller.until(Spoke)
        await caller.session.cancel()
        await caller.hushes(0.1)
        scene.assert_idle()


async def test_drawing_that_fails_ends_the_answer_and_not_the_session() -> None:
    scene = Scene()
    scene.synthesise.faults = [Fault(EngineFailed("no paint"))]
    async with scene, scene.call(video=DRAWN) as caller:
        await caller.asks()
        assert (await caller.answered()).status == "failed"
        await caller.asks()
        assert (await caller.answered(2)).status == "completed"

"""Faces are opened before they are drawn: once in every process, the latest wanted, and never at anybody's cost."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import pytest

from polytalk.avatar.library import of_the_package
from polytalk.dialogue.faces import foresight
from polytalk.dialogue.faces.face import Painter
from polytalk.dialogue.faces.foresight import MOUTHS, Foresight
from polytalk.engines.synthesise.raster import RasterSynthesiser
from polytalk.errors import BadInput, EngineFailed
from polytalk.types import Seconds, SynthesiseWork

T = TypeVar("T")
MIRA = next(avatar for avatar in of_the_package() if avatar.id == "mira")


class Stage:
    """An engine with processes, and a way to compute."""

    hears = False

    def __init__(self, processes: int = 2) -> None:
        self.processes = processes
        self.drawn: list[SynthesiseWork] = []
        self.urgency: list[Seconds] = []
        self.broken = False

    def rehearse(self, work: SynthesiseWork, processes: int) -> bool:
        if self.broken:
            raise EngineFailed("it has ended")
        if sum(one.avatar == work.avatar and one.size == work.size for one in self.drawn) == processes:
            return False
        self.drawn.append(work)
        return True

    def find(self, avatar: str) -> tuple[Any, Painter]:
        if avatar == "nobody":
            raise BadInput("there is no such avatar")
        return self, Painter("stage", False, MIRA.motion, looks="1")

    async def compute(self, work: Callable[[], T], within: Seconds = 0.0) -> T:
        self.urgency.append(within)
        await asyncio.sleep(0)
        return work()


async def test_a_face_that_is_wanted_is_opened_once_in_every_process() -> None:
    stage = Stage()
    faces = Foresight(stage.find, stage.compute, 2)
    for _ in range(3):
        faces.want("mira", 512)
        await faces.settled()
    assert [(one.avatar, one.size, one.count) for one in stage.drawn] == [("mira", (512, 512), MOUTHS)] * 2
    faces.want("mira", 256)
    await faces.settled()
    assert len(stage.drawn) == 4, "another size is another book"
    assert min(stage.urgency) > 10, "whoever is live goes first"


async def test_what_can_not_be_opened_is_no_trouble(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage()
    stage.broken = True
    faces = Foresight(stage.find, stage.compute, 2)
    faces.want("nobody", 512)
    faces.want("mira", 512)
    await faces.settled()
    assert "it has ended" in caplog.text
    stage.broken = False
    faces.want("mira", 512)
    await faces.settled()
    assert len(stage.drawn) == 2, "it is tried again"


async def test_no_more_faces_are_opened_than_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foresight, "WAITING", 3)
    monkeypatch.setattr(foresight, "KNOWN", 2)
    stage = Stage()
    faces = Foresight(stage.find, stage.compute, 1)
    for number in range(9):
        faces.want(f"face-{number}", 512)
    await faces.settled()
    assert [one.avatar for one in stage.drawn] == ["face-0", "face-1", "face-2"]
    stage.drawn.clear()
    faces.want("face-2", 512)
    faces.want("face-0", 512)
    await faces.settled()
    assert [one.avatar for one in stage.drawn] == ["face-0"], "it was forgotten meanwhile"


def test_processes_that_draw_are_opened_one_by_one_and_asked_for_what_they_know() -> None:
    engine = RasterSynthesiser()
    work, other = (foresight._work(avatar, 64, Painter("raster", False, MIRA.motion)) for avatar in ("mira", "theo"))
    try:
        assert [engine.rehearse(work, 2) for _ in range(3)] == [True, True, False]
        assert engine.rehearse(other, 2)
        (known,) = (one for one in engine._easels.free if one.knows(other))
        engine.run([work])
        engine.run([other])
        assert [one for one in engine._easels.free if one.knows(other)] == [known], "the other would open it first"
    finally:
        engine.close()

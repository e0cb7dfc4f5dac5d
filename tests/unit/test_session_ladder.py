"""The brown-out ladder in a session: pictures, fewer, none, the voice alone, and up again, turn by turn."""

import pytest

from polytalk.dialogue.events import Capacity, Spoke
from polytalk.dialogue.settings import Video
from polytalk.schedule.demand import TurnDemand, ladder
from polytalk.types import Stage
from tests.support.engines import ScriptedLlm
from tests.support.scene import Caller, Scene

pytestmark = pytest.mark.looptime

WANTED = Video(fps=25.0)


class Steps(TurnDemand):
    """Room for one rung of the ladder and all below it."""

    least = 0

    def rungs(self, fps: float = 0.0) -> list[dict[str, float]]:
        return [{"places": 0.1 if number >= self.least else 1e6} for number, _ in enumerate(ladder(fps))]


def world() -> tuple[Scene, Steps]:
    scene = Scene(llm=ScriptedLlm("Yes, it is."))
    demand = Steps({Stage.THINK: "places"})
    scene.gate.demand = demand
    return scene, demand


async def turn(caller: Caller, count: int) -> list[Spoke]:
    before = len(caller.all(Spoke))
    await caller.asks()
    await caller.answered(count)
    return caller.all(Spoke)[before:]


async def test_a_session_is_told_each_step_and_each_answer_is_of_one() -> None:
    scene, demand = world()
    async with scene, scene.call(video=WANTED) as caller:
        seen = []
        for count, rung in enumerate((0, 1, 2, 3, 0), 1):
            demand.least = rung
            spoken = await turn(caller, count)
            seen.append(({spoke.fps for spoke in spoken if spoke.pictures}, any(spoke.mouth for spoke in spoken)))
        assert seen == [({25.0}, True), ({15.0}, True), (set(), True), (set(), False), ({25.0}, True)]
        told = [(capacity.fps, capacity.face) for capacity in caller.all(Capacity)]
        assert told == [(15.0, True), (0.0, True), (0.0, False), (25.0, True)]


async def test_nothing_is_told_while_the_step_stays() -> None:
    scene, demand = world()
    async with scene, scene.call(video=WANTED) as caller:
        demand.least = 1
        for count in (1, 2, 3):
            await turn(caller, count)
        assert [capacity.fps for capacity in caller.all(Capacity)] == [15.0]


def test_what_encoding_costs_counts_for_the_steps_that_draw_here() -> None:
    demand = TurnDemand({Stage.SYNTHESISE: "cores"}, spent={}, encoding=0.004)
    full, slower, drawn_there, voice = demand.rungs(25.0)
    assert full["cores"] == pytest.approx(0.1)
    assert slower["cores"] == pytest.approx(0.06)
    assert "cores" not in drawn_there
    assert "cores" not in voice
    for _ in range(200):
        demand.learn_encoding(0.05, 5)
    assert demand.encoding == pytest.approx(0.01, rel=0.01)

"""What a turn will ask of each pool."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.demand import BEFORE_SOUND, TurnDemand
from polytalk.types import Stage

POOLS = {Stage.LISTEN: "cores", Stage.THINK: "slots", Stage.SPEAK: "cores", Stage.MOUTH: "cores"}


def learnt(spent: dict[Stage, float], heard: float, turns: int = 200) -> TurnDemand:
    demand = TurnDemand(POOLS)
    for _ in range(turns):
        demand.learn_listening(spent.get(Stage.LISTEN, 0.0))
        demand.learn({stage: cost for stage, cost in spent.items() if stage is not Stage.LISTEN}, heard)
    return demand


@given(st.floats(0.01, 5), st.floats(0.01, 5), st.floats(1, 30))
def test_leases_add_up_to_the_use_of_a_pool(listen: float, speak: float, heard: float) -> None:
    demand = learnt({Stage.LISTEN: listen, Stage.SPEAK: speak, Stage.MOUTH: 0.0}, heard)
    rate = 2.0
    under_way = rate * (heard + BEFORE_SOUND)  # Little's law
    assert under_way * demand.rungs()[0]["cores"] == pytest.approx(rate * (listen + speak), rel=0.02, abs=0.01)


def test_a_turn_without_a_face_asks_for_less() -> None:
    with_face, without = learnt({Stage.SPEAK: 1.0, Stage.MOUTH: 1.0, Stage.THINK: 2.0}, 7.6).rungs()
    assert with_face["cores"] > without["cores"] > 0
    assert with_face["slots"] == without["slots"]


def test_work_that_gets_cheaper_in_full_batches_is_reckoned_so() -> None:
    demand = learnt({Stage.THINK: 0.0, Stage.SPEAK: 4.0, Stage.MOUTH: 0.0}, 7.6)
    alone = demand.rungs()[0]["cores"]
    demand.economy = lambda stage: 0.5
    assert demand.rungs()[0]["cores"] == pytest.approx(alone / 2)


def test_some_thirty_turns_later_the_first_guess_is_forgotten() -> None:
    assert learnt({Stage.SPEAK: 1.0}, 7.6, turns=120).spent[Stage.SPEAK] == pytest.approx(1.0, rel=0.05)


def test_refused_turns_teach_nothing() -> None:
    demand = learnt({Stage.SPEAK: 1.0}, 7.6)
    before = demand.rungs()
    for _ in range(100):
        demand.learn({}, 0.0)
    assert demand.rungs() == before

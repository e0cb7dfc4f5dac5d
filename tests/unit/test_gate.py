"""The place where turns wait for room."""

import asyncio

import pytest

from polytalk.dialogue.capacity.gate import Gate
from polytalk.schedule.admission import Admission, Waiting
from polytalk.schedule.demand import TurnDemand
from polytalk.types import Stage, Tier
from tests.support.sound import LoopClock

pytestmark = pytest.mark.looptime


async def test_the_place_of_one_who_gave_up_is_the_next_ones() -> None:
    gate = Gate(Admission({"slots": 1.0}), TurnDemand({Stage.THINK: "slots"}, spent={Stage.THINK: 9.0}), LoopClock())
    for name in ("first", "gone", "next"):
        place = gate.knock(name, session=name, tenant="default", tier=Tier.STANDARD)
        assert isinstance(place, Waiting) == (name != "first")
    gone = asyncio.create_task(gate.wait("gone", lambda _: None))
    waits = asyncio.create_task(gate.wait("next", lambda _: None))
    await asyncio.sleep(0)
    gone.cancel()  # it does not leave yet: what it holds is given back for it
    await asyncio.wait((gone,))
    gate.leave("first")
    await asyncio.wait_for(waits, 1.0)
    assert list(gate.admission.leases) == ["next"]

"""Clients that send anything at any time: the server answers, orders what it says, and is done with them when they go.

`FUZZ_EXAMPLES=5000 pytest tests/unit/test_fuzz_realtime.py` looks longer, at other examples each time, and makes what
it finds as short as it can.
"""

import asyncio
import gc
import os
from collections import Counter

import looptime
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.soak import MOMENT, SETTLES, converse
from polytalk.config import StoreSettings
from polytalk.dialogue.answers.delivery import Delivery
from polytalk.dialogue.answers.turn import Turn
from polytalk.dialogue.session import Session
from polytalk.gateway.realtime.connection import Connection
from polytalk.gateway.realtime.media_line import MediaFeed
from polytalk.gateway.realtime.outbox import Outbox
from tests.support.fuzz import Conversations
from tests.support.gateway import Gateway

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
BOUNDED = settings(
    max_examples=EXAMPLES or 40,
    stateful_step_count=30,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    phases=[Phase.generate, Phase.shrink] if EXAMPLES else [Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(0 if EXAMPLES else 120)
def test_whatever_clients_do_they_are_answered_and_nothing_is_left_of_them() -> None:
    run_state_machine_as_test(Conversations, settings=BOUNDED)


OF_A_SESSION = (Connection, Delivery, MediaFeed, Outbox, Session, Turn)


def test_sessions_that_are_over_leave_no_objects_behind() -> None:
    async def hold() -> tuple[Counter[str], Counter[str]]:
        async with Gateway(store=StoreSettings(queue=10)) as gateway:
            before = alive()
            for number in range(12):
                await converse(gateway, stay=number % 3 != 0)
            guest = gateway.socket(query={"model": "mira"})
            await asyncio.sleep(MOMENT)
            assert alive()["Session"] == before["Session"] + 1
            guest.leave()
            await guest.serving
            await asyncio.sleep(SETTLES)
            return before, alive()

    loop = looptime.new_event_loop(start=0, noop_cycles=2)
    before, after = loop.run_until_complete(hold())
    loop.close()
    assert after == before


def alive() -> Counter[str]:
    """What there is of sessions, by its class."""
    gc.collect()
    return Counter(type(one).__name__ for one in gc.get_objects() if isinstance(one, OF_A_SESSION))

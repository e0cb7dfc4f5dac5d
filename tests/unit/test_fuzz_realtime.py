"""Clients that send anything at any time: the server answers, orders what it says, and is done with them when they go.

`FUZZ_EXAMPLES=5000 pytest tests/unit/test_fuzz_realtime.py` looks longer, at other examples each time.
"""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.support.fuzz import Conversations

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
BOUNDED = settings(
    max_examples=EXAMPLES or 40,
    stateful_step_count=30,
    deadline=None,
    derandomize=not EXAMPLES,
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_whatever_clients_do_they_are_answered_and_nothing_is_left_of_them() -> None:
    run_state_machine_as_test(Conversations, settings=BOUNDED)

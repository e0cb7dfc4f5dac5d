"""Clients that send anything at any time (`tests/support/fuzz.py`), for a while; then 2,000 sessions that open, ask and
close: what was tried, what was answered wrongly or not at all, and how much memory sessions leave behind.

All in this process and in virtual time, on engines that follow a script.
"""

import time
from collections.abc import Sequence

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from bench.plan import QUICK, Plan
from bench.report import Figure, Row
from bench.soak import Sample, slope, soak
from polytalk.types import Seconds
from tests.support.fuzz import Conversations, Tally

SECONDS: Seconds = 40.0
SESSIONS = 2_000
EXAMPLES = 10
"""Of each seed; between seeds the time is looked at."""
STEPS = 40
GOAL_BYTES = 1_000
"""That a thousand sessions may leave in Python's memory."""
SETTINGS = settings(
    max_examples=EXAMPLES,
    stateful_step_count=STEPS,
    deadline=None,
    database=None,
    print_blob=False,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def measure(plan: Plan) -> Figure:
    """Try, then soak."""
    quick = plan == QUICK
    tally, wrong, took = _try(5.0 if quick else SECONDS)
    sessions = 200 if quick else SESSIONS
    samples = soak(sessions, sessions // 20)
    notes = [f"seed {number}: {what}" for number, what in wrong]
    return Figure(
        "fuzz",
        "Any events in any order, and what sessions leave behind",
        f"all answered, nothing lost, no hang; at most {GOAL_BYTES} bytes a thousand sessions",
        [row_of(tally, [what for _, what in wrong], took, samples)],
        notes,
    )


def _try(seconds: Seconds) -> tuple[Tally, list[tuple[int, str]], Seconds]:
    """What was done, what was wrong by its seed, and how long it took."""
    before = Tally(**vars(Conversations.tally))
    wrong: list[tuple[int, str]] = []
    began = time.perf_counter()
    number = 0
    while time.perf_counter() - began < seconds:
        machine = seed(number)(type("Conversations", (Conversations,), {}))
        try:
            run_state_machine_as_test(machine, settings=SETTINGS)
        except (AssertionError, TimeoutError, ExceptionGroup) as error:
            wrong.append((number, f"{type(error).__name__}: {error}"[:2_000]))
        number += 1
    after = vars(Conversations.tally)
    done = Tally(**{name: count - getattr(before, name) for name, count in after.items()})
    return done, wrong, time.perf_counter() - began


def row_of(tally: Tally, wrong: Sequence[str], took: Seconds, samples: Sequence[Sample]) -> Row:
    """The figure. Whatever is wrong and neither a hang nor an event without an answer is a violation."""
    hangs = sum("TimeoutError" in what for what in wrong)
    lost = sum("was answered by nothing" in what for what in wrong)
    counts = [float(sample.sessions) for sample in samples]
    return {
        "events": tally.events,
        "a second": round(tally.events / took),
        "sessions": tally.sessions,
        "errors answered": tally.errors,
        "lost": lost,
        "hangs": hangs,
        "violations": sum("was answered by nothing" not in what and "TimeoutError" not in what for what in wrong),
        "soaked sessions": samples[-1].sessions,
        "bytes / 1,000": round(slope(counts, [float(sample.allocated) for sample in samples])),
        "RSS KiB / 1,000": round(slope(counts, [float(sample.resident) for sample in samples]) / 1024),
    }

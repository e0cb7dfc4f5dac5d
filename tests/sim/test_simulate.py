"""A whole service in virtual time."""

from dataclasses import replace

import pytest

from polytalk.errors import BadInput
from polytalk.sim.costs import known
from polytalk.sim.figures import faces, small
from polytalk.sim.policy import FIFO, GREEDY, INTERVAL, OURS, RING_ONLY, Policy, bounded, fixed
from polytalk.sim.script import Habits
from polytalk.sim.simulate import Service, simulate
from polytalk.sim.tally import Report
from polytalk.sim.workload import Mix, Workload, beside_renders, conversations, flash_crowd, questions

ALL = (OURS, RING_ONLY, FIFO, GREEDY, bounded(16), fixed(0.02), INTERVAL)
RESTLESS = Habits(interruptions=0.6)


def crowd(seed: int) -> Workload:
    """More than `small` can serve, restless, of two tenants and some vips."""
    mixed = questions(20, 30, seed, habits=RESTLESS, whom=Mix({"a": 1, "b": 1}, vips=0.1))
    return replace(mixed, settle=0.0)


@pytest.mark.parametrize("policy", ALL, ids=lambda policy: policy.name)
def test_every_turn_and_every_job_ends_exactly_once(policy: Policy) -> None:
    report = simulate(replace(small(policy), max_queue=50), crowd(1))
    assert sum(report.outcomes.values()) == report.turns
    assert set(report.outcomes) <= {"heard", "interrupted", "refused"}
    for jobs in report.jobs.values():
        assert jobs["created"] == jobs["finished"] + jobs["cancelled"]


@pytest.mark.parametrize("policy", ALL, ids=lambda policy: policy.name)
def test_the_same_seed_gives_the_same_report(policy: Policy) -> None:
    assert simulate(small(policy), crowd(2), 2) == simulate(small(policy), crowd(2), 2)


def test_another_seed_gives_another_report() -> None:
    assert simulate(small(), crowd(1), 1).ttfa != simulate(small(), crowd(2), 2).ttfa


def test_alone_a_listener_waits_for_nobody() -> None:
    report = simulate(Service(known()["l40s"], dict.fromkeys(("listen", "think", "speak", "cores"), 1)), one_user())
    assert 0.4 <= report.ttfa["all"][0] <= 0.7  # 0.3 endpointing, ASR, prompt and a clause of tokens, TTS
    assert report.in_time == 1.0


def one_user() -> Workload:
    return conversations(1, 600, 1)


def test_pools_are_used_as_much_as_arithmetic_says() -> None:
    report = simulate(small(RING_ONLY), conversations(200, 200, 1))
    turns = 200 / conversations(200, 200, 1).script.mean_cycle()
    speech = conversations(200, 200, 1).script.mean().speech
    assert report.use["speak"] == pytest.approx(turns * (speech * 0.0142 + 3 * 0.0025) / 2, rel=0.12)


def test_in_a_flash_crowd_more_are_served_well_than_first_in_first_out() -> None:
    def served(policy: Policy) -> Report:
        return simulate(small(policy), flash_crowd(700, 110, 1, at=20, within=40, background=4.0), 1)

    ours, fifo = served(OURS), served(FIFO)
    assert ours.goodput > 2 * fifo.goodput
    assert ours.in_time >= 0.999 > fifo.in_time


def test_speech_that_has_begun_goes_on_where_first_in_first_out_stutters() -> None:
    crowd = conversations(80, 120, 1)
    ours, fifo = simulate(faces(RING_ONLY), crowd), simulate(faces(FIFO), crowd)
    assert ours.in_time > fifo.in_time + 0.05


def test_when_faces_run_out_the_client_draws_them_and_nobody_waits() -> None:
    report = simulate(faces(OURS), conversations(120, 100, 1))
    assert report.in_time >= 0.999
    assert report.p95 < 1.0
    assert report.outcomes.get("refused", 0) == 0


def test_a_vip_hardly_notices_three_times_the_load() -> None:
    report = simulate(small(OURS), questions(45, 30, 1, whom=Mix(vips=0.1)))
    assert report.ttfa["vip"][1] < 1.2 < 5 < report.ttfa["standard"][1]


def test_speech_is_not_made_far_ahead_of_a_user_who_interrupts() -> None:
    crowd = conversations(20, 200, 1, habits=Habits(words=60, interruptions=0.8))
    assert simulate(small(RING_ONLY), crowd).wasted < 0.8 * simulate(small(FIFO), crowd).wasted


def test_a_pool_without_slots_is_refused() -> None:
    with pytest.raises(BadInput, match="no slots for speak"):
        simulate(Service(known()["l40s"], {"listen": 1, "think": 1, "cores": 1}), one_user())


def test_nobody_came() -> None:
    report = simulate(small(), replace(one_user(), visits=[]))
    assert report.turns == 0
    assert report.goodput == 0


def test_beside_renders_order_serves_speakers_whom_first_in_first_out_lets_run_dry() -> None:
    crowd = beside_renders(conversations(45, 60, 1), 16)
    assert simulate(faces(RING_ONLY), crowd).in_time > simulate(faces(FIFO), crowd).in_time + 0.02

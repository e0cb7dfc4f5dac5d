"""Which job next."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st
from tests.support.jobs import job, jobs

from polytalk.schedule.order import RESCUE_SLACK, order
from polytalk.types import Job, Seconds, Tier

NOW: Seconds = 0.0
COST: Seconds = 0.1
SAFE = NOW + COST + RESCUE_SLACK + 1
URGENT = NOW + COST + RESCUE_SLACK / 2
LOST = NOW + COST / 2


def ids(ordered: list[Job]) -> list[str]:
    return [one.id for one in ordered]


def test_the_earliest_deadline_goes_first_within_a_tier() -> None:
    given_jobs = [job(id="late", deadline=SAFE + 2), job(id="early", deadline=SAFE), job(id="mid", deadline=SAFE + 1)]
    assert ids(order(given_jobs, NOW, COST)) == ["early", "mid", "late"]


def test_the_better_tier_goes_first_when_nobody_runs_dry() -> None:
    given_jobs = [
        job(id="batch", tier=Tier.BATCH, deadline=SAFE),
        job(id="standard", tier=Tier.STANDARD, deadline=SAFE),
        job(id="vip", tier=Tier.VIP, deadline=SAFE + 9),
    ]
    assert ids(order(given_jobs, NOW, COST)) == ["vip", "standard", "batch"]


def test_a_listener_about_to_hear_a_gap_goes_before_a_vip_who_can_wait() -> None:
    given_jobs = [job(id="vip", tier=Tier.VIP, deadline=SAFE), job(id="dry", deadline=URGENT)]
    assert ids(order(given_jobs, NOW, COST)) == ["dry", "vip"]


def test_a_render_is_never_rescued() -> None:
    given_jobs = [job(id="render", tier=Tier.BATCH, deadline=URGENT), job(id="talk", deadline=SAFE)]
    assert ids(order(given_jobs, NOW, COST)) == ["talk", "render"]


def test_a_job_past_saving_does_not_go_before_one_that_can_be_saved() -> None:
    given_jobs = [job(id="lost", deadline=LOST), job(id="dry", deadline=URGENT)]
    assert ids(order(given_jobs, NOW, COST)) == ["dry", "lost"]


@given(st.lists(jobs), st.randoms(use_true_random=False))
def test_the_order_depends_only_on_the_jobs(given_jobs: list[Job], random: Random) -> None:
    shuffled = list(given_jobs)
    random.shuffle(shuffled)
    first = order(given_jobs, NOW, COST)
    assert first == order(shuffled, NOW, COST)
    assert sorted(ids(first)) == sorted(ids(given_jobs))


@given(st.lists(jobs))
def test_every_rescue_comes_before_everybody_else(given_jobs: list[Job]) -> None:
    rescued = [
        0 <= one.deadline - NOW - COST < RESCUE_SLACK and one.tier is not Tier.BATCH
        for one in order(given_jobs, NOW, COST)
    ]
    assert rescued == sorted(rescued, reverse=True)

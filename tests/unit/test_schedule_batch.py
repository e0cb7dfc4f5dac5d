"""Forming a batch. A job's units are the length of its audio, so that tests can set them."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from tests.support.jobs import job

from polytalk.schedule.batch import form
from polytalk.schedule.cost import Cost
from polytalk.types import FaceWork, Job, Seconds

NOW: Seconds = 10.0


def units(of: Job) -> float:
    assert isinstance(of.work, FaceWork)
    return float(len(of.work.audio))


@dataclass
class Line(Cost):
    """A cost that is known, not learnt."""

    slope: Seconds = 0.0
    overhead: Seconds = 0.0

    def predict(self, units: float) -> Seconds:
        return self.slope * units + self.overhead


def sized(size: int, slack: Seconds) -> Job:
    return job(work=FaceWork(bytes(size)), deadline=NOW + slack)


lines = st.builds(Line, slope=st.floats(0, 1), overhead=st.floats(0, 2))
sized_jobs = st.builds(sized, st.integers(0, 5), st.floats(-1, 10))
ordered_jobs = st.lists(sized_jobs, max_size=12)
sizes = st.integers(1, 8)


def test_jobs_join_while_everybody_stays_in_time() -> None:
    cost = Line(slope=0.1, overhead=0.1)
    ordered = [sized(1, 0.45), sized(1, 1), sized(1, 1), sized(1, 1)]
    assert form(ordered, NOW, cost, units, max_batch=8) == ordered[:3]


def test_a_job_that_is_lost_anyway_does_not_hold_the_others_back() -> None:
    cost = Line(slope=0.1, overhead=0.1)
    ordered = [sized(1, -5), sized(1, 1), sized(1, 1)]
    assert form(ordered, NOW, cost, units, max_batch=8) == ordered


def test_a_job_that_company_would_make_late_waits_for_its_own_batch() -> None:
    cost = Line(slope=0.1, overhead=0.1)
    ordered = [sized(5, 9), sized(1, 0.3)]
    assert form(ordered, NOW, cost, units, max_batch=8) == ordered[:1]


@given(ordered_jobs, lines, sizes)
def test_a_batch_is_the_head_of_the_order(ordered: list[Job], cost: Line, most: int) -> None:
    batch = form(ordered, NOW, cost, units, most)
    assert batch == ordered[: len(batch)]
    assert len(batch) <= most


@given(ordered_jobs, lines, sizes)
def test_somebody_always_runs(ordered: list[Job], cost: Line, most: int) -> None:
    assert bool(form(ordered, NOW, cost, units, most)) == bool(ordered)


@given(ordered_jobs, lines, sizes)
def test_no_batch_makes_a_member_late_that_could_be_kept(ordered: list[Job], cost: Line, most: int) -> None:
    batch = form(ordered, NOW, cost, units, most)
    finish = NOW + cost.predict(sum(map(units, batch)))
    for member in batch:
        assert member.deadline >= finish or member.deadline < NOW + cost.predict(units(member))


@given(ordered_jobs, lines, sizes)
def test_whoever_is_left_out_would_have_made_somebody_late(ordered: list[Job], cost: Line, most: int) -> None:
    """Work conserving: room in the batch is left empty for a reason."""
    batch = form(ordered, NOW, cost, units, most)
    if len(batch) == min(most, len(ordered)):
        return
    grown = [*batch, ordered[len(batch)]]
    finish = NOW + cost.predict(sum(map(units, grown)))
    assert any(NOW + cost.predict(units(one)) <= one.deadline < finish for one in grown)

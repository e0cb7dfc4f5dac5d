"""Forming a batch. A job's units are the length of its audio, so that tests can set them."""

from dataclasses import dataclass
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.batch import Batch, form
from polytalk.schedule.cost import Cost
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.window import Release
from polytalk.types import AnalyseWork, Job, Seconds, Tier
from tests.support.jobs import job

NOW: Seconds = 10.0
numbers = count()


@dataclass
class Line(Cost):
    """A cost that is known, not learnt."""

    slope: Seconds = 0.0
    overhead: Seconds = 0.0

    def predict(self, units: float, jobs: int = 1) -> Seconds:
        return self.slope * units + self.overhead


def units(of: Job) -> float:
    assert isinstance(of.work, AnalyseWork)
    return float(len(of.work.audio))


def sized(size: int, slack: Seconds) -> Job:
    return job(id=f"j{next(numbers)}", work=AnalyseWork(bytes(size)), deadline=NOW + slack)


def formed(waiting: list[Job], cost: Cost, most: int = 8) -> tuple[Batch, list[Job]]:
    queue = ReadyQueue()
    for one in waiting:
        queue.push(one)
    batch = form(queue, NOW, cost, units, most)
    return batch, list(queue)


BATCHED = Line(slope=0.1, overhead=0.1)
lines = st.builds(Line, slope=st.floats(0, 1), overhead=st.floats(0, 2))
waits = st.lists(st.builds(sized, st.integers(1, 5), st.floats(-1, 10)), max_size=12)
sizes = st.integers(1, 8)


def test_jobs_join_while_everybody_stays_in_time() -> None:
    waiting = [sized(1, 0.45), sized(1, 1), sized(1, 1), sized(1, 1)]
    batch, left = formed(waiting, BATCHED)
    assert batch.jobs == waiting[:3]
    assert left == waiting[3:]
    assert batch.reason is Release.SLACK


def test_a_full_batch_says_so() -> None:
    batch, left = formed([sized(1, 9) for _ in range(5)], BATCHED, most=3)
    assert (len(batch.jobs), len(left), batch.reason) == (3, 2, Release.FULL)


def test_a_batch_that_took_everybody_ran_out_of_jobs() -> None:
    batch, left = formed([sized(1, 9) for _ in range(3)], BATCHED)
    assert (len(batch.jobs), left, batch.reason) == (3, [], Release.IDLE)


def test_where_batching_saves_nothing_jobs_run_alone() -> None:
    batch, _ = formed([sized(1, 9) for _ in range(3)], Line(slope=0.1, overhead=0.0))
    assert (len(batch.jobs), batch.reason) == (1, Release.NO_GAIN)


def test_a_job_that_is_lost_anyway_does_not_hold_the_others_back() -> None:
    waiting = [sized(1, -5), sized(1, 1), sized(1, 1)]
    assert len(formed(waiting, BATCHED)[0].jobs) == 3


def test_a_batch_says_by_when_it_must_start() -> None:
    batch, _ = formed([sized(1, 1.0)], BATCHED)
    assert batch.due == NOW + 1.0 - 0.2


@given(waits, lines, sizes)
def test_somebody_always_runs_and_nobody_is_lost(waiting: list[Job], cost: Line, most: int) -> None:
    batch, left = formed(waiting, cost, most)
    assert bool(batch.jobs) == bool(waiting)
    assert len(batch.jobs) <= most
    assert {one.id for one in batch.jobs} | {one.id for one in left} == {one.id for one in waiting}


@given(waits, lines, sizes)
def test_no_batch_makes_a_member_late_that_could_be_kept(waiting: list[Job], cost: Line, most: int) -> None:
    batch, _ = formed(waiting, cost, most)
    finish = NOW + cost.predict(sum(map(units, batch.jobs)))
    for member in batch.jobs:
        assert member.deadline >= finish or member.deadline < NOW + cost.predict(units(member))


def test_a_guess_joins_no_batch_of_what_is_wanted() -> None:
    wanted = [sized(1, 100), sized(1, 100)]
    guess = job(work=AnalyseWork(bytes(1)), deadline=NOW, speculative=True)
    batch, left = formed([guess, *wanted], BATCHED)
    assert (batch.jobs, left) == (wanted, [guess])


def test_guesses_are_batched_among_themselves() -> None:
    waiting = [job(work=AnalyseWork(bytes(1)), deadline=NOW + 100, speculative=True) for _ in range(3)]
    batch, left = formed(waiting, BATCHED)
    assert (batch.jobs, left) == (waiting, [])


WHISPER = {1: 0.133, 2: 0.224, 3: 0.318, 4: 0.448, 8: 1.096}
"""Seconds of a core for so many utterances, as measured (bench/NOTES.md): three save a fifth each, eight nothing."""


@given(st.permutations([size for size in WHISPER for _ in range(3)]))
def test_where_batching_pays_little_it_stops_at_what_pays(order: list[int]) -> None:
    cost = Cost()
    for size in order:
        cost.observe(10.0 * size, WHISPER[size], size)
    waiting = [sized(10, slack=100) for _ in range(8)]
    batch, _ = formed(waiting, cost)
    assert (len(batch.jobs), batch.reason) == (3, Release.NO_GAIN)


def test_one_that_was_never_seen_in_company_runs_alone_on_its_core() -> None:
    cost = Cost()
    for seconds in (1.0, 2.0, 3.0) * 2:  # utterances of several lengths, and no overhead to share
        cost.observe(10.0 * seconds, 0.133 * seconds)
    batch, _ = formed([sized(10, slack=100) for _ in range(4)], cost)
    assert (len(batch.jobs), batch.reason) == (1, Release.NO_GAIN)


def test_where_a_slot_is_kept_for_vips_none_rides_with_others() -> None:
    for first, then in ((Tier.STANDARD, Tier.VIP), (Tier.VIP, Tier.STANDARD)):
        queue = ReadyQueue()
        for number, tier in enumerate((first, first, then)):
            queue.push(job(id=f"{tier}{number}", tier=tier, deadline=NOW + 1 + number, work=AnalyseWork(bytes(1))))
        apart = form(queue, NOW, BATCHED, units, 8, vips_apart=True)
        assert [one.tier for one in apart.jobs] == [first, first]
        assert apart.reason is Release.VIP
        assert [one.tier for one in queue] == [then]
        assert [one.tier for one in form(queue, NOW, BATCHED, units, 8, vips_apart=True).jobs] == [then]

"""Equal work asked for at once is done once."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TypeAlias

import looptime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.cache.single_flight import SingleFlight
from polytalk.errors import EngineFailed

pytestmark = pytest.mark.looptime
Visit: TypeAlias = tuple[list[int], str]
LIMIT = 1_000


class Maker:
    """Makes the same five results, one each second, and counts."""

    def __init__(self, fails_after: int | None = None, results: int = 5) -> None:
        self.begun = self.finished = self.stopped = 0
        self.fails_after = fails_after
        self.results = results

    async def __call__(self) -> AsyncGenerator[int, None]:
        self.begun += 1
        try:
            for number in range(self.results):
                await asyncio.sleep(1)
                if number == self.fails_after:
                    raise EngineFailed("no voice")
                yield number
            self.finished += 1
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped += 1
            raise


def flights(size: Callable[[int], int] = lambda _: 1, limit: int = LIMIT) -> SingleFlight[str, int]:
    return SingleFlight(size, limit)


async def read(flight: SingleFlight[str, int], make: Maker, *, key: str = "a", after: float = 0) -> list[int]:
    await asyncio.sleep(after)
    async with aclosing(flight.join(key, make)) as results:
        return [result async for result in results]


async def note(flight: SingleFlight[str, int], make: Maker, given: list[int], *, key: str = "a") -> None:
    async with aclosing(flight.join(key, make)) as results:
        async for result in results:
            given.append(result)  # noqa: PERF401 - what came before a failure counts


async def test_a_thousand_identical_requests_at_once_compute_once() -> None:
    make, flight = Maker(), flights()
    answers = await asyncio.gather(*(read(flight, make) for _ in range(1_000)))
    assert answers == [list(range(5))] * 1_000
    assert (make.begun, flight.started, flight.joined, len(flight)) == (1, 1, 999, 0)


async def test_who_comes_late_gets_everything_and_no_later_than_the_first() -> None:
    make, flight = Maker(), flights()
    began = asyncio.get_running_loop().time()
    answers = await asyncio.gather(read(flight, make), read(flight, make, after=3.5))
    assert list(answers) == [list(range(5))] * 2
    assert asyncio.get_running_loop().time() - began == pytest.approx(5)


async def test_followers_read_it_as_it_is_made() -> None:
    make, flight = Maker(), flights()
    first = asyncio.create_task(read(flight, make))
    await asyncio.sleep(2.5)
    async with aclosing(flight.join("a", make)) as follower:
        assert [await anext(follower), await anext(follower)] == [0, 1]
        assert not first.done()
    await first


async def test_other_keys_are_other_work() -> None:
    make, flight = Maker(), flights()
    await asyncio.gather(read(flight, make, key="a"), read(flight, make, key="b"))
    assert make.begun == 2


async def test_what_is_over_is_not_shared() -> None:
    make, flight = Maker(), flights()
    await read(flight, make)
    await read(flight, make)
    assert make.begun == 2


async def test_the_work_goes_on_when_the_one_who_began_it_leaves() -> None:
    make, flight = Maker(), flights()
    leader = asyncio.create_task(read(flight, make))
    follower = asyncio.create_task(read(flight, make, after=0.5))
    await asyncio.sleep(1.5)
    leader.cancel()
    assert await follower == list(range(5))
    assert (make.begun, make.stopped) == (1, 0)


async def test_it_ends_with_its_last_reader() -> None:
    make, flight = Maker(), flights()
    readers = [asyncio.create_task(read(flight, make)) for _ in range(3)]
    await asyncio.sleep(1.5)
    for reader in readers:
        reader.cancel()
    await asyncio.wait(readers)
    assert (make.stopped, len(flight)) == (1, 0)


async def test_who_comes_while_it_is_being_ended_begins_anew() -> None:
    make, flight = Maker(), flights()
    leader = flight.join("a", make)
    await anext(leader)
    leaving = asyncio.create_task(leader.aclose())
    await asyncio.sleep(0)
    assert await read(flight, make) == list(range(5))
    await leaving
    assert (make.begun, make.stopped, make.finished) == (2, 1, 1)


async def test_a_failure_reaches_everybody_after_what_came_before_it() -> None:
    make, flight = Maker(fails_after=2), flights()

    made: list[list[int]] = [[], []]
    outcomes = await asyncio.gather(*(note(flight, make, given) for given in made), return_exceptions=True)
    assert [str(outcome) for outcome in outcomes] == ["no voice", "no voice"]
    assert made == [[0, 1], [0, 1]]
    make.fails_after = None
    assert await read(flight, make) == list(range(5))


async def test_a_reader_that_closed_reads_no_more() -> None:
    make, flight = Maker(), flights()
    keeps, leaves = flight.join("a", make), flight.join("a", make)
    await anext(leaves)
    await leaves.aclose()
    await leaves.aclose()
    assert [result async for result in leaves] == []
    assert [result async for result in keeps] == list(range(5))


async def test_what_is_too_large_is_not_kept_for_those_who_come_later_and_waits_for_the_slowest() -> None:
    make, flight = Maker(results=20), flights(limit=4)
    slow, quick = flight.join("a", make), asyncio.create_task(read(flight, make))
    await asyncio.sleep(30)
    assert not quick.done(), "the slow reader has not read a thing, and only so much is held for it"
    late = asyncio.create_task(read(flight, make))
    assert [result async for result in slow] == list(range(20))
    assert await quick == await late == list(range(20))
    assert make.begun == 2


async def test_a_slow_reader_that_leaves_holds_nobody_up() -> None:
    make, flight = Maker(results=20), flights(limit=4)
    slow, quick = flight.join("a", make), asyncio.create_task(read(flight, make))
    await asyncio.sleep(30)
    await slow.aclose()
    assert await quick == list(range(20))


visits = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(0, 12), st.none() | st.integers(0, 12)), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None)
@given(visits, st.integers(0, 6), st.integers(1, 8))
def test_whoever_comes_and_goes_each_gets_a_prefix_and_nothing_is_left(
    plan: list[tuple[str, int, int | None]], fails_after: int, limit: int
) -> None:
    """Readers come at any time and leave at any time; what fails fails for all, and never more runs than is wanted."""

    async def visit(
        flight: SingleFlight[str, int], makers: dict[str, Maker], key: str, comes: int, stays: int | None
    ) -> Visit:
        given: list[int] = []
        await asyncio.sleep(comes)
        outcome = "done"
        try:
            async with asyncio.timeout(stays):
                await note(flight, makers[key], given, key=key)
        except TimeoutError:
            outcome = "left"
        except EngineFailed:
            outcome = "failed"
        return given, outcome

    async def scene() -> None:
        makers = {key: Maker(fails_after if key == "a" else None) for key in "abc"}
        flight = flights(limit=limit)
        for made, outcome in await asyncio.gather(*(visit(flight, makers, *one) for one in plan)):
            assert made == list(range(len(made)))
            assert outcome != "done" or made == list(range(5))
            assert outcome != "failed" or made == list(range(fails_after))
        await asyncio.sleep(0)
        assert len(flight) == 0
        assert flight.started + flight.joined == len(plan)
        assert sum(maker.begun for maker in makers.values()) <= flight.started
        for maker in makers.values():
            assert maker.finished + maker.stopped <= maker.begun

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(scene())

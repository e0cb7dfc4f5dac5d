"""An engine's works timed, alone and in company: medians of rounds, so that a moment's disturbance touches no size."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from statistics import median
from typing import Any

from msgspec import Struct

from polytalk.cli.samples import LENGTHS
from polytalk.cli.stopwatch import Stopwatch
from polytalk.engines.base import BatchEngine
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.types import Result, Seconds, Speech, TextDelta, ThinkWork, Usage, Work

SIZES = (1, 2, 4, 8, 16)
ROUNDS = range(3, 10)
"""At least three, for a median; more do not change it."""


class Case(Struct, frozen=True):
    """A work and its size."""

    work: Work
    units: float


class Cell(Struct, frozen=True):
    """What a batch took."""

    jobs: int
    units: float
    """Of all jobs."""
    seconds: Seconds
    alike: int = 0
    """Which group of works of one length it is made of."""


class Measured(Struct, frozen=True):
    """All cells of one engine."""

    cells: tuple[Cell, ...]
    """Medians."""
    runs: tuple[Cell, ...]
    """Of which the cells are the medians."""
    rounds: int
    local: bool
    """Whether this process computed; else it waited for a server."""
    prefill: float | None = None
    """Prompt tokens a second, of an LLM."""


class Driver:
    """Gives an engine works as its worker would. One event loop for all: remote engines keep connections on it."""

    def __init__(self) -> None:
        self._loop = asyncio.Runner()

    def close(self) -> None:
        """End the loop."""
        self._loop.close()

    def together(self, engine: Any, works: Sequence[Work]) -> list[Result]:
        """The first result of each of the works, run as one batch or as concurrent streams. Raises PolytalkError."""
        if not isinstance(engine, BatchEngine):
            return self._loop.run(_streams(engine, works))
        results: list[Result] = []
        for result in engine.run(works):
            if isinstance(result, PolytalkError):
                raise EngineFailed(f"{engine.name} can't do what it is measured with: {result.message}")
            results.append(result)
        return results

    def follow(self, engine: Any, works: Sequence[ThinkWork]) -> list["Told"]:
        """Answers made at the same time, each with the moments of its tokens. Raises PolytalkError."""

        async def all_of_them() -> list[Told]:
            return await asyncio.gather(*(_told(engine, work) for work in works))

        return self._loop.run(all_of_them())


class Told(Struct):
    """An answer, as it came."""

    asked: Seconds
    moments: list[Seconds] = []
    """When each piece came."""
    usage: Usage | None = None

    @property
    def tokens_a_piece(self) -> float:
        """Servers may send several at once."""
        return self.usage.output_tokens / len(self.moments) if self.usage and self.moments else 1.0


def sizes(limit: int) -> list[int]:
    """The batch sizes to try of an engine that takes so many."""
    return [size for size in SIZES if size <= limit]


def limit_of(engine: Any) -> int:
    """How many works it takes at once."""
    return int(engine.max_batch if isinstance(engine, BatchEngine) else engine.slots)


def measure_batches(driver: Driver, engine: Any, groups: Sequence[Sequence[Case]], budget: Seconds) -> Measured:
    """Batches of every size, of works of each group's length. Raises PolytalkError."""
    for group in groups:  # the first run of a size allocates, compiles, connects
        driver.together(engine, [case.work for case in group[:1]])
    runs = Runs()
    for done in _rounds(budget):
        for number, group in enumerate(groups):
            for size in sizes(limit_of(engine)):
                batch = [group[(done + place) % len(group)] for place in range(size)]
                works = [case.work for case in batch]
                with Stopwatch() as watch:
                    driver.together(engine, works)
                runs.note(Cell(size, sum(case.units for case in batch), watch.seconds, number), watch)
    return runs.measured()


def measure_llm(
    driver: Driver,
    engine: Any,
    story: Callable[[int], ThinkWork],
    unread: Callable[[int], ThinkWork],
    budget: Seconds,
) -> Measured:
    """The time of a step with n answers under way, and how fast prompts are read. Raises PolytalkError.

    `story(number)` is answered at length, `unread(words)` is a message that no cache knows, answered by one token.
    """
    driver.follow(engine, [story(0)])  # its persona is cached from now on
    runs, reading = Runs(), Runs()
    for _ in _rounds(budget):
        for words in LENGTHS:
            with Stopwatch() as watch:
                (told,) = driver.follow(engine, [unread(words)])
            used = told.usage
            tokens = used.input_tokens - used.cached_tokens if used else words
            reading.note(Cell(1, tokens, watch.seconds, words), watch)
        for size in sizes(engine.slots):
            with Stopwatch() as watch:
                answers = driver.follow(engine, [story(number) for number in range(size)])
            if (step := _step(answers)) is not None:
                runs.note(Cell(size, size, step * watch.seconds / watch.wall), watch)
    if 1 not in {cell.jobs for cell in runs.measured().cells}:
        raise EngineFailed(f"{engine.name} answers in a word or two: there are no steps to measure")
    return runs.measured(prefill=_per_second(reading.measured().cells))


class Runs:
    """Repeated cells, until their medians are asked for."""

    def __init__(self) -> None:
        self._seen: dict[tuple[int, int], list[Cell]] = defaultdict(list)
        self._computing = self._seconds = 0.0

    def note(self, cell: Cell, watch: Stopwatch) -> None:
        """A run is over."""
        self._seen[cell.alike, cell.jobs].append(cell)
        self._computing += watch.computing
        self._seconds += watch.seconds

    def measured(self, prefill: float | None = None) -> Measured:
        """The medians."""
        cells = tuple(
            Cell(jobs, median(cell.units for cell in seen), median(cell.seconds for cell in seen), alike)
            for (alike, jobs), seen in self._seen.items()
        )
        rounds = min((len(seen) for seen in self._seen.values()), default=0)
        runs = tuple(cell for seen in self._seen.values() for cell in seen)
        return Measured(cells, runs, rounds, self._computing >= self._seconds / 2, prefill)


def _rounds(budget: Seconds) -> Iterator[int]:
    """Until there are enough and the budget is spent; on a busy machine the budget counts before there are enough."""
    began = time.monotonic()
    for done in range(1, ROUNDS.stop):
        yield done
        spent = time.monotonic() - began
        if spent + spent / done > (budget if done >= ROUNDS.start else 1.5 * budget):
            return


def _step(answers: Sequence[Told]) -> Seconds | None:
    """Seconds a token, each answer's, while all are being told; None when they never were."""
    begin = max((told.moments[0] for told in answers if told.moments), default=0.0)
    end = min((told.moments[-1] for told in answers if told.moments), default=0.0)
    if not all(told.moments for told in answers) or end <= begin:
        return None
    pieces = sum(sum(begin < moment <= end for moment in told.moments) * told.tokens_a_piece for told in answers)
    return (end - begin) * len(answers) / pieces if pieces else None


def _per_second(cells: Sequence[Cell]) -> float | None:
    """Tokens read a second, from the longest prompt against the shortest: what both need besides cancels out."""
    short, long = min(cells, key=lambda cell: cell.units), max(cells, key=lambda cell: cell.units)
    if long.units <= short.units or long.seconds <= short.seconds:
        return None
    return (long.units - short.units) / (long.seconds - short.seconds)


async def _streams(engine: Any, works: Sequence[Work]) -> list[Result]:
    async def whole(work: Work) -> Result:
        async with aclosing(engine.stream(work)) as results:
            found = [result async for result in results]
        if not found:
            raise EngineFailed(f"{engine.name} gave no result for what it is measured with")
        return _joined(found)

    return await asyncio.gather(*map(whole, works))


def _joined(pieces: Sequence[Result]) -> Result:
    """Speech in one piece; of other results the first is all there is."""
    spoken = [piece for piece in pieces if isinstance(piece, Speech)]
    return Speech(b"".join(piece.audio for piece in spoken), spoken[0].phones) if spoken else pieces[0]


async def _told(engine: Any, work: ThinkWork) -> Told:
    told = Told(time.perf_counter())
    async with aclosing(engine.stream(work)) as results:
        async for result in results:
            if isinstance(result, TextDelta):
                told.moments.append(time.perf_counter())
            elif isinstance(result, Usage):
                told.usage = result
    return told

"""Many callers at once in closed loops: each asks, hears the answer out, and asks again."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from bench.client import Caller
from bench.questions import FRAME, Utterance
from bench.record import Record, Turn
from bench.server import Server
from polytalk.types import Seconds

THINK: Seconds = 0.5
"""A person's pause between hearing an answer and speaking, on average."""


@dataclass
class Call:
    """One caller's conversation."""

    record: Record
    began: Seconds
    ended: Seconds = 0.0
    """When the last answer was heard out and the pause after it was over."""
    turns: list[Turn] = field(default_factory=list)
    """Those that were heard out."""
    failed: list[Turn] = field(default_factory=list)
    """Those without an answer."""
    late: list[Seconds] = field(default_factory=list)
    """How late each of the caller's frames was sent."""


@dataclass
class Talk:
    """What a crowd did."""

    wall: Seconds
    cpu: Seconds
    """CPU seconds of the server."""
    calls: list[Call]

    @property
    def turns(self) -> list[Turn]:
        """All turns that were heard out."""
        return [turn for call in self.calls for turn in call.turns]

    @property
    def failed(self) -> list[Turn]:
        """All turns that were not answered."""
        return [turn for call in self.calls for turn in call.failed]

    def complaints(self) -> list[str]:
        """What went wrong, at most a few of each kind."""
        errors = [error for call in self.calls for error in call.record.errors]
        return [f"failed: {turn.fate}" for turn in self.failed[:3]] + [f"error: {error}" for error in errors[:3]]

    @property
    def microphone(self) -> Seconds:
        """Seconds of microphone sent, of all callers."""
        return sum(len(call.late) for call in self.calls) * FRAME

    @property
    def rate(self) -> float:
        """Turns a second: each caller's own, up to the last turn it finished, so that one cut off counts nowhere."""
        return sum(len(call.turns) / (call.ended - call.began) for call in self.calls if call.turns)


async def converse(
    server: Server,
    questions: Sequence[Sequence[Utterance]],
    *,
    stagger: Seconds,
    seconds: Seconds = 600.0,
    turns: int = 1_000_000,
    caller: Callable[[int], Caller] | None = None,
    calls: list[Call] | None = None,
) -> Talk:
    """One caller for each row of `questions`, who asks them in turn until `seconds` or `turns` are over.

    The first begins at once, the last after `stagger`; `caller` makes the caller of a row. `calls` are appended to,
    for who cancels it.
    """
    make = caller or (lambda _: Caller(server.url))
    began = time.monotonic()
    cpu = server.cpu_seconds()
    calls = [] if calls is None else calls

    async def call(index: int) -> None:
        await asyncio.sleep(stagger * index / len(questions))
        async with make(index) as one:
            mine = Call(one.record, time.monotonic())
            calls.append(mine)
            await _converse(one, mine, questions[index], began + seconds, turns, index)
            mine.late = one.microphone.late

    async with asyncio.TaskGroup() as group:
        for index in range(len(questions)):
            group.create_task(call(index))
    return Talk(time.monotonic() - began, server.cpu_seconds() - cpu, calls)


async def _converse(
    caller: Caller, call: Call, questions: Sequence[Utterance], until: Seconds, turns: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    loop = asyncio.get_running_loop()
    limit = asyncio.timeout_at(loop.time() + until - time.monotonic())
    try:
        async with limit:
            for count in range(turns):
                turn = await caller.ask(questions[count % len(questions)])
                if await caller.answered(turn):
                    await caller.hear_out(turn)
                    call.turns.append(turn)
                else:
                    call.failed.append(turn)
                await asyncio.sleep(THINK * random.uniform(0.5, 1.5))
                call.ended = time.monotonic()
    except TimeoutError:
        if not limit.expired():
            raise

"""Scripted turns on the live workers, whose engines sleep: what `sim.turns` says that turns do, in real time.

Words come at a constant rate once the question is transcribed. Two sentences are synthesised ahead, none far ahead of
playback, and each has its mouth made, one after the other.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.scheduler.contender import Ask
from bench.scheduler.load import serving
from bench.scheduler.ours import Ours
from polytalk.schedule.playout import Playout
from polytalk.sim.gate import FIRST_AUDIO
from polytalk.sim.script import Shape
from polytalk.sim.turns import SENTENCES_AHEAD
from polytalk.types import Seconds

ENDPOINTING: Seconds = 0.3
TOKEN: Seconds = 0.01
"""Of the LLM, which is played by the clock. Were all words there at once, two sentences would share a batch here, and
the first would wait for the second; in the simulator the first begins the moment it is there."""


@dataclass
class Heard:
    """What one user heard."""

    at: Seconds
    """The end of the question, from the beginning of the run."""
    ttfa: Seconds = float("inf")
    playout: Playout = field(default_factory=Playout)


@dataclass
class _Turn:
    ours: Ours
    shape: Shape
    session: str
    expected: Seconds
    max_lead: Seconds
    playout: Playout
    made: Seconds = 0.0
    collected: int = 0
    spoken: list["asyncio.Task[None]"] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> None:
        """Ends when all was sent."""
        await self._ask("listen", 1.0)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._release())
            for index, length in enumerate(self.shape.sentences):
                while len(self.spoken) <= index:
                    await self._change()
                await self.spoken[index]
                moving = self._ask("item", length)
                self.made += length
                await moving
                self.playout.send(length, time.monotonic())
                self.collected += 1
                self.changed.set()

    async def _release(self) -> None:
        thinks_since = time.monotonic()
        for index, (length, tokens) in enumerate(zip(self.shape.sentences, self.shape.token_ends, strict=True)):
            await asyncio.sleep(max(0.0, thinks_since + tokens * TOKEN - time.monotonic()))
            while index - self.collected >= SENTENCES_AHEAD:
                await self._change()
            while (ahead := self.made - self.playout.heard(time.monotonic()) - self.max_lead) > 0:
                await asyncio.sleep(max(0.02, ahead))
            self.spoken.append(self._ask("speak", length))
            self.changed.set()

    async def _change(self) -> None:
        self.changed.clear()
        await self.changed.wait()

    def _ask(self, stage: str, units: float) -> "asyncio.Task[None]":
        begins = self.expected if self.playout.started is None else self.playout.started
        return asyncio.ensure_future(self.ours.ask(Ask(stage, units, begins + self.made, self.session)))


async def live(ours: Ours, asked: Sequence[tuple[Seconds, Shape]], max_lead: Seconds) -> tuple[list[Heard], Seconds]:
    """Questions that end at their moments; what was heard, and the moment of the clock at which it began."""
    async with serving(ours):
        began = time.monotonic()

        async def turn(number: int, at: Seconds, shape: Shape) -> Heard:
            heard = Heard(at)
            await asyncio.sleep(max(0.0, began + at + ENDPOINTING - time.monotonic()))
            expected = time.monotonic() + FIRST_AUDIO
            await _Turn(ours, shape, f"session-{number}", expected, max_lead, heard.playout).answer()
            first = heard.playout.started
            assert first is not None
            heard.ttfa = first - heard.playout.waited - (began + at)
            return heard

        turns = await asyncio.gather(*(turn(number, *one) for number, one in enumerate(asked)))
    return list(turns), began

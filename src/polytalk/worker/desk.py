"""A worker's desk: the jobs at hand in the policy's order, and how answers leave."""

import asyncio
from collections.abc import Callable

from polytalk.broker.base import Broker, OnCancel
from polytalk.clock import Clock
from polytalk.schedule.cost import Cost
from polytalk.schedule.order import ReadyQueue
from polytalk.schedule.runs import Pressure
from polytalk.schedule.window import Arrivals
from polytalk.types import Chunk, Generation, Job, Result, Seconds, Stage

PREFETCH = 1_024
"""Jobs a worker takes from the broker ahead of running them: what its policy can choose among. Those beyond wait by
arrival, whoever they are; so it is more than the settings let wait."""


class Desk:
    """What both loops share: the jobs at hand in the policy's order, and how answers leave."""

    def __init__(self, stage: Stage, name: str, broker: Broker, clock: Clock, queue: ReadyQueue) -> None:
        self.stage = stage
        self.name = name
        self.broker = broker
        self.clock = clock
        self.queue = queue
        self.cost = Cost()
        self.arrivals = Arrivals()
        self.changed = asyncio.Event()
        self.done = 0
        self.computed: Seconds = 0.0
        self.queued: Seconds = 0.0
        self._dead: list[Job] = []
        self.wasted: Seconds = 0.0
        """Compute-seconds of guesses that were dropped."""
        self._guessed: dict[str, Seconds] = {}
        """Sessions with an open guess -> what it took so far."""

    def listen(self, on_cancel: OnCancel) -> Callable[[], None]:
        """Be told of cancels and adoptions; returns the function that ends it."""
        stops = [self.broker.on_cancel(on_cancel), self.broker.on_adopt(self.on_adopt)]

        def stop() -> None:
            for each in stops:
                each()

        return stop

    async def receive(self) -> None:
        """Take jobs from the broker for as long as the worker runs."""
        while True:
            room = PREFETCH - len(self.queue)
            if room <= 0:
                self.changed.clear()
                await self.changed.wait()
                continue
            for job in await self.broker.receive(self.stage, self.name, room):
                self.arrivals.note(self.clock.now())
                if self.broker.alive(job):  # it may have died on its way
                    self.queue.push(job)
                    if job.speculative:
                        self._guessed.setdefault(job.session, 0.0)
                else:
                    self._dead.append(job)
            self.changed.set()

    async def some(self) -> None:
        """Wait until there is a job."""
        while True:
            while self._dead:
                await self.broker.done(self._dead.pop())
            if self.queue:
                return
            self.changed.clear()
            await self.changed.wait()

    async def some_vip(self) -> None:
        """Wait until there is a vip's job."""
        while self.queue.vip() is None:
            self.changed.clear()
            await self.changed.wait()

    def on_cancel(self, session: str, generation: Generation) -> None:
        """Cancelled jobs are dropped unrun. At once: the broker forgets a session that is over, `alive` with it."""
        for job in [job for job in self.queue if job.session == session and job.generation < generation]:
            self.queue.remove(job)
            self._dead.append(job)
        self.wasted += self._guessed.pop(session, 0.0)
        self.changed.set()

    def on_adopt(self, session: str) -> None:
        """A guess was right: its jobs are urgent, and what it took was not wasted."""
        self.queue.adopt(session)
        self._guessed.pop(session, None)
        self.changed.set()

    def note_guess(self, job: Job, computed: Seconds) -> None:
        """What a speculative job took is wasted if its guess is dropped, or was meanwhile."""
        if not job.speculative:
            return
        if not self.broker.alive(job):
            self.wasted += computed
        elif job.session in self._guessed:
            self._guessed[job.session] += computed

    def pressure(self, slots: int) -> Pressure:
        """How busy the engine is; the slope is in its own unit."""
        slope, overhead = self.cost.line()
        return Pressure(len(self.queue), self.arrivals.gap(self.clock.now()), slope, overhead, slots)

    def account(self, *, queued: Seconds, computed: Seconds) -> None:
        """A job is done that waited and computed so long."""
        self.done += 1
        self.queued += queued
        self.computed += computed

    async def answer(
        self, job: Job, sequence: int, result: Result | None, *, final: bool, queued: Seconds, computed: Seconds
    ) -> None:
        """Send one piece of a job's result."""
        await self.broker.reply(
            Chunk(
                job=job.id,
                session=job.session,
                generation=job.generation,
                sequence=sequence,
                result=result,
                final=final,
                reply_to=job.reply_to,
                queued=queued,
                computed=computed,
            )
        )

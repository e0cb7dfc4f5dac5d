"""The dialogue's end of the broker: jobs go out, their chunks come back to whoever asked."""

import asyncio
from collections import deque

from polytalk.broker.base import Broker
from polytalk.clock import Clock
from polytalk.dialogue.capacity.payer import HOUSE, UNMETERED, Bill, Payer, Tab
from polytalk.dialogue.ids import new_id
from polytalk.errors import Cancelled, EngineFailed, WorkerLost, by_code
from polytalk.types import Chunk, Failure, Generation, Job, Result, Seconds, Stage, Work

MAX_WAITING = 8_192
"""Chunks of one job that may wait for their reader; more than any engine's longest answer."""
SILENCE: Seconds = 60.0
"""A worker that says nothing for so long is taken for lost."""


class Replies:
    """The results of one job, in order, each once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._chunks: deque[Chunk | None] = deque()
        self._wanted: asyncio.Future[None] | None = None
        """Whom the next chunk wakes."""
        self._next = 0
        self._ended = False
        self.bill: Bill | None = None
        """Whom to tell what the results cost."""
        self.queued: Seconds = 0.0
        self.computed: Seconds = 0.0

    @property
    def stage(self) -> Stage:
        """The job's."""
        return self.job.stage

    def put(self, chunk: Chunk | None) -> None:
        """Hand over a chunk; None says that the job was cancelled."""
        if len(self._chunks) >= MAX_WAITING:
            self._chunks.popleft()
            chunk = None  # an engine gone wild: end the job rather than grow
        self._chunks.append(chunk)
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    def __aiter__(self) -> "Replies":
        return self

    async def __anext__(self) -> Result:
        """Raises Cancelled, WorkerLost, or the error that the engine gave."""
        while not self._ended:
            if not self._chunks:  # behind a fast engine there mostly are some
                await self._wait()
            chunk = self._chunks.popleft()
            if chunk is None:
                raise Cancelled("the turn was interrupted")
            if chunk.sequence < self._next:
                continue  # delivered again after a redelivery
            self._next = chunk.sequence + 1
            self.queued, self.computed = chunk.queued, chunk.computed
            if isinstance(chunk.result, Failure):
                raise by_code(chunk.result.code, chunk.result.message)
            self._ended = chunk.final
            if chunk.result is not None:
                if self.bill is not None:
                    self.bill.add(chunk.result)
                return chunk.result
        raise StopAsyncIteration

    async def only(self) -> Result:
        """The single result of a job that has one. Raises as iterating does, and EngineFailed for none."""
        async for result in self:
            return result
        raise EngineFailed(f"{self.job.stage}/{self.job.engine} gave no result")

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._wanted = loop.create_future()
        patience = loop.call_later(SILENCE, self._give_up, self._wanted)
        try:
            await self._wanted
        finally:
            patience.cancel()

    def _give_up(self, wanted: asyncio.Future[None]) -> None:
        if not wanted.done():
            silent = f"no word from {self.job.stage}/{self.job.engine} for {SILENCE:.0f} s"
            wanted.set_exception(WorkerLost(silent))


class Dispatcher:
    """One a process: routes chunks to open jobs, and ends jobs whose generation is over."""

    def __init__(self, broker: Broker, clock: Clock) -> None:
        self.broker = broker
        self.clock = clock
        self.name = new_id("dialogue")
        self._open: dict[str, Replies] = {}

    async def run(self) -> None:
        """Serve until cancelled."""
        while True:
            for chunk in await self.broker.chunks(self.name):
                replies = self._open.get(chunk.job)
                if replies is not None:
                    replies.put(chunk)
                    if chunk.final:
                        del self._open[chunk.job]

    async def submit(self, job: Job) -> Replies:
        """Publish a job. Raises Shed, and Cancelled for a job that is dead already."""
        if not self.broker.alive(job):
            raise Cancelled("the turn was interrupted")
        replies = self._open[job.id] = Replies(job)
        try:
            await self.broker.publish(job)
        except BaseException:
            self._open.pop(job.id, None)
            raise
        return replies

    async def cancel(self, session: str, generation: Generation) -> None:
        """End the session's jobs older than `generation`, here and at the workers."""
        self._end(session, generation)
        await self.broker.cancel(session, generation)

    async def adopt(self, session: str) -> None:
        """The session's speculative jobs are wanted now."""
        await self.broker.adopt(session)

    async def forget(self, session: str) -> None:
        """The session is over."""
        self._end(session, None)
        await self.broker.forget(session)

    def _end(self, session: str, generation: Generation | None) -> None:
        for job_id, replies in list(self._open.items()):
            job = replies.job
            if job.session == session and (generation is None or job.generation < generation):
                del self._open[job_id]
                replies.put(None)


class Scope:
    """What every job of one turn is stamped with."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        session: str,
        generation: Generation,
        payer: Payer = HOUSE,
        *,
        speculative: bool = False,
    ) -> None:
        """`speculative`: of a guess, which nobody pays for until `adopt`."""
        self._dispatcher = dispatcher
        self.session = session
        self.generation = generation
        self.turn = new_id("turn")
        self.clock = dispatcher.clock
        self.payer = payer
        self.speculative = speculative
        self._tab = Tab(payer.meter) if speculative else None
        self._shared: list[Scope] = []

    def shared(self) -> "Scope":
        """For work that others may wait for too: interrupting this turn does not end it, `forget` does."""
        scope = Scope(self._dispatcher, new_id("shared"), 0, self.payer, speculative=self.speculative)
        scope.turn = self.turn
        if self.speculative:
            self._shared.append(scope)
        return scope

    async def adopt(self) -> None:
        """The guess was right: jobs under way and to come count as any others."""
        if self.speculative:
            self.speculative = False
            if self._tab is not None:
                self._tab.settle()
            await self._dispatcher.adopt(self.session)
            for scope in self._shared:
                await scope.adopt()
            self._shared.clear()

    async def drop(self) -> None:
        """The guess was wrong: what it had made under other names ends with it."""
        for scope in self._shared:
            await scope.forget()
        self._shared.clear()

    async def forget(self) -> None:
        """End all jobs of the session."""
        await self._dispatcher.forget(self.session)

    async def ask(self, stage: Stage, engine: str, work: Work, deadline: Seconds) -> Replies:
        """Submit a job of this turn. Raises Shed."""
        replies = await self._dispatcher.submit(
            Job(
                id=new_id("job"),
                stage=stage,
                engine=engine,
                session=self.session,
                generation=self.generation,
                turn=self.turn,
                work=work,
                created=self.clock.now(),
                deadline=deadline,
                reply_to=self._dispatcher.name,
                tenant=self.payer.tenant,
                tier=self.payer.tier,
                speculative=self.speculative,
            )
        )
        if self.payer.meter is not UNMETERED:
            replies.bill = Bill(work, self._tab or self.payer.meter)
        return replies

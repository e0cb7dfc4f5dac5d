"""The broker of one process: deques on one event loop."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable

from msgspec import structs

from polytalk.broker.base import OnAdopt, OnCancel
from polytalk.errors import Shed
from polytalk.types import Chunk, Generation, Job, Stage

OVER = 1 << 62
"""The generation of a session that has ended: nothing of it is alive."""


class _Letters:
    """What waits for one reader."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.chunks: list[Chunk] = []
        self.came, self.room = asyncio.Event(), asyncio.Event()

    def take(self) -> list[Chunk]:
        """All of it; who waited for room may go on, and looks again."""
        chunks, self.chunks = self.chunks, []
        self.came.clear()
        self.room.set()
        self.room.clear()
        return chunks


class MemoryBroker:
    """Nothing is lost but with the process, so a job is handed out once and `done` has nothing to do."""

    def __init__(self, max_queue: int = 1_000, max_replies: int = 10_000) -> None:
        self._max_queue = max_queue
        self._queues: dict[tuple[Stage, str], deque[Job]] = defaultdict(deque)
        self._arrived: dict[tuple[Stage, str], asyncio.Event] = defaultdict(asyncio.Event)
        self._replies: dict[str, _Letters] = defaultdict(lambda: _Letters(max_replies))
        self._generations: dict[str, Generation] = {}
        self._callbacks: list[OnCancel] = []
        self._adopters: list[OnAdopt] = []

    async def publish(self, job: Job) -> None:
        """See Broker."""
        if not self.alive(job):
            return
        key = (job.stage, job.engine)
        if len(self._queues[key]) >= self._max_queue:
            raise Shed(f"{self._max_queue} jobs are waiting for {job.stage}/{job.engine}", retry_after=5.0)
        self._queues[key].append(job)
        self._arrived[key].set()

    async def receive(self, stage: Stage, engine: str, limit: int) -> list[Job]:
        """See Broker."""
        key = (stage, engine)
        queue, arrived = self._queues[key], self._arrived[key]
        while not queue:
            arrived.clear()
            await arrived.wait()
        return [queue.popleft() for _ in range(min(limit, len(queue)))]

    async def reply(self, chunk: Chunk) -> None:
        """See Broker. Waits when the reader is behind, which holds back the worker, not memory."""
        if not self.alive(chunk):
            return
        letters = self._replies[chunk.reply_to]
        while len(letters.chunks) >= letters.most:
            await letters.room.wait()
        letters.chunks.append(chunk)
        letters.came.set()

    async def done(self, job: Job) -> None:
        """See Broker."""

    async def chunks(self, reply_to: str) -> list[Chunk]:
        """See Broker."""
        letters = self._replies[reply_to]
        while True:
            await letters.came.wait()
            if chunks := [chunk for chunk in letters.take() if self.alive(chunk)]:  # some may have died in the queue
                return chunks

    async def cancel(self, session: str, generation: Generation) -> None:
        """See Broker."""
        self._generations[session] = max(generation, self._generations.get(session, 0))
        self._sweep(session, generation)

    async def adopt(self, session: str) -> None:
        """See Broker."""
        for queue in self._queues.values():
            for index, job in enumerate(queue):
                if job.session == session and job.speculative:
                    queue[index] = structs.replace(job, speculative=False)
        for callback in list(self._adopters):
            callback(session)

    def alive(self, work: Job | Chunk) -> bool:
        """See Broker."""
        return work.generation >= self._generations.get(work.session, 0)

    async def forget(self, session: str) -> None:
        """See Broker."""
        self._sweep(session, OVER)
        self._generations.pop(session, None)

    def on_cancel(self, callback: OnCancel) -> Callable[[], None]:
        """See Broker."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def on_adopt(self, callback: OnAdopt) -> Callable[[], None]:
        """See Broker."""
        self._adopters.append(callback)
        return lambda: self._adopters.remove(callback)

    def backlog(self, stage: Stage, engine: str) -> int:
        """See Broker."""
        return len(self._queues[stage, engine])

    def _sweep(self, session: str, generation: Generation) -> None:
        for key, queue in self._queues.items():
            if any(_dead(job, session, generation) for job in queue):
                kept = [job for job in queue if not _dead(job, session, generation)]
                queue.clear()  # in place: a receiver holds this very deque
                queue.extend(kept)
                if not kept:
                    self._arrived[key].clear()
        for callback in list(self._callbacks):
            callback(session, generation)


def _dead(job: Job, session: str, generation: Generation) -> bool:
    return job.session == session and job.generation < generation

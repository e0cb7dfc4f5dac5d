"""What anybody would write in an afternoon. If the scheduler does not beat these, it is not worth its lines.

greedy   a queue for every stage; whoever gets a slot takes what is there, up to the batch's limit, and runs it
fifo     one queue for all stages with a bound: the oldest goes next, with those of its stage that wait; full is full
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence

from bench.peers import model
from bench.scheduler.contender import Ask, Batch, Log, Machine
from polytalk.errors import Shed

Waiting = tuple[Ask, asyncio.Future[None]]


class _Slots:
    """Runs batches on threads, a few at once."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.log = Log()
        self.free = asyncio.Semaphore(machine.slots)

    async def compute(self, batch: Sequence[Waiting]) -> None:
        """On the caller's slot, which is free afterwards."""
        began = time.monotonic()
        await asyncio.to_thread(model.compute, [(ask.stage, ask.units) for ask, _ in batch])
        self.free.release()
        self.log.batches.append(Batch(began, time.monotonic(), [ask for ask, _ in batch]))
        for _, done in batch:
            if not done.done():
                done.set_result(None)


class Greedy(_Slots):
    """The batcher of thirty lines."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self._queues: dict[str, asyncio.Queue[Waiting]] = {stage: asyncio.Queue() for stage in machine.stages}

    async def ask(self, ask: Ask) -> None:
        """Never refuses."""
        done = asyncio.get_running_loop().create_future()
        self._queues[ask.stage].put_nowait((ask, done))
        await done

    async def run(self) -> None:
        """One loop for every stage."""
        async with asyncio.TaskGroup() as group:
            for queue in self._queues.values():
                group.create_task(self._serve(queue, group))

    async def _serve(self, queue: "asyncio.Queue[Waiting]", group: asyncio.TaskGroup) -> None:
        while True:
            batch = [await queue.get()]
            await self.free.acquire()
            while len(batch) < self.machine.max_batch and not queue.empty():
                batch.append(queue.get_nowait())
            group.create_task(self.compute(batch))


class BoundedFifo(_Slots):
    """Strictly by arrival; refuses when `limit` wait."""

    def __init__(self, machine: Machine, limit: int) -> None:
        super().__init__(machine)
        self._limit = limit
        self._queue: deque[Waiting] = deque()
        self._arrived = asyncio.Event()

    async def ask(self, ask: Ask) -> None:
        """Raises Shed when the queue is full."""
        if len(self._queue) >= self._limit:
            raise Shed(f"{self._limit} wait", retry_after=1.0)
        done = asyncio.get_running_loop().create_future()
        self._queue.append((ask, done))
        self._arrived.set()
        await done

    async def run(self) -> None:
        """One loop."""
        async with asyncio.TaskGroup() as group:
            while True:
                await self.free.acquire()
                while not self._queue:
                    self._arrived.clear()
                    await self._arrived.wait()
                stage = self._queue[0][0].stage
                batch = [one for one in self._queue if one[0].stage == stage][: self.machine.max_batch]
                self._queue = deque(one for one in self._queue if one not in batch)
                group.create_task(self.compute(batch))

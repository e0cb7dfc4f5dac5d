"""Polytalk's own: dispatcher, broker, pool, worker loops and policy as the server runs them, on sleeping engines."""

import asyncio
import time
from collections.abc import Sequence

from bench.peers import model
from bench.scheduler.contender import Ask, Batch, Log, Machine
from polytalk.broker.memory import MemoryBroker
from polytalk.clock import RealClock
from polytalk.dialogue.dispatch import Dispatcher, Replies
from polytalk.dialogue.ids import new_id
from polytalk.schedule.bank import Account, Bank
from polytalk.schedule.window import Hold, Release
from polytalk.types import Job, MouthFrames, Seconds, SpeakWork, Stage
from polytalk.worker.group import WorkerGroup
from polytalk.worker.loop import BatchWorker
from polytalk.worker.pool import Pool

STAGES = {"item": Stage.MOUTH, "listen": Stage.LISTEN, "think": Stage.THINK, "speak": Stage.SPEAK}
FAR = 3600.0
"""Seconds ahead that stand for no deadline: policy reckons with finite ones."""


class SleepEngine:
    """`BatchEngine[SpeakWork, MouthFrames]` of one stage. A work carries its ask as text, its units as speed."""

    def __init__(self, stage: str, max_batch: int, log: Log) -> None:
        self.name = stage
        self.max_batch = max_batch
        self.asks: dict[str, Ask] = {}
        """Job -> what was asked, for the log."""
        self._log = log

    def load(self) -> None:
        """Nothing to read."""

    def close(self) -> None:
        """Nothing to give back."""

    def probe(self) -> SpeakWork:
        """One unit."""
        return SpeakWork("", "")

    def units(self, work: SpeakWork) -> float:
        """As asked."""
        return work.speed

    def run(self, batch: Sequence[SpeakWork]) -> Sequence[MouthFrames]:
        """Sleep."""
        began = time.monotonic()
        model.compute([(self.name, work.speed) for work in batch])
        asks = [self.asks.pop(work.text) for work in batch if work.text in self.asks]
        self._log.batches.append(Batch(began, time.monotonic(), asks))
        return [MouthFrames(b"")] * len(batch)


class Ours:
    """One process of the server without its gateway and its dialogue."""

    def __init__(self, machine: Machine, accounts: Sequence[Account] = (), vip_slots: int = 0) -> None:
        """Of the machine's slots `vip_slots` are kept for vips."""
        self.log = Log()
        self.clock = RealClock()
        self.bank = Bank(machine.slots, self.clock.now())
        for account in accounts:
            self.bank.open(account)
        self.broker = MemoryBroker(10_000)
        self.pool = Pool(machine.slots - vip_slots)
        vip_pool = Pool(vip_slots) if vip_slots else None
        self.dispatcher = Dispatcher(self.broker, self.clock)
        self.engines = {stage: SleepEngine(stage, machine.max_batch, self.log) for stage in machine.stages}
        engines = [(STAGES[name], engine) for name, engine in self.engines.items()]
        self.workers = WorkerGroup(engines, self.broker, self.pool, self.clock, self.bank, vip_pool)

    async def run(self) -> None:
        """Serve until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.workers.run())
            group.create_task(self.dispatcher.run())

    async def ask(self, ask: Ask) -> None:
        """Raises Shed when the broker's queue is full."""
        await self.submit(ask)

    async def submit(self, ask: Ask) -> Replies:
        """The same; tells what the job went through."""
        now = self.clock.now()
        job_id = new_id("job")
        job = Job(
            id=job_id,
            stage=STAGES[ask.stage],
            engine=ask.stage,
            session=ask.session,
            generation=0,
            turn=ask.session,
            work=SpeakWork(job_id, "", speed=ask.units),
            created=now,
            deadline=min(ask.due, now + FAR),
            reply_to=self.dispatcher.name,
            tenant=ask.tenant,
            tier=ask.tier,
        )
        self.engines[ask.stage].asks[job.id] = ask
        replies = await self.dispatcher.submit(job)
        await replies.only()
        return replies

    def fix_window(self, window: Seconds) -> None:
        """Let every batch wait until its oldest job is so old, whatever the arrivals are."""

        def decide(now: Seconds, *, oldest: Seconds, size: int, max_size: int, **_: float) -> Hold:
            if size >= max_size:
                return Hold(None, Release.FULL)
            until = oldest + window
            return Hold(until, None) if until > now else Hold(None, Release.NO_GAIN)

        for worker in self.workers._workers:
            if isinstance(worker, BatchWorker):
                worker.window = decide

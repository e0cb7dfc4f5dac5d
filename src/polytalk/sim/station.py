"""A stage's engines: slots of a pool, a desk before them, and a clock that says when a batch is done."""

import random
from collections.abc import Callable
from itertools import cycle
from typing import TypeAlias

from polytalk.sim.costs import StageCost
from polytalk.sim.desk import Desk
from polytalk.sim.events import Loop
from polytalk.sim.task import Task
from polytalk.types import Seconds

OnDone: TypeAlias = Callable[[Task], None]
OnStart: TypeAlias = Callable[[list[Task], Seconds], None]


class Noise:
    """How much runs of one batch differ: factors around 1, drawn before the simulation begins."""

    def __init__(self, spread: float, seed: int) -> None:
        """`spread` is the standard deviation of the logarithm."""
        chance = random.Random(seed)
        factors = [chance.lognormvariate(-spread * spread / 2, spread) for _ in range(1024)]
        self.draw: Callable[[], float] = cycle(factors).__next__
        """Gives the next factor."""


class Pool:
    """Slots that several stations may share; the most urgent of those that wait gets the next."""

    def __init__(self, name: str, slots: int) -> None:
        self.name = name
        self.slots = slots
        self.free = slots
        self.busy: Seconds = 0.0
        """Slot-seconds used."""
        self.stations: list[Station] = []

    def offer(self, now: Seconds) -> None:
        """Fill the free slots."""
        if len(self.stations) == 1:
            station = self.stations[0]
            waiting = station.desk.waiting
            while self.free and waiting and now >= station.held_until:
                station.serve(now)
            return
        while self.free:
            wanting = [station for station in self.stations if station.ready(now)]
            if not wanting:
                return
            most = wanting[0] if len(wanting) == 1 else min(wanting, key=lambda station: station.desk.earliest())
            most.serve(now)


class Station:
    """Runs batches of one stage on its pool."""

    def __init__(self, loop: Loop, pool: Pool, cost: StageCost, desk: Desk, noise: Noise, done: OnDone) -> None:
        self.loop = loop
        self.pool = pool
        self.cost = cost
        self.desk = desk
        self.started: OnStart | None = None
        """Told what begins."""
        self.ended: OnStart = lambda batch, took: None
        """Told what a batch cost."""
        self.created = self.finished = self.cancelled = 0
        self.batches = 0
        self.busy: Seconds = 0.0
        self._noise = noise
        self._done = done
        self._ratios = cost.ratios()
        self.held_until: Seconds = 0.0
        self._on_ran = self._ran
        self._on_wake = self._wake
        pool.stations.append(self)

    def submit(self, task: Task) -> None:
        """A job came."""
        self.created += 1
        now = self.loop.time
        if self.pool.free and not self.desk.waiting:
            until = self.desk.lone(task, now)
            if until is None:
                self._start([task], now)
            else:
                self._wait(until)
            return
        self.desk.push(task)
        if self.held_until:
            until = self.desk.again(task, now, self.held_until)
            if until is None:
                self.held_until = 0.0
            elif until != self.held_until:
                self._wait(until)
        if self.pool.free:
            self.pool.offer(now)

    def cancel(self, task: Task) -> bool:
        """Drop a job unrun; False when it runs already: a batch is never stopped."""
        dropped = self.desk.discard(task)
        self.cancelled += dropped
        return dropped

    def ready(self, now: Seconds) -> bool:
        """Whether there is something to run, or to decide."""
        return now >= self.held_until and bool(self.desk.waiting)

    def serve(self, now: Seconds) -> None:
        """Start a batch on a free slot, or wait for one more job."""
        batch, until = self.desk.take(now)
        if until is None:
            self._start(batch, now)
        else:
            self._wait(until)

    def _wait(self, until: Seconds) -> None:
        self.held_until = until
        self.loop.at(until, self._on_wake, until)

    def _start(self, batch: list[Task], now: Seconds) -> None:
        pool, cost = self.pool, self.cost
        pool.free -= 1
        units = batch[0].units if len(batch) == 1 else sum([task.units for task in batch])
        took = (cost.slope * units + cost.overhead) * self._ratios[len(batch)] * self._noise.draw()
        pool.busy += took
        self.busy += took
        self.batches += 1
        if self.started is not None:
            self.started(batch, now)
        self.loop.at(now + took, self._on_ran, (batch, took))

    def _ran(self, ended: tuple[list[Task], Seconds]) -> None:
        batch, took = ended
        now = self.loop.time
        self.desk.ran(batch, took, now)
        self.finished += len(batch)
        self.ended(batch, took)
        done = self._done
        for task in batch:
            done(task)
        self.pool.free += 1
        self.pool.offer(now)

    def _wake(self, until: Seconds) -> None:
        if self.held_until == until:
            self.held_until = 0.0
            self.pool.offer(self.loop.time)

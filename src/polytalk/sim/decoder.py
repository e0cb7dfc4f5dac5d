"""An LLM with continuous batching: every sequence gains one token a step, and a step is longer with more of them.

The step takes slope * n + overhead (times a ratio per n). Reading a prompt stops the others, as without chunked
prefill. So the work of an engine is one number, steps made, and only ends of sentences are events.
"""

import heapq
from collections.abc import Callable
from typing import TypeAlias

from polytalk.sim.costs import StageCost
from polytalk.sim.desk import Desk
from polytalk.sim.events import Loop
from polytalk.sim.station import Noise
from polytalk.sim.task import Task
from polytalk.types import Seconds

OnText: TypeAlias = Callable[[Task, int, bool], None]
"""(task, sentence, whether it was the last)."""

TOUCH = 1e-6
"""Steps that count as none: moments are floats."""


class _Sequence:
    __slots__ = ("alive", "ends", "sentence", "slot", "started", "task")

    def __init__(self, task: Task, ends: tuple[int, ...], slot: "_Engine", started: Seconds) -> None:
        self.task = task
        self.ends = ends
        self.slot = slot
        self.started = started
        self.sentence = 0
        self.alive = True


class _Engine:
    """One worker's sequences."""

    __slots__ = ("active", "armed", "busy", "ends", "filled", "ready", "seconds", "steps")

    def __init__(self, seconds: list[Seconds]) -> None:
        self.seconds = seconds
        """Index n: of a step with n sequences."""
        self.active = 0
        self.steps = 0.0
        self.ready: Seconds = 0.0
        """Until when `steps` is reckoned, or a prompt is read."""
        self.busy: Seconds = 0.0
        """Spent on reading prompts."""
        self.filled: Seconds = 0.0
        """Sequence-seconds of decoding."""
        self.ends: list[tuple[float, int, _Sequence]] = []
        self.armed: Seconds = float("inf")

    def advance(self, now: Seconds) -> None:
        """Make the steps up to now."""
        if now > self.ready:
            if self.active:
                self.steps += (now - self.ready) / self.seconds[self.active]
                self.filled += (now - self.ready) * self.active
            self.ready = now


class Decoder:
    """The think stage: as many engines as its pool has slots, each with `max_batch` sequences."""

    def __init__(
        self,
        loop: Loop,
        cost: StageCost,
        workers: int,
        desk: Desk,
        noise: Noise,
        text: OnText,
        done: Callable[[Task, Seconds], None],
    ) -> None:
        self.loop = loop
        self.desk = desk
        self.slots = workers * cost.max_batch
        self.created = self.finished = self.cancelled = 0
        self.started: Callable[[list[Task], Seconds], None] = lambda batch, now: None
        self._cost = cost
        self._text = text
        self._done = done
        self._noise = noise
        self._made = 0
        self._running: dict[str, _Sequence] = {}
        step = [(cost.slope * n + cost.overhead) * ratio for n, ratio in enumerate(cost.ratios())]
        self._engines = [_Engine(step) for _ in range(workers)]
        self._on_due = self._due

    @property
    def busy(self) -> Seconds:
        """Engine-seconds: reading, and decoding as the share of the places that was taken.

        A step is made for one sequence as for many, so that the time of decoding alone would look full at once.
        """
        return sum(engine.busy + engine.filled / self._cost.max_batch for engine in self._engines)

    def submit(self, task: Task) -> None:
        """A job came; its call has the shape of the answer."""
        self.created += 1
        now = self.loop.time
        if len(self._running) < self.slots and not self.desk.waiting and self.desk.lone(task, now) is None:
            self.started([task], now)
            self._start(task, now)
            return
        self.desk.push(task)
        self._serve()

    def cancel(self, task: Task) -> bool:
        """Drop it unrun, or stop its sequence at this token."""
        if not self.desk.discard(task):
            sequence = self._running.pop(task.id, None)
            if sequence is None:
                return False
            self._stop(sequence)
            self.desk.stopped(task, self.loop.time - sequence.started, self.loop.time)
            self._arm(sequence.slot)
            self._serve()
        self.cancelled += 1
        return True

    def _serve(self) -> None:
        now = self.loop.time
        while self.desk.waiting and len(self._running) < self.slots:
            batch, _ = self.desk.take(now)
            self.started(batch, now)
            self._start(batch[0], now)

    def _start(self, task: Task, now: Seconds) -> None:
        engine = self._engines[0]
        if len(self._engines) > 1:
            engine = min(self._engines, key=lambda one: one.active)
        engine.advance(now)
        call = task.call
        assert call is not None  # who thinks has an answer to make
        sequence = self._running[task.id] = _Sequence(task, call.shape.token_ends, engine, now)
        engine.active += 1
        reading = call.shape.prompt / self._cost.prefill * self._noise.draw() if self._cost.prefill else 0.0
        engine.ready += reading
        engine.busy += reading
        self._push(sequence, sequence.ends[0])
        self._arm(engine)

    def _push(self, sequence: _Sequence, tokens: float) -> None:
        self._made += 1
        engine = sequence.slot
        heapq.heappush(engine.ends, (engine.steps + tokens, self._made, sequence))

    def _arm(self, engine: _Engine) -> None:
        ends = engine.ends
        while ends and not ends[0][2].alive:
            heapq.heappop(ends)
        if not ends:
            return
        due = engine.ready + max(0.0, ends[0][0] - engine.steps) * engine.seconds[engine.active]  # of the next sentence
        if due < engine.armed:  # an alarm that is too early only looks again
            engine.armed = due
            self.loop.at(max(due, self.loop.time), self._on_due, engine)

    def _due(self, engine: _Engine) -> None:
        now = self.loop.time
        engine.armed = float("inf") if now >= engine.armed else engine.armed
        engine.advance(now)
        freed = False
        while engine.ends and (not engine.ends[0][2].alive or engine.ends[0][0] <= engine.steps + TOUCH):
            if engine.ready > now:
                break  # a prompt is being read: no step is made
            _, _, sequence = heapq.heappop(engine.ends)
            if sequence.alive:
                freed |= self._sentence(sequence, now)
        self._arm(engine)
        if freed:
            self._serve()

    def _sentence(self, sequence: _Sequence, now: Seconds) -> bool:
        index, ends = sequence.sentence, sequence.ends
        sequence.sentence += 1
        last = sequence.sentence == len(ends)
        if last:
            self._running.pop(sequence.task.id)
            self._stop(sequence)
            self.finished += 1
            self.desk.ran([sequence.task], now - sequence.started, now)
            self._done(sequence.task, now - sequence.started)
        else:
            self._push(sequence, ends[index + 1] - ends[index])
        self._text(sequence.task, index, last)
        return last

    def _stop(self, sequence: _Sequence) -> None:
        sequence.slot.advance(self.loop.time)
        sequence.alive = False
        sequence.slot.active -= 1

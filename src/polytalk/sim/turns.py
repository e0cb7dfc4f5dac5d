"""Turns walk through the stages as `dialogue.answers.turn` makes them do.

end of speech ─ endpointing ─▶ admission ─▶ listen ─▶ think ─▶ sentences ─▶ speak ─▶ mouth ─▶ listener
                                                        two sentences at once ┘  └ not far ahead of playback

Where the server draws the faces, `synthesise` comes between mouth and listener, run by run.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from polytalk.schedule.runs import Pressure
from polytalk.sim.call import Call
from polytalk.sim.decoder import Decoder
from polytalk.sim.events import Loop
from polytalk.sim.gate import FIRST_AUDIO, Gate
from polytalk.sim.policy import Policy
from polytalk.sim.script import Shape
from polytalk.sim.station import Station
from polytalk.sim.tally import Tally
from polytalk.sim.task import NOTHING, Task
from polytalk.sim.workload import Workload
from polytalk.types import Seconds, Stage

SENTENCES_AHEAD = 2
FRAMES_PER_SECOND = 25.0
INSTANT: Seconds = 1e-3
"""Later than this is late: a millisecond is not heard."""


@dataclass
class Turns:
    """The dialogue's side of a simulation: who asks, what is asked of which stage, and what came of it."""

    loop: Loop
    workload: Workload
    policy: Policy
    tally: Tally
    endpointing: Seconds
    gate: Gate | None
    listen: Station = field(init=False)
    decoder: Decoder = field(init=False)
    speak: Station = field(init=False)
    mouth: Station = field(init=False)
    synthesise: Station | None = None
    fps: float = 0.0
    """Pictures a second that everybody wants drawn here."""
    calls: list[Call] = field(default_factory=list)
    _made: int = 0

    def begin(self) -> None:
        """Let everybody come."""
        for number, visit in enumerate(self.workload.visits):
            call = Call(number, visit)
            self.calls.append(call)
            self.loop.at(visit.at + self.endpointing, self.ask, call)
        if self.gate is not None:
            self.gate.opened = self._opened
            for station in (self.listen, self.speak, self.mouth, self.synthesise):
                if station is not None:
                    station.ended = self.gate.spent
            self.listen.started = partial(self.gate.observe, Stage.LISTEN)
            self.decoder.started = partial(self.gate.observe, Stage.THINK)

    @cached_property
    def stages(self) -> dict[Stage, "Station | Decoder"]:
        """What works on each stage."""
        found: dict[Stage, Station | Decoder] = {
            Stage.LISTEN: self.listen, Stage.THINK: self.decoder, Stage.SPEAK: self.speak, Stage.MOUTH: self.mouth
        }  # fmt: skip
        return found if self.synthesise is None else found | {Stage.SYNTHESISE: self.synthesise}

    # --- a turn begins ---------------------------------------------------------------------------------------------

    def ask(self, call: Call) -> None:
        """The user has been silent for long enough."""
        now = self.loop.time
        call.begin(self._shape(call), now - self.endpointing, now + FIRST_AUDIO)
        call.fps = self.fps
        call.judged = call.asked_at >= self.workload.settle
        if call.judged:
            self.tally.asked += 1
        bound = self.policy.bound
        full = bound is not None and sum(len(run.desk.waiting) for run in self.stages.values()) >= bound
        if full or (self.gate is not None and not self.gate.enter(call)):
            self._refuse(call)
        else:  # who waits for room is transcribed meanwhile
            self._submit(call, self.listen, Stage.LISTEN, call.expected, self._listen_units(call.shape))

    def heard(self, task: Task) -> None:
        """The question is transcribed."""
        if (call := self._live(task)) is not None:
            call.transcribed = True
            if call.room or self.gate is None:
                self._think(call)

    def _opened(self, call: Call) -> None:
        """There is room for the answer."""
        call.room = True
        if call.transcribed:
            self._think(call)

    def _think(self, call: Call) -> None:
        self._submit(call, self.decoder, Stage.THINK, call.expected, 1.0)

    # --- it is made ------------------------------------------------------------------------------------------------

    def wrote(self, task: Task, sentence: int, last: bool) -> None:
        """The LLM completed a sentence."""
        call = task.call
        assert call is not None
        call.written, call.whole = sentence + 1, last
        self._release(call)

    def thought(self, task: Task, took: Seconds) -> None:
        """The LLM completed the answer."""
        if (call := self._live(task)) is not None:
            call.spent[Stage.THINK] = took

    def spoke(self, task: Task) -> None:
        """A sentence was synthesised."""
        if (call := self._live(task)) is not None:
            call.spoken.add(task.index)
            self._collect(call)

    def moved(self, task: Task) -> None:
        """A sentence's mouth was made."""
        if (call := self._live(task)) is None:
            return
        if call.fps:
            self._draw(call)
            return
        seconds, call.run_left = call.run_left, 0.0
        call.moving = False
        self._deliver(call, seconds)
        self._complete(call)

    def drawn(self, task: Task) -> None:
        """A run of pictures was made."""
        if (call := self._live(task)) is None:
            return
        call.run_left -= call.run
        self._deliver(call, call.run)
        if call.run_left > INSTANT:
            self._draw(call)
        else:
            call.moving = False
            self._complete(call)

    def _release(self, call: Call) -> None:
        """Ask for sentences ahead, but not far ahead of playback."""
        while call.released < call.written and call.released - call.collected < SENTENCES_AHEAD:
            now = self.loop.time
            ahead = call.made - self.policy.max_lead
            if ahead > 0 and (ahead := ahead - call.playout.heard(now)) > 0:
                if not call.waking:
                    call.waking = True
                    self.loop.at(now + max(0.02, ahead), self._wake, (call, call.generation))
                return
            index = call.released
            call.released += 1
            units = call.shape.sentences[index] * self._units_a_second
            self._submit(call, self.speak, Stage.SPEAK, self._due(call), units, index)

    def _wake(self, alarm: tuple[Call, int]) -> None:
        call, generation = alarm
        if call.generation == generation:
            call.waking = False
            self._release(call)

    def _collect(self, call: Call) -> None:
        """Take what was spoken in order; one sentence's face at a time."""
        while not call.moving and call.collected in call.spoken:
            length = call.shape.sentences[call.collected]
            if call.face:
                call.moving, call.run_left = True, length
                self._move(call)
                call.made += length
                return
            call.made += length
            self._deliver(call, length)
            self._complete(call, again=False)

    def _move(self, call: Call) -> None:
        self._submit(call, self.mouth, Stage.MOUTH, self._due(call), call.run_left, call.collected)

    def _draw(self, call: Call) -> None:
        assert self.synthesise is not None
        now, started = self.loop.time, call.playout.started
        due = (call.expected if started is None else started) + call.playout.sent
        cost = self._drawing if call.fps == self.fps else replace(
            self._drawing, slope=self._drawing.slope * call.fps / self.fps
        )  # fmt: skip
        call.run = self.synthesise.desk.run(call.run_left, self._run, cost, now, due - now)
        units = call.run * call.fps * self._units_a_picture
        self._submit(call, self.synthesise, Stage.SYNTHESISE, due, units, call.collected)

    def _complete(self, call: Call, *, again: bool = True) -> None:
        call.collected += 1
        if call.whole and call.collected == call.written:
            self.loop.at(max(self.loop.time, call.playout.deadline()), self._played, (call, call.generation))
            return
        self._release(call)
        if again:
            self._collect(call)

    def _deliver(self, call: Call, seconds: Seconds) -> None:
        now, playout = self.loop.time, call.playout
        judged = call.judged
        if playout.started is None:
            if judged:
                self.tally.began(call, now)
            if call.shape.interrupt is not None:
                heard = call.shape.interrupt * call.shape.speech
                self.loop.at(now + heard, self._interrupt, (call, call.generation))
            playout.send(seconds, now)
        elif now <= playout.started + playout.sent + INSTANT:
            playout.sent += seconds
        else:
            playout.send(seconds, now)
            call.turns_late += seconds
            self.tally.late += judged
        if judged:
            self.tally.chunks += 1
            self.tally.spoken += seconds

    # --- and ends --------------------------------------------------------------------------------------------------

    def _played(self, alarm: tuple[Call, int]) -> None:
        call, generation = alarm
        if call.generation != generation:
            return
        call.generation += 1
        self._end(call, "heard")
        self._next(call, call.shape.pause)

    def _interrupt(self, alarm: tuple[Call, int]) -> None:
        call, generation = alarm
        if call.generation != generation:
            return
        call.generation += 1
        for stage, task in list(call.open.values()):
            stage.cancel(task)
        self._end(call, "interrupted")
        self._next(call, 0.0)

    def _refuse(self, call: Call) -> None:
        call.generation += 1
        self._end(call, "refused")
        self._next(call, call.shape.pause)

    def _end(self, call: Call, how: str) -> None:
        now = self.loop.time
        call.open.clear()
        self.tally.weigh(call)
        if call.judged:
            self.tally.ended(call, how, now)
            call.late += call.turns_late
            call.owed += call.playout.sent
        if self.gate is not None and how != "refused":
            self.gate.demand.learn(call.spent, call.playout.heard(now), call.fps)
            self.gate.leave(call)

    def _next(self, call: Call, pause: Seconds) -> None:
        if call.turn + 1 >= call.visit.turns:
            return
        question = self._shape(call, ahead=1).question
        ends = self.loop.time + pause + question
        if ends < self.workload.until:
            self.loop.at(ends + self.endpointing, self.ask, call)

    # --- helpers ---------------------------------------------------------------------------------------------------

    def measure(self) -> None:
        """Look up once what every job would ask again."""
        listen, speak, drawer = self.listen.cost, self.speak.cost, self.synthesise
        self._listen_units: Callable[[Shape], float] = (
            (lambda shape: 1.0) if listen.units == "turns" else (lambda shape: shape.question)
        )
        self._units_a_second = 14.0 if speak.units == "letters" else 1.0
        if drawer is not None:
            self._units_a_picture = 1.0 if drawer.cost.units == "frames" else 1.0 / FRAMES_PER_SECOND
            self._run = drawer.cost.run or float("inf")
            slope = drawer.cost.slope * self.fps * self._units_a_picture
            self._drawing = Pressure(slope=slope, overhead=drawer.cost.overhead, slots=drawer.pool.slots)

    def _shape(self, call: Call, ahead: int = 0) -> Shape:
        turn = call.turn + ahead if ahead else call.turn + 1
        known = call.visit.shapes
        return known[turn] if turn < len(known) else self.workload.script.shape(call.number, turn)

    def _submit(
        self, call: Call, run: Station | Decoder, stage: Stage, due: Seconds, units: float, index: int = 0
    ) -> None:
        self._made += 1
        task = Task(
            str(self._made), stage, "", call.holder, call.generation, "", NOTHING, self.loop.time, due, "",
            call.tenant, call.tier, units=units, call=call, index=index,
        )  # fmt: skip
        call.open[task.id] = (run, task)
        run.submit(task)

    def _live(self, task: Task) -> Call | None:
        """The call whose job is done; None when it was interrupted meanwhile."""
        call = task.call
        assert call is not None
        if call.generation != task.generation:
            return None
        del call.open[task.id]
        return call

    def _due(self, call: Call) -> Seconds:
        """When the next sample made will be played."""
        started = call.playout.started
        return (call.expected if started is None else started) + call.made

"""Turns walk through the stages as `dialogue.turn` makes them do.

end of speech ─ endpointing ─▶ listen ─▶ admission ─▶ think ─▶ sentences ─▶ speak ─▶ face ─▶ listener
                                                        two sentences at once ┘  └ not far ahead of playback
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from polytalk.sim.call import Call
from polytalk.sim.decoder import Decoder
from polytalk.sim.events import Loop
from polytalk.sim.gate import Gate
from polytalk.sim.policy import Policy
from polytalk.sim.script import Shape
from polytalk.sim.station import Station
from polytalk.sim.tally import Tally
from polytalk.sim.task import NOTHING, Task
from polytalk.sim.workload import Workload
from polytalk.types import Seconds, Stage

SENTENCES_AHEAD = 2
FRAMES_PER_SECOND = 25.0
FIRST_AUDIO: Seconds = 0.4
"""The deadline of all work before the first sound, after the end of the question."""
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
    face: Station = field(init=False)
    calls: list[Call] = field(default_factory=list)
    _made: int = 0

    def begin(self) -> None:
        """Let everybody come."""
        for number, visit in enumerate(self.workload.visits):
            call = Call(number, visit)
            self.calls.append(call)
            self.loop.at(visit.at + self.endpointing, self.ask, call)
        if self.gate is not None:
            self.gate.opened = self._think
            for station in (self.listen, self.speak, self.face):
                station.ended = self.gate.spent
            self.listen.started = self.decoder.started = self.gate.observe

    @property
    def stages(self) -> dict[Stage, "Station | Decoder"]:
        """What works on each stage."""
        return {Stage.LISTEN: self.listen, Stage.THINK: self.decoder, Stage.SPEAK: self.speak, Stage.FACE: self.face}

    # --- a turn begins ---------------------------------------------------------------------------------------------

    def ask(self, call: Call) -> None:
        """The user has been silent for long enough."""
        now = self.loop.time
        call.begin(self._shape(call), now - self.endpointing, now + FIRST_AUDIO)
        if self._judged(call):
            self.tally.asked += 1
        bound = self.policy.bound
        if bound is not None and sum(len(run.desk) for run in self.stages.values()) >= bound:
            self._refuse(call)
        else:
            self._submit(call, self.listen, Stage.LISTEN, call.expected, self._listen_units(call.shape))

    def heard(self, task: Task) -> None:
        """The question is transcribed; is there room for the answer?"""
        if (call := self._live(task)) is None:
            return
        if self.gate is None:
            self._think(call)
        elif not self.gate.enter(call):
            self._refuse(call)

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
        """A run of the face was made."""
        if (call := self._live(task)) is None:
            return
        seconds = min(call.run_left, self._run)
        call.run_left -= seconds
        self._deliver(call, seconds)
        if call.run_left > INSTANT:
            self._move(call)
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
            units = self._speak_units(call.shape.sentences[index])
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
        seconds = min(call.run_left, self._run)
        made_before = call.made if call.run_left == call.shape.sentences[call.collected] else call.playout.sent
        started = call.playout.started
        due = (call.expected if started is None else started) + made_before
        self._submit(call, self.face, Stage.FACE, due, seconds * self._face_scale, call.collected)

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
        judged = self._judged(call)
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
        if self.gate is not None:
            self.gate.demand.learn(call.spent, call.playout.sent)
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
        if self._judged(call):
            self.tally.ended(call, how, now)
            call.late += call.turns_late
            call.owed += call.playout.sent
        if self.gate is not None and how != "refused":
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
        listen, speak, face = self.listen.cost, self.speak.cost, self.face.cost
        self._listen_units: Callable[[Shape], float] = (
            (lambda shape: 1.0) if listen.units == "turns" else (lambda shape: shape.question)
        )
        self._speak_units: Callable[[Seconds], float] = (
            (lambda length: length * 14.0) if speak.units == "letters" else (lambda length: length)
        )
        self._face_scale = FRAMES_PER_SECOND if face.units == "frames" else 1.0
        self._run = face.run or float("inf")

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

    def _judged(self, call: Call) -> bool:
        return call.asked_at >= self.workload.settle

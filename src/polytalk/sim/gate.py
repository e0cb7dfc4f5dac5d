"""Where simulated turns wait for room, as `dialogue.capacity.gate` lets them; the policy is the ring's `Admission`."""

from collections.abc import Callable
from dataclasses import dataclass, field

from polytalk.errors import Shed
from polytalk.schedule.admission import Admission, Admitted, Ask
from polytalk.schedule.demand import TurnDemand, ladder
from polytalk.sim.call import Call
from polytalk.sim.events import Loop
from polytalk.sim.task import Task
from polytalk.types import Seconds, Stage

FIRST_AUDIO: Seconds = 0.4
"""The deadline of all work before the first sound, after the end of the question or of the wait for room."""
LOOK_AGAIN: Seconds = 0.25
"""How often those who wait for room are looked at, though nobody left."""


@dataclass
class Gate:
    """One a simulation."""

    loop: Loop
    admission: Admission
    demand: TurnDemand
    opened: Callable[[Call], None] = lambda call: None
    """Told when a turn may go on."""
    fps: float = 0.0
    """Pictures a second that everybody wants drawn here."""
    _waiting: dict[str, Call] = field(default_factory=dict)
    _looking: bool = False

    def enter(self, call: Call) -> bool:
        """Let the turn go on, now or later; False when it is refused."""
        try:
            answer = self.admission.request(
                Ask(call.holder, call.tier, self.demand.rungs(self.fps), call.tenant, session=call.session),
                self.loop.time,
            )
        except Shed:
            return False
        if isinstance(answer, Admitted):
            self._open(call, answer)
            return True
        self._waiting[call.holder] = call
        if not self._looking:
            self._looking = True
            self.loop.at(self.loop.time + LOOK_AGAIN, self._look, None)
        return True

    def leave(self, call: Call) -> None:
        """The turn is over."""
        self._admit(self.admission.release(call.holder, self.loop.time))

    def observe(self, stage: Stage, batch: list[Task], now: Seconds) -> None:
        """Jobs that a listener waits for begin."""
        for task in batch:
            self.admission.delays.observe(stage, now - task.created, now)

    def spent(self, batch: list[Task], took: Seconds) -> None:
        """A batch ran: what turns cost is learnt, by the jobs' sizes."""
        total = batch[0].units if len(batch) == 1 else sum([task.units for task in batch])
        for task in batch:
            call, share = task.call, took * task.units / total
            assert call is not None
            if task.stage is Stage.LISTEN:
                self.demand.learn_listening(share)
            elif call.generation == task.generation:
                call.spent[task.stage] = call.spent.get(task.stage, 0.0) + share

    def _look(self, _: None) -> None:
        self._admit(self.admission.admit_waiting(self.loop.time))
        self._looking = bool(self._waiting)
        if self._looking:
            self.loop.at(self.loop.time + LOOK_AGAIN, self._look, None)

    def _admit(self, admitted: list[tuple[str, Admitted]]) -> None:
        for holder, answer in admitted:
            call = self._waiting.pop(holder)
            call.admitted = self.loop.time
            call.expected = self.loop.time + FIRST_AUDIO
            self._open(call, answer)

    def _open(self, call: Call, answer: Admitted) -> None:
        rung = ladder(self.fps)[answer.rung]
        call.face, call.fps = rung.mouth, rung.fps
        self.opened(call)

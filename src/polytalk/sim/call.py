"""One simulated session and the turn that it is in."""

from typing import TYPE_CHECKING

from polytalk.schedule.playout import Playout
from polytalk.sim.script import Shape
from polytalk.sim.task import Task
from polytalk.sim.workload import Visit
from polytalk.types import Seconds, Stage

if TYPE_CHECKING:
    from polytalk.sim.decoder import Decoder
    from polytalk.sim.station import Station


class Call:
    """State as `dialogue.answers.turn` keeps it; the rules are in `turns`."""

    __slots__ = (
        "admitted", "asked_at", "collected", "expected", "face", "fps", "generation", "holder", "judged", "late",
        "made", "moving", "number", "open", "owed", "playout", "released", "room", "run", "run_left", "session",
        "shape", "spent", "spoken", "tenant", "tier", "transcribed", "turn", "turns_late", "visit", "waking", "whole",
        "written",
    )  # fmt: skip

    def __init__(self, number: int, visit: Visit) -> None:
        self.number = number
        self.visit = visit
        self.session = str(number)
        self.tenant = visit.tenant
        self.tier = visit.tier
        self.generation = 0
        self.turn = -1
        self.late: Seconds = 0.0
        """Speech that came after its deadline, of all judged turns."""
        self.owed: Seconds = 0.0
        """Speech that was sent in all judged turns."""
        self.open: dict[str, tuple[Station | Decoder, Task]] = {}
        """Jobs of this turn that are neither done nor dropped, and who has them."""

    def begin(self, shape: Shape, asked_at: Seconds, expected: Seconds) -> None:
        """A question was asked; `asked_at` is the end of its speech, `expected` when a first sound is due."""
        self.turn += 1
        self.expected = expected
        self.shape = shape
        self.asked_at = asked_at
        self.admitted = asked_at
        self.holder = f"{self.session}/{self.turn}"
        self.judged = True
        """Whether it began late enough to be counted."""
        self.face = True
        """Whether the mouth is made."""
        self.fps = 0.0
        """Pictures a second that the server draws."""
        self.run: Seconds = 0.0
        """Length of the run of pictures under way."""
        self.transcribed = self.room = False
        """Whether the question is in words, and whether it may be answered."""
        self.whole = False
        """Whether the LLM is done."""
        self.playout = Playout()
        self.made: Seconds = 0.0
        """Speech that was synthesised."""
        self.written = self.released = self.collected = 0
        """Sentences that the LLM completed, that the TTS was asked for, that were sent."""
        self.spoken: set[int] = set()
        self.moving = False
        """Whether a sentence's face is being made."""
        self.run_left: Seconds = 0.0
        """What is left of the sentence whose face is being made."""
        self.waking = False
        """Whether an alarm is set for when the lead is small enough."""
        self.turns_late: Seconds = 0.0
        self.spent: dict[Stage, Seconds] = {}

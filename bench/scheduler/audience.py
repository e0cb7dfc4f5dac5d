"""What many listeners hear and see of answers, and whether all were served: arithmetic, without a clock of its own."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.record import JITTER
from polytalk.schedule.playout import Playout
from polytalk.types import Seconds

IN_TIME = 0.999
"""Of the frames."""
BEGUN = 0.95
"""Of the answers, within `PATIENCE`."""
PATIENCE: Seconds = 3.0
SHORTEST: Seconds = 2.0
"""Question, answer and pause take at least so long: no speaker asks more often."""


@dataclass
class Heard:
    """What a crowd of `speakers` heard from one moment to another."""

    speakers: int
    since: Seconds
    until: Seconds
    late: Seconds = 0.0
    """Speech, and so frames, that came after it should have been played."""
    spoken: Seconds = 0.0
    filmed: Seconds = 0.0
    """Of that, what was wanted with pictures."""
    pictures: int = 0
    waits: list[Seconds] = field(default_factory=list)
    """Question to first sound, of those asked in time to be judged."""
    asked: dict[object, Seconds] = field(default_factory=dict)
    """Who waits for a first sound, and since when."""

    def judges(self, moment: Seconds) -> bool:
        """Whether what happens then counts."""
        return self.since <= moment < self.until

    def overdue(self, now: Seconds) -> int:
        """Answers that began too late, or have not begun though it is too late already."""
        begun = sum(wait > PATIENCE for wait in self.waits)
        return begun + sum(self.judges(asked) and now - asked > PATIENCE for asked in self.asked.values())

    def hopeless(self, now: Seconds) -> bool:
        """Whether nothing that may still come would make it served: the rest need not be waited for."""
        lasts = self.until - self.since
        most_asked = self.speakers * lasts / SHORTEST
        return self.late > (1 - IN_TIME) * self.speakers * lasts or self.overdue(now) > (1 - BEGUN) * most_asked

    def sustained(self, now: Seconds) -> bool:
        """Whether everybody was served."""
        overdue = self.overdue(now)
        judged = len([wait for wait in self.waits if wait <= PATIENCE]) + overdue
        return bool(judged and self.spoken) and (
            self.late <= (1 - IN_TIME) * self.spoken and overdue <= (1 - BEGUN) * judged
        )


class Listener:
    """Plays one answer after another: each begins `JITTER` after its first sound, and waits where it runs dry."""

    def __init__(self, heard: Heard, clock: Callable[[], Seconds]) -> None:
        self._heard = heard
        self._clock = clock
        self._awaited: deque[bool] = deque()
        self._playout = Playout()

    def ask(self) -> None:
        """A question is over."""
        self._playout = Playout()
        self._awaited.clear()
        self._heard.asked[self] = self._clock()

    def film(self, drawn: bool) -> None:
        """More of a film is on its way: what was `drawn` comes with pictures, or it comes late."""
        self._awaited.append(drawn)

    def hear(self, lasts: Seconds, pictures: int = 0, *, filmed: bool = False) -> None:
        """More of the answer has come, with so many pictures; `filmed` if some are wanted, however few there are."""
        now, playout, heard = self._clock(), self._playout, self._heard
        if (asked := heard.asked.pop(self, None)) is not None:
            playout.started = now + JITTER
            if heard.judges(asked):
                heard.waits.append(now - asked)
        waited = playout.waited
        playout.send(lasts, now)
        dropped = bool(self._awaited) and self._awaited.popleft() and not pictures
        if heard.judges(now):
            heard.spoken += lasts
            heard.late += lasts if dropped else min(lasts, playout.waited - waited)
            heard.filmed += lasts * filmed
            heard.pictures += pictures

    @property
    def ends(self) -> Seconds:
        """The moment at which all that came is played."""
        return self._playout.deadline()

"""Turns over HTTP: what a conversation asks of the engines, in its order and at its pace, whoever serves.

end of speech ─ 0.3 s of silence ─▶ listen ─▶ think ─▶ first sentence ─▶ first audio
                                                       the others, two asked ahead, each due when it is played
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from bench.peers import model
from bench.scheduler.contender import Ask, Machine
from bench.scheduler.servers import Target
from polytalk.dialogue.ids import new_id
from polytalk.errors import EngineFailed, Shed
from polytalk.schedule.playout import Playout
from polytalk.types import Seconds

ENDPOINTING: Seconds = 0.3
"""Silence that proves the end of a turn; the time to first audio counts from its beginning, as a user does."""
SENTENCES = 6
SENTENCE: Seconds = 0.6
"""Of speech."""
AHEAD = 2
"""Sentences asked for at once."""
FIRST_AUDIO: Seconds = 1.5
"""An answer that begins later than this after the end of speech is too late."""
GAP: Seconds = 0.2
"""Silence within an answer that nobody minds."""
STAGES = ("listen", "think", "speak")


def machine(max_batch: int = 4, slots: int = 2) -> Machine:
    """Two slots, batches of four."""
    return Machine(slots, max_batch, STAGES)


def capacity(of: Machine) -> float:
    """Turns a second when every batch is full."""
    jobs = {"listen": 1, "think": 1, "speak": SENTENCES}
    return of.slots / sum(count / model.capacity(stage, of.max_batch) for stage, count in jobs.items())


@dataclass
class Turn:
    """One, as its user lived it."""

    asked: Seconds
    """The end of the user's speech."""
    first_audio: Seconds | None = None
    playout: Playout = field(default_factory=Playout)
    outcome: str = "under way"
    """Or "answered", "refused" before it began, "broken" after."""

    @property
    def ttfa(self) -> Seconds | None:
        """Endpointing included."""
        return None if self.first_audio is None else self.first_audio - self.asked

    @property
    def good(self) -> bool:
        """Answered whole, in time, without a gap."""
        ttfa = self.ttfa
        return self.outcome == "answered" and ttfa is not None and ttfa <= FIRST_AUDIO and self.playout.waited <= GAP


async def take(target: Target, turn: Turn, *, listen: bool = True) -> Turn:
    """Live through it; or hang up when the answer has arrived, without having heard it out."""
    session = new_id("sess")
    await asyncio.sleep(max(0.0, turn.asked + ENDPOINTING - time.monotonic()))
    try:
        await target.begin(session)
    except Shed:
        turn.outcome = "refused"
        await target.end(session, 0.0)
        return turn
    try:
        await _answer(target, session, turn)
        turn.outcome = "answered"
        if listen:
            await asyncio.sleep(max(0.0, turn.playout.deadline() - time.monotonic()))
    except (Shed, EngineFailed):
        turn.outcome = "broken" if turn.first_audio else "refused"
    finally:
        await target.end(session, turn.playout.sent)
    return turn


async def _answer(target: Target, session: str, turn: Turn) -> None:
    for stage in ("listen", "think"):
        await target.ask(Ask(stage, due=time.monotonic(), session=session))
    asked = [asyncio.create_task(_speak(target, session, turn, index)) for index in range(AHEAD)]
    try:
        for index in range(SENTENCES):
            await asked[index]
            turn.playout.send(SENTENCE, time.monotonic())
            turn.first_audio = turn.first_audio or time.monotonic()
            if index + AHEAD < SENTENCES:
                asked.append(asyncio.create_task(_speak(target, session, turn, index + AHEAD)))
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _speak(target: Target, session: str, turn: Turn, index: int) -> None:
    begins = turn.playout.started if turn.playout.started is not None else time.monotonic()
    await target.ask(Ask("speak", due=begins + index * SENTENCE, session=session))


def goodput(turns: Sequence[Turn], seconds: Seconds) -> float:
    """Good turns a second."""
    return sum(turn.good for turn in turns) / seconds

"""Where a turn waits until there is room for it, and is told how long that may take."""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from polytalk.clock import Clock
from polytalk.errors import Shed
from polytalk.schedule.admission import Admission, Admitted, Ask, Waiting
from polytalk.schedule.demand import TurnDemand
from polytalk.types import Seconds, Stage, Tier

OnWaiting: TypeAlias = Callable[[Waiting], None]

LOOK_AGAIN: Seconds = 0.25
"""Overload ends without anybody leaving, so those that wait look by themselves."""
TELL_AGAIN: Seconds = 1.0
SPECULATE_BELOW = 0.5
"""Turns are begun early only while less than this share of every pool is promised to somebody."""


@dataclass
class Gate:
    """One a process. The policy is `Admission`; this keeps the turns that wait for it."""

    admission: Admission
    demand: TurnDemand
    clock: Clock
    closed: bool = False
    _woken: dict[str, tuple[asyncio.Event, list[Admitted]]] = field(default_factory=dict)

    def knock(self, holder: str, session: str, tenant: str, tier: Tier, fps: float = 0.0) -> Admitted | Waiting:
        """Ask for room, at the end of the user's speech: who is refused is not even transcribed. Raises Shed.

        `fps`: pictures a second that the turn wants; the rung that it is given is one of `schedule.demand.ladder`.

        The caller must `leave` with the same holder afterwards, and `wait` before it goes on when it has to.
        """
        if self.closed:
            raise Shed("the server is stopping; try again in 5 s", retry_after=5.0)
        answer = self.admission.request(Ask(holder, tier, self.demand.rungs(fps), tenant, session), self.clock.now())
        if isinstance(answer, Waiting):
            self._woken[holder] = (asyncio.Event(), [])
        return answer

    async def wait(self, holder: str, on_waiting: OnWaiting) -> int:
        """Until there is room; gives the rung of the ladder."""
        event, admitted = self._woken[holder]
        told = -TELL_AGAIN
        try:
            while not admitted:
                place, now = self.admission.waiting(holder), self.clock.now()
                if place is not None and now - told >= TELL_AGAIN:
                    told = now
                    on_waiting(place)
                try:
                    await asyncio.wait_for(event.wait(), LOOK_AGAIN)
                except TimeoutError:
                    self._wake(self.admission.admit_waiting(self.clock.now()))
            return admitted[0].rung
        finally:
            self._woken.pop(holder, None)

    async def enter(self, holder: str, session: str, tenant: str, tier: Tier, on_waiting: OnWaiting) -> int:
        """`knock`, and `wait` if need be."""
        answer = self.knock(holder, session, tenant, tier)
        return answer.rung if isinstance(answer, Admitted) else await self.wait(holder, on_waiting)

    def adopt(self, holder: str, tenant: str, tier: Tier, fps: float = 0.0) -> None:
        """Count a turn that was begun on idle capacity and has become real."""
        self.admission.adopt(Ask(holder, tier, self.demand.rungs(fps), tenant))

    def leave(self, holder: str) -> None:
        """The turn is over, or gave up waiting. Safe to call twice."""
        self._woken.pop(holder, None)
        self._wake(self.admission.release(holder, self.clock.now()))

    def learn(self, spent: Mapping[Stage, Seconds], heard: Seconds, fps: float = 0.0) -> None:
        """A turn ended; see TurnDemand."""
        self.demand.learn(spent, heard, fps)

    def learn_listening(self, seconds: Seconds) -> None:
        """An utterance was transcribed; see TurnDemand."""
        self.demand.learn_listening(seconds)

    def learn_encoding(self, seconds: Seconds, pictures: int) -> None:
        """So many pictures were encoded; see TurnDemand."""
        self.demand.learn_encoding(seconds, pictures)

    def observe(self, stage: Stage, queued: Seconds) -> None:
        """A job that a listener waits for began after so long in its queue."""
        self.admission.delays.observe(stage, queued, self.clock.now())

    def close(self) -> None:
        """Let nobody in any more; those inside, and those that wait, stay."""
        self.closed = True

    @property
    def busy(self) -> int:
        """Turns and requests inside, and those that wait."""
        return len(self.admission.leases) + self.admission.queued

    @property
    def roomy(self) -> bool:
        """Whether much of every pool is promised to nobody, and somebody may be let in."""
        return not self.closed and all(self.admission.use(pool) < SPECULATE_BELOW for pool in self.admission.capacity)

    def _wake(self, admitted: list[tuple[str, Admitted]]) -> None:
        pending = deque(admitted)
        while pending:
            holder, answer = pending.popleft()
            if holder in self._woken:
                event, box = self._woken[holder]
                box.append(answer)
                event.set()
            else:  # it gave up in this very moment: its place is the next one's
                pending.extend(self.admission.release(holder, self.clock.now()))

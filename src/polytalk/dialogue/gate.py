"""Where a turn waits until there is room for it, and is told how long that may take."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from polytalk.clock import Clock
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
    _woken: dict[str, tuple[asyncio.Event, list[Admitted]]] = field(default_factory=dict)

    async def enter(self, holder: str, session: str, tenant: str, tier: Tier, on_waiting: OnWaiting) -> int:
        """Wait for room; gives the rung of the ladder. Raises Shed.

        The caller must `leave` with the same holder afterwards, also when this was cancelled.
        """
        answer = self.admission.request(Ask(holder, tier, self.demand.rungs(), tenant, session), self.clock.now())
        if isinstance(answer, Admitted):
            return answer.rung
        event, admitted = self._woken[holder] = (asyncio.Event(), [])
        told = self.clock.now()
        on_waiting(answer)
        try:
            while not admitted:
                try:
                    await asyncio.wait_for(event.wait(), LOOK_AGAIN)
                except TimeoutError:
                    self._wake(self.admission.admit_waiting(self.clock.now()))
                place = self.admission.waiting(holder)
                if place is not None and self.clock.now() - told >= TELL_AGAIN:
                    told = self.clock.now()
                    on_waiting(place)
            return admitted[0].rung
        finally:
            del self._woken[holder]

    def adopt(self, holder: str, tenant: str, tier: Tier) -> None:
        """Count a turn that was begun on idle capacity and has become real."""
        self.admission.adopt(Ask(holder, tier, self.demand.rungs(), tenant))

    def leave(self, holder: str) -> None:
        """The turn is over, or gave up waiting. Safe to call twice."""
        self._wake(self.admission.release(holder, self.clock.now()))

    def learn(self, spent: Mapping[Stage, Seconds], speech: Seconds) -> None:
        """A turn ended; see TurnDemand."""
        self.demand.learn(spent, speech)

    def learn_listening(self, seconds: Seconds) -> None:
        """An utterance was transcribed; see TurnDemand."""
        self.demand.learn_listening(seconds)

    def observe(self, queued: Seconds) -> None:
        """A job that a listener waits for began after so long in its queue."""
        self.admission.delay.observe(queued, self.clock.now())

    @property
    def roomy(self) -> bool:
        """Whether much of every pool is promised to nobody."""
        return all(self.admission.use(pool) < SPECULATE_BELOW for pool in self.admission.capacity)

    def _wake(self, admitted: list[tuple[str, Admitted]]) -> None:
        for holder, answer in admitted:
            if holder in self._woken:
                event, box = self._woken[holder]
                box.append(answer)
                event.set()
            else:  # it gave up in this very moment
                self.admission.release(holder, self.clock.now())

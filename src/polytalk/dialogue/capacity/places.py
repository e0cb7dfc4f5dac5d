"""One session's places on the machine: its answers knock, wait until there is room, and leave."""

from collections.abc import Mapping
from dataclasses import dataclass

from polytalk.dialogue import events
from polytalk.dialogue.answers.delivery import Emit
from polytalk.dialogue.capacity.gate import Gate
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import Shed
from polytalk.schedule.admission import Admitted, Waiting
from polytalk.schedule.demand import Rung, ladder
from polytalk.types import Seconds, Stage


@dataclass(frozen=True)
class Ticket:
    """What the gate said to a turn that knocked."""

    scope: Scope
    place: Admitted | Waiting | Shed
    fps: float
    """Pictures a second that it asked for."""


class Places:
    """Tells the client where it stands, when that is worth knowing."""

    def __init__(self, session: str, gate: Gate, emit: Emit, payer: Payer) -> None:
        self._session = session
        self._gate = gate
        self._emit = emit
        self._payer = payer
        self._holders: set[str] = set()
        self._granted: Rung | None = None
        """Of the ladder, at the last turn."""

    def knock(self, scope: Scope, settings: SessionSettings) -> Ticket:
        """Ask for room for an answer; `enter` must follow, or `leave`."""
        fps = settings.video.fps if settings.video else 0.0
        self._holders.add(scope.turn)
        try:
            self._payer.meter.check()
            place = self._gate.knock(scope.turn, self._session, self._payer.tenant, self._payer.tier, fps)
        except Shed as refusal:
            return Ticket(scope, refusal, fps)
        return Ticket(scope, place, fps)

    async def enter(self, ticket: Ticket) -> Rung:
        """Wait for room; how much of the face there is room for. Raises Shed."""
        told: list[Waiting] = []

        def tell(place: Waiting) -> None:
            told.append(place)
            self._emit(events.Capacity(place.position, place.wait))

        match ticket.place:
            case Shed() as refusal:
                raise refusal
            case Admitted(rung):
                pass
            case Waiting():
                rung = await self._gate.wait(ticket.scope.turn, tell)
        granted = ladder(ticket.fps)[rung]
        self._tell(granted, ladder(ticket.fps)[0], waited=bool(told))
        return granted

    def adopt(self, holder: str, settings: SessionSettings) -> None:
        """An answer that was begun on a guess counts as admitted from now on."""
        if holder in self._holders:
            return
        self._holders.add(holder)
        fps = settings.video.fps if settings.video else 0.0
        self._gate.adopt(holder, self._payer.tenant, self._payer.tier, fps)
        self._tell(ladder(fps)[0], ladder(fps)[0])

    def leave(self, holder: str) -> None:
        """The answer is over."""
        self._holders.discard(holder)
        self._gate.leave(holder)

    def learn(self, spent: Mapping[Stage, Seconds], heard: Seconds, fps: float = 0.0) -> None:
        """What an answer took."""
        self._gate.learn(spent, heard, fps)

    def forget(self) -> None:
        """The session is over."""
        for holder in self._holders:
            self._gate.leave(holder)

    def _tell(self, granted: Rung, best: Rung, *, waited: bool = False) -> None:
        """How much of the face there is room for, when that is another than at the turn before."""
        if waited or granted != (self._granted or best):
            self._emit(events.Capacity(0, 0.0, face=granted.mouth, fps=granted.fps))
        self._granted = granted

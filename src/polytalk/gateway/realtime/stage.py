"""Where a session's answers are heard and seen."""

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

from msgspec.structs import replace

from polytalk.dialogue.events import DialogueEvent, ResponseFinished, Spoke
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.gateway.realtime.wires import Wire


class Stage(Protocol):
    """One connection's."""

    def able(self, settings: SessionSettings) -> SessionSettings:
        """Settings without pictures that nobody would see."""
        ...

    @property
    def timed(self) -> bool:
        """Whether transcripts say where in the answer they are, since its sound takes another way than they."""
        ...

    def open(self, session: Session) -> None:
        """The session begins."""
        ...

    def close(self) -> None:
        """The session is over."""
        ...

    async def run(self) -> None:
        """Whatever it does by itself, until cancelled."""
        ...

    def address(self) -> Wire | None:
        """Where its media are to be had, when that is a place of their own."""
        ...

    def take(self, spoke: Spoke) -> Spoke | None:
        """Play it, or give what is to be sent as events instead."""
        ...

    def note(self, what: DialogueEvent) -> None:
        """What the client was just told."""
        ...

    def finish(self, what: ResponseFinished, tell: Callable[[], None]) -> None:
        """An answer is over; `tell` tells the client so."""
        ...

    async def clear(self) -> None:
        """The client wants no more of what is being played. Raises BadInput where it is the one who plays."""
        ...


OpenStage: TypeAlias = Callable[[Outbox], Stage]


class Events:
    """The plainest stage: all is sent as events, and the client plays."""

    def __init__(self, outbox: Outbox) -> None:
        self._outbox = outbox

    def able(self, settings: SessionSettings) -> SessionSettings:
        """None would be seen."""
        return replace(settings, video=None)

    @property
    def timed(self) -> bool:
        """No."""
        return False

    def open(self, session: Session) -> None:
        """Nothing to prepare."""

    def close(self) -> None:
        """Nothing to give back."""

    async def run(self) -> None:
        """Nothing to do."""
        await asyncio.Event().wait()

    def address(self) -> Wire | None:
        """None."""
        return None

    def take(self, spoke: Spoke) -> Spoke | None:
        """All of it."""
        return spoke

    def note(self, what: DialogueEvent) -> None:
        """Nothing to do."""

    def finish(self, what: ResponseFinished, tell: Callable[[], None]) -> None:
        """At once."""
        tell()

    async def clear(self) -> None:
        """The client's own buffer can't be cleared from here."""
        raise BadInput(
            "output_audio_buffer.clear is for calls over WebRTC; on a WebSocket the client plays, and drops what it has"
        )

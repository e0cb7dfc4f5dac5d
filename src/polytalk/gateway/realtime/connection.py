"""One client: frames in are events for the session, events of the session are frames out."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import count

from polytalk.config import Limits
from polytalk.dialogue.events import (
    Called,
    Capacity,
    DialogueEvent,
    OutputAdded,
    OutputDone,
    ResponseFinished,
    ResponseStarted,
    Said,
    Spoke,
    Trouble,
)
from polytalk.dialogue.session import Session
from polytalk.errors import BadInput, PolytalkError
from polytalk.gateway.realtime import client_events as ce
from polytalk.gateway.realtime.commands import Commands
from polytalk.gateway.realtime.face_events import phrase_timestamp
from polytalk.gateway.realtime.line import Frame, Heard, Line, LineLost
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.gateway.realtime.poses import Poses
from polytalk.gateway.realtime.server_events import Translator
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.speakers import Speakers
from polytalk.gateway.realtime.stage import Events, OpenStage
from polytalk.gateway.realtime.wires import Wire, error_event, event
from polytalk.types import Seconds

log = logging.getLogger(__name__)

CLOSE_GOING_AWAY = 1001
IN_A_ROW = 8
"""Events of one client, when many are there, before others have a turn."""
CLOSE_TOO_SLOW = 1013
"""Try again later: the client did not read what it was sent."""


class Connection:
    """Serves one client until it leaves, falls behind, or its time is over."""

    def __init__(
        self,
        line: Line,
        limits: Limits,
        config: SessionConfig,
        stage: OpenStage = Events,
        rates: Callable[[], Sequence[Wire]] = tuple,
    ) -> None:
        """`stage` is where answers are heard and seen; by default the client plays, and draws. `rates`: how much the
        client may still ask for, as `rate_limits.updated` has it."""
        self._line = line
        self._limits = limits
        self._config = config
        self._outbox = Outbox(limits.outbox_events, limits.outbox_bytes)
        self._rates = rates
        self._translator: Translator | None = None
        self._commands: Commands | None = None
        self._speakers = Speakers()
        self._stage = stage(self._outbox)
        self._poses = Poses(self._outbox.put, lambda: config.avatar.asked)
        self._late: dict[str, list[Wire]] = {}
        """Responses whose sound the stage took, and what is told of them when it is through."""
        self._ending: list[str] = []
        """Responses that are over, and whose last pictures are still to be sent …"""
        self._behind: list[tuple[list[Wire], str | None, str | None]] = []
        """… and what is told after them: wires, whose media they are, and of which response."""
        self._expires_at = int(time.time() + limits.session_seconds)
        self._last: Seconds = 0.0
        """When something was last heard of either end, by the loop's clock."""

    def emit(self, what: DialogueEvent) -> None:
        """Take an event of the session."""
        self._last = asyncio.get_running_loop().time()
        translator = self._translator
        assert translator is not None
        if isinstance(what, ResponseFinished) and what.status == "cancelled":
            self._outbox.revoke(what.response)
        if isinstance(what, (Capacity, Trouble)) and not self._config.avatar.told:
            # Told to our own page only: strict clients break on events that they do not know, and some end a call
            # with the first error, which this is not worth.
            log.info("session %s: %s", what.__class__.__name__, what)
            return
        if isinstance(what, ResponseStarted):
            asked = self._commands.next_format if self._commands is not None else None
            self._speakers.begin(what.response, asked or self._config.spoken)
        self._poses.see(what)
        if isinstance(what, Spoke):
            shown = self._stage.take(what)
            if shown is None:
                self._late.setdefault(what.response, [])
                return
            what = shown
        self._tell_of(what, translator)

    def _tell_of(self, what: DialogueEvent, translator: Translator) -> None:
        wires = [*self._speakers.encoded(what, translator)]
        if isinstance(what, Said) and self._stage.timed:
            wires.insert(0, phrase_timestamp(what))  # the sound of these words takes another way
        if isinstance(what, (OutputAdded, OutputDone, Called)) and what.response in self._late:
            self._late[what.response] += wires
            return
        if isinstance(what, ResponseFinished):
            wires = [*self._late.pop(what.response, ()), *wires]
            self._ending.append(what.response)
            self._stage.finish(what, partial(self._end, what.response, wires))
            return
        self._tell(wires, what.response if isinstance(what, Spoke) else None, getattr(what, "response", None))
        self._stage.note(what)

    def _tell(self, wires: list[Wire], media_of: str | None, of: str | None) -> None:
        """At once; but of an answer that follows another not before the other's end was told."""
        if of is not None and self._ending and of != self._ending[0]:
            self._behind.append((wires, media_of, of))
            return
        for wire in wires:
            self._outbox.put(wire, media_of)

    def _end(self, response: str, wires: list[Wire]) -> None:
        """The stage is through with an answer."""
        first = self._ending[0] == response
        self._ending.remove(response)
        if not first:
            self._behind.append((wires, None, response))
            return
        for wire in wires:
            self._outbox.put(wire)
        behind, self._behind = self._behind, []
        for held in behind:
            self._tell(*held)

    async def serve(self, session: Session) -> None:
        """Run the session; the line is open already, and closed when this returns."""
        self._translator = Translator(session.conversation, lambda: self._config.avatar, self._rates)
        commands = self._commands = Commands(
            session, self._limits, self._config, self._outbox, self._stage, self._expires_at
        )
        self._stage.open(session)
        session.configure(self._stage.able(self._config.session))  # as it begins it may want pictures already
        self._outbox.put(event("session.created", session=commands.shown()))
        reader = asyncio.create_task(self._read(session, commands))
        idle = asyncio.create_task(self._idle())
        others = (self._write(), self._outbox.overflowed.wait(), self._stage.run())
        tasks = [reader, idle, *map(asyncio.create_task, others)]
        try:
            async with session:
                over, _ = await asyncio.wait(
                    tasks, timeout=self._limits.session_seconds, return_when=asyncio.FIRST_COMPLETED
                )
                reader.cancel()  # nobody may ask a session that ends
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._stage.close()
            self._poses.close()
        if self._outbox.overflowed.is_set():
            await self._line.close(CLOSE_TOO_SLOW, "the client reads too slowly")
        elif idle in over:
            await self._line.close(CLOSE_GOING_AWAY, f"nothing happened for {self._limits.idle_seconds:.0f} s")
        elif not over:
            await self._line.close(CLOSE_GOING_AWAY, f"a session lasts {self._limits.session_seconds:.0f} s")
        for task in over:
            task.result()  # a defect of our own is not swallowed

    async def _write(self) -> None:
        with suppress(LineLost):
            while True:
                await self._line.send(await self._outbox.get())

    async def _idle(self) -> None:
        """Returns when nobody has said anything for too long."""
        loop = asyncio.get_running_loop()
        self._last = loop.time()
        while (left := self._last + self._limits.idle_seconds - loop.time()) > 0:
            await asyncio.sleep(left)

    async def _read(self, session: Session, commands: Commands) -> None:
        loop = asyncio.get_running_loop()
        with suppress(LineLost):
            for number in count(1):
                frame = await self._line.receive()
                self._last = loop.time()
                await self._handle(session, commands, frame)
                if not number % IN_A_ROW:
                    await asyncio.sleep(0)

    async def _handle(self, session: Session, commands: Commands, frame: Frame) -> None:
        """One frame. Whatever is wrong with it is answered; the session goes on."""
        offender: str | None = None
        try:
            if isinstance(frame, Heard):
                await session.hear(frame.audio)
                return
            if len(frame) > self._limits.max_event_bytes:
                raise BadInput(
                    f"an event may have {self._limits.max_event_bytes} bytes, not {len(frame)}", code="event_too_large"
                )
            if isinstance(frame, bytes):
                raise BadInput("events are JSON in text frames; send audio as input_audio_buffer.append")
            offender = None
            what = ce.decode(frame)
            offender = what.event_id
            await commands.apply(what)
        except PolytalkError as error:
            if offender is None and isinstance(frame, str) and len(frame) <= self._limits.max_event_bytes:
                offender = ce.event_id_of(frame)
            self._outbox.put(error_event(error, offender))
        except Exception:
            log.exception("session %s: an event failed", session.id)
            self._outbox.put(error_event(PolytalkError("the server failed on this event"), offender))

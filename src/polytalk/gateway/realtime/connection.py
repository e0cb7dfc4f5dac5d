"""One client: frames in are events for the session, events of the session are frames out."""

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial

from msgspec.structs import replace

from polytalk.config import Limits
from polytalk.dialogue.conversation import Item
from polytalk.dialogue.events import Capacity, DialogueEvent, ResponseFinished, Said, Spoke, Trouble
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, PolytalkError
from polytalk.gateway.realtime import client_events as ce
from polytalk.gateway.realtime.line import Frame, Heard, Line, LineLost
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.gateway.realtime.server_events import Translator, Wire, error_event, event, item_object, timestamp
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.stage import Events, OpenStage

log = logging.getLogger(__name__)

CLOSE_GOING_AWAY = 1001
CLOSE_TOO_SLOW = 1013
"""Try again later: the client did not read what it was sent."""


class Connection:
    """Serves one client until it leaves, falls behind, or its time is over."""

    def __init__(self, line: Line, limits: Limits, config: SessionConfig, stage: OpenStage = Events) -> None:
        """`stage` is where answers are heard and seen; by default the client plays, and draws."""
        self._line = line
        self._limits = limits
        self._config = config
        self._outbox = Outbox(limits.outbox_events)
        self._translator: Translator | None = None
        self._stage = stage(self._outbox)
        self._expires_at = int(time.time() + limits.session_seconds)

    def emit(self, what: DialogueEvent) -> None:
        """Take an event of the session."""
        assert self._translator is not None
        if isinstance(what, ResponseFinished) and what.status == "cancelled":
            self._outbox.revoke(what.response)
        if isinstance(what, (Capacity, Trouble)) and not self._config.session.mouth:
            # Told to our own page only: strict clients break on events that they do not know, and some end a call
            # with the first error, which this is not worth.
            log.info("session %s: %s", what.__class__.__name__, what)
            return
        if isinstance(what, Spoke):
            shown = self._stage.take(what)
            if shown is None:
                return
            what = shown
        wires = [*self._translator.translate(what)]
        if isinstance(what, Said) and self._stage.timed:
            wires.insert(0, timestamp(what))  # the sound of these words takes another way
        if isinstance(what, ResponseFinished):
            self._stage.finish(what, partial(self._tell, wires, None))
            return
        self._tell(wires, what.response if isinstance(what, Spoke) else None)
        self._stage.note(what)

    def _tell(self, wires: list[Wire], media_of: str | None) -> None:
        for wire in wires:
            self._outbox.put(wire, media_of)

    async def serve(self, session: Session) -> None:
        """Run the session; the line is open already, and closed when this returns."""
        self._translator = Translator(session.conversation)
        self._stage.open(session)
        session.configure(self._able(self._config.session))  # as it begins it may want pictures already
        self._outbox.put(event("session.created", session=self._shown(session)))
        reader = asyncio.create_task(self._read(session))
        others = (self._write(), self._outbox.overflowed.wait(), self._stage.run())
        tasks = [reader, *map(asyncio.create_task, others)]
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
        if self._outbox.overflowed.is_set():
            await self._line.close(CLOSE_TOO_SLOW, "the client reads too slowly")
        elif not over:
            await self._line.close(CLOSE_GOING_AWAY, f"a session lasts {self._limits.session_seconds:.0f} s")
        for task in over:
            task.result()  # a defect of our own is not swallowed

    async def _write(self) -> None:
        with suppress(LineLost):
            while True:
                await self._line.send(await self._outbox.get())

    async def _read(self, session: Session) -> None:
        with suppress(LineLost):
            while True:
                await self._handle(session, await self._line.receive())

    async def _handle(self, session: Session, frame: Frame) -> None:
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
            await self._apply(session, what)
        except PolytalkError as error:
            if offender is None and isinstance(frame, str) and len(frame) <= self._limits.max_event_bytes:
                offender = ce.event_id_of(frame)
            self._outbox.put(error_event(error, offender))
        except Exception:
            log.exception("session %s: an event failed", session.id)
            self._outbox.put(error_event(PolytalkError("the server failed on this event"), offender))

    async def _apply(self, session: Session, what: ce.ClientEvent) -> None:
        match what:
            case ce.AudioAppend():
                await session.hear(what.audio)
            case ce.SessionUpdate():
                self._config.apply(what.session)
                session.configure(self._able(self._config.session))
                self._outbox.put(event("session.updated", session=self._shown(session)))
            case ce.AudioCommit():
                await session.commit()
            case ce.AudioClear():
                await session.clear()
                self._outbox.put(event("input_audio_buffer.cleared"))
            case ce.ItemCreate():
                session.add(self._item(what.item), what.previous_item_id)
            case ce.ItemTruncate():
                if what.audio_end_ms < 0:
                    raise BadInput(f"audio_end_ms can't be {what.audio_end_ms}", param="audio_end_ms")
                session.truncate(what.item_id, what.audio_end_ms / 1000)
            case ce.ItemDelete():
                session.conversation.delete(what.item_id)
                self._outbox.put(event("conversation.item.deleted", item_id=what.item_id))
            case ce.ItemRetrieve():
                item = item_object(self._retrieved(session, what.item_id))
                self._outbox.put(event("conversation.item.retrieved", item=item))
            case ce.ResponseCreate():
                metadata = what.response.metadata if what.response else None
                await session.respond(self._able(self._config.for_response(what.response)), metadata)
            case ce.ResponseCancel():
                await session.cancel(what.response_id)
            case ce.OutputClear():
                await self._stage.clear()

    def _able(self, settings: SessionSettings) -> SessionSettings:
        """Settings without pictures that nobody would see."""
        return settings if self._stage.on else replace(settings, video=None)

    def _shown(self, session: Session) -> Wire:
        shown = self._config.show(session.id, self._expires_at)
        if (where := self._stage.address()) is not None:
            shown["avatar"]["media"] = where
        return shown

    def _item(self, given: ce.ItemParam) -> Item:
        if given.type != "message":
            raise BadInput(f"items of type {given.type!r} are not supported; send a message", param="item.type")
        texts = [part.text or part.transcript or "" for part in given.content]
        text = "\n".join(part for part in texts if part).strip()
        if not text:
            raise BadInput("the item has no text; give it a content part with text", param="item.content")
        if len(text) > self._limits.max_text_chars:
            raise BadInput(
                f"an item may have {self._limits.max_text_chars} characters, not {len(text)}", param="item.content"
            )
        return Item(given.id or new_id("item"), given.role, text)

    @staticmethod
    def _retrieved(session: Session, item_id: str) -> Item:
        try:
            return session.conversation.get(item_id)
        except BadInput as error:
            raise BadInput(error.message, code="item_retrieve_invalid_item_id", param="item_id") from None

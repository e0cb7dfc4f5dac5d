"""One WebSocket: frames in are events for the session, events of the session are frames out."""

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial

from msgspec.structs import replace
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from polytalk.config import Limits
from polytalk.dialogue.conversation import Item
from polytalk.dialogue.events import Capacity, DialogueEvent, ResponseFinished, Said, Spoke, Trouble
from polytalk.dialogue.filming import FilmKit
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, PolytalkError
from polytalk.gateway.realtime import client_events as ce
from polytalk.gateway.realtime.media_line import MediaFeeds
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.gateway.realtime.screen import Screen
from polytalk.gateway.realtime.server_events import Translator, Wire, error_event, event, item_object, timestamp
from polytalk.gateway.realtime.session_config import SessionConfig

log = logging.getLogger(__name__)

CLOSE_GOING_AWAY = 1001
CLOSE_TOO_SLOW = 1013
"""Try again later: the client did not read what it was sent."""


class Connection:
    """Serves one client until it leaves, falls behind, or its time is over."""

    def __init__(
        self,
        socket: WebSocket,
        limits: Limits,
        config: SessionConfig,
        films: FilmKit | None = None,
        feeds: MediaFeeds | None = None,
    ) -> None:
        """Without `films` nothing is drawn here, without `feeds` films have no socket of their own."""
        self._socket = socket
        self._limits = limits
        self._config = config
        self._outbox = Outbox(limits.outbox_events)
        self._translator: Translator | None = None
        self._screen = None if films is None else Screen(films, feeds, config, self._outbox)
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
        if self._screen is not None and isinstance(what, Spoke):
            shown = self._screen.take(what)
            if shown is None:
                return
            what = shown
        wires = [*self._translator.translate(what)]
        if self._screen is not None and isinstance(what, Said) and self._config.film is not None:
            wires.insert(0, timestamp(what))  # the sound of these words takes another way
        if self._screen is not None and isinstance(what, ResponseFinished):
            self._screen.finish(what, partial(self._tell, wires, None))
            return
        self._tell(wires, what.response if isinstance(what, Spoke) else None)

    def _tell(self, wires: list[Wire], media_of: str | None) -> None:
        for wire in wires:
            self._outbox.put(wire, media_of)

    async def serve(self, session: Session) -> None:
        """Run the session; the socket is accepted already, and closed when this returns."""
        self._translator = Translator(session.conversation)
        if self._screen is not None:
            self._screen.open(session)
        self._outbox.put(event("session.created", session=self._shown(session)))
        reader = asyncio.create_task(self._read(session))
        tasks = [reader, *map(asyncio.create_task, (self._write(), self._outbox.overflowed.wait()))]
        if self._screen is not None:
            tasks.append(asyncio.create_task(self._screen.run()))
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
            if self._screen is not None:
                self._screen.close()
        if self._outbox.overflowed.is_set():
            await self._close(CLOSE_TOO_SLOW, "the client reads too slowly")
        elif not over:
            await self._close(CLOSE_GOING_AWAY, f"a session lasts {self._limits.session_seconds:.0f} s")
        for task in over:
            task.result()  # a defect of our own is not swallowed

    async def _close(self, code: int, reason: str) -> None:
        if self._socket.client_state is WebSocketState.CONNECTED:
            with suppress(RuntimeError, OSError):  # it may be gone by now
                await asyncio.wait_for(self._socket.close(code, reason), 2.0)

    async def _write(self) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                await self._socket.send_text(await self._outbox.get())

    async def _read(self, session: Session) -> None:
        with suppress(WebSocketDisconnect):
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return
                frame = message.get("text")
                await self._handle(session, frame if frame is not None else message.get("bytes") or b"")

    async def _handle(self, session: Session, frame: str | bytes) -> None:
        """One frame. Whatever is wrong with it is answered; the session goes on."""
        offender: str | None = None
        try:
            if len(frame) > self._limits.max_event_bytes:
                raise BadInput(
                    f"an event may have {self._limits.max_event_bytes} bytes, not {len(frame)}", code="event_too_large"
                )
            if isinstance(frame, bytes):
                raise BadInput("this socket takes JSON text frames; send audio as input_audio_buffer.append")
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

    def _able(self, settings: SessionSettings) -> SessionSettings:
        """Settings without pictures that nobody would see."""
        return settings if self._screen is not None and self._screen.on else replace(settings, video=None)

    def _shown(self, session: Session) -> Wire:
        shown = self._config.show(session.id, self._expires_at)
        if self._screen is not None and (where := self._screen.address()) is not None:
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

"""What a client's events do."""

from msgspec.structs import replace

from polytalk.config import Limits
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.session import Session
from polytalk.errors import BadInput
from polytalk.gateway.realtime import client_events as ce
from polytalk.gateway.realtime.formats import Format, Microphone
from polytalk.gateway.realtime.items import item_object, read_item
from polytalk.gateway.realtime.outbox import Outbox
from polytalk.gateway.realtime.session_config import SessionConfig
from polytalk.gateway.realtime.session_patch import ItemParam, ResponseParam
from polytalk.gateway.realtime.stage import Stage
from polytalk.gateway.realtime.wires import Wire, event


class Commands:
    """One connection's."""

    def __init__(
        self,
        session: Session,
        limits: Limits,
        config: SessionConfig,
        outbox: Outbox,
        stage: Stage,
        expires_at: int,
    ) -> None:
        self._session = session
        self._limits = limits
        self._config = config
        self._outbox = outbox
        self._stage = stage
        self._expires_at = expires_at
        self._microphone = Microphone()
        self.next_format: Format | None = None
        """Of the answer that is being asked for, where it is another than the session's."""

    async def apply(self, what: ce.ClientEvent) -> None:
        """Do it, or raise PolytalkError."""
        session = self._session
        match what:
            case ce.AudioAppend():
                await session.hear(self._microphone.decode(what.audio, self._config.heard))
            case ce.SessionUpdate():
                self._config.apply(what.session)
                session.configure(self._stage.able(self._config.session))
                self._outbox.put(event("session.updated", session=self.shown()))
            case ce.AudioCommit():
                await session.commit()
            case ce.AudioClear():
                await session.clear()
                self._outbox.put(event("input_audio_buffer.cleared"))
            case ce.ItemCreate():
                self._create(what.item, what.previous_item_id)
            case ce.ItemTruncate():
                self._truncate(what)
            case ce.ItemDelete():
                session.conversation.delete(what.item_id)
                self._outbox.put(event("conversation.item.deleted", item_id=what.item_id))
            case ce.ItemRetrieve():
                item = item_object(self._retrieved(what.item_id))
                self._outbox.put(event("conversation.item.retrieved", item=item))
            case ce.ResponseCreate():
                await self._respond(what.response)
            case ce.ResponseCancel():
                await session.cancel(what.response_id)
            case ce.OutputClear():
                await self._stage.clear()

    def shown(self) -> Wire:
        """The session."""
        shown = self._config.show(self._session.id, self._expires_at)
        if (where := self._stage.address()) is not None:
            shown["avatar"]["media"] = where
        return shown

    def _create(self, given: ItemParam, after: str | None) -> None:
        item, audio = read_item(given, self._limits, self._config.heard)
        conversation = self._session.conversation
        called = {one.call_id for one in conversation if one.kind == "function_call"}
        if item.kind == "function_call_output" and item.call_id not in called:
            raise BadInput(f"there is no call {item.call_id!r} in the conversation", param="item.call_id")
        self._session.add(item, after, audio)

    def _truncate(self, what: ce.ItemTruncate) -> None:
        if what.audio_end_ms < 0:
            raise BadInput(f"audio_end_ms can't be {what.audio_end_ms}", param="audio_end_ms")
        if what.content_index != 0:
            raise BadInput(f"an answer has one part, 0, and not {what.content_index}", param="content_index")
        self._session.truncate(what.item_id, what.audio_end_ms / 1000)

    def _retrieved(self, item_id: str) -> Item:
        try:
            return self._session.conversation.get(item_id)
        except BadInput as error:
            raise BadInput(error.message, code="item_retrieve_invalid_item_id", param="item_id") from None

    async def _respond(self, given: ResponseParam | None) -> None:
        settings, coding = self._config.for_response(given)
        asked = given or ResponseParam()
        if asked.conversation not in (None, "auto", "none"):
            raise BadInput(f"conversation is auto or none, not {asked.conversation!r}", param="response.conversation")
        items = None if asked.input is None else [self._given(at, one) for at, one in enumerate(asked.input)]
        self.next_format = coding
        try:
            aside = asked.conversation == "none"
            # A film is of one answer at a time.
            able = replace(settings, video=None) if aside else self._stage.able(settings)
            await self._session.respond(able, asked.metadata, items=items, aside=aside)
        finally:
            self.next_format = None

    def _given(self, at: int, item: ItemParam) -> tuple[Item, bytes]:
        """An item of a response's `input`."""
        if item.type != "item_reference":
            return read_item(item, self._limits, self._config.heard, f"response.input[{at}]")
        try:
            return self._session.conversation.get(item.id or ""), b""
        except BadInput as error:
            raise BadInput(error.message, code="item_not_found", param=f"response.input[{at}].id") from None

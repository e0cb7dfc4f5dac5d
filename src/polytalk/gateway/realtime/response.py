"""One response on the wire: its items and their parts, from `response.created` to `response.done`."""

from collections.abc import Iterator
from math import ceil

from polytalk.dialogue import events
from polytalk.dialogue.conversation.items import Item
from polytalk.gateway.realtime.avatar_options import AvatarOptions
from polytalk.gateway.realtime.face_events import blendshapes, visemes, words
from polytalk.gateway.realtime.formats import Format, shown_format
from polytalk.gateway.realtime.items import item_object
from polytalk.gateway.realtime.wires import Wire, event
from polytalk.types import Usage

HEARD_TOKENS = 10
"""A second of the user's speech, as the published API counts it …"""
SPOKEN_TOKENS = 20
"""… and one of ours."""


class Response:
    """Knows the places of its items."""

    def __init__(
        self, began: events.ResponseStarted, conversation: str | None, options: AvatarOptions, coding: Format
    ) -> None:
        """`conversation`: that it is part of, if any."""
        self._began = began
        self._conversation = conversation
        self._options = options
        self._outputs: dict[str, Item] = {}
        self._audio = began.modality == "audio"
        self._coding: Format = coding

    def shown(self, finished: events.ResponseFinished | None = None) -> Wire:
        """The `response` of an event."""
        began = self._began
        shown: Wire = {
            "id": began.response,
            "object": "realtime.response",
            "status": "in_progress" if finished is None else finished.status,
            "status_details": None if finished is None else _status_details(finished),
            "output": [item_object(item) for item in self._outputs.values()] if finished else [],
            "conversation_id": self._conversation,
            "output_modalities": [began.modality],
            "max_output_tokens": began.max_tokens or "inf",
            "metadata": began.metadata,
            "usage": None if finished is None else _usage(finished),
        }
        if self._audio:
            shown["audio"] = {"output": {"format": shown_format(self._coding), "voice": began.voice}}
        return shown

    def added(self, what: events.OutputAdded) -> Iterator[Wire]:
        """An item begins."""
        item = what.item
        self._outputs[item.id] = item
        shown = item_object(item)
        yield event("response.output_item.added", response_id=self._began.response, output_index=what.index, item=shown)
        if self._conversation is not None:
            yield event("conversation.item.added", item=shown, previous_item_id=what.previous)
        if item.kind == "message":
            part = {"type": "audio", "transcript": ""} if self._audio else {"type": "text", "text": ""}
            yield self._at("response.content_part.added", item.id, part=part)

    def called(self, what: events.Called) -> Iterator[Wire]:
        """More of a call's arguments."""
        yield self._of("response.function_call_arguments.delta", what.item, call_id=what.call, delta=what.delta)

    def said(self, what: events.Said) -> Iterator[Wire]:
        """Words."""
        kind = "response.output_audio_transcript" if self._audio else "response.output_text"
        yield self._at(f"{kind}.delta", what.item, delta=what.text)
        if self._audio and self._options.words:
            for timed in words(what):
                yield self._at("response.audio_timestamp.delta", what.item, **timed)

    def spoke(self, what: events.Spoke) -> Iterator[Wire]:
        """Sound, and what goes with it."""
        if what.audio:
            yield self._at("response.output_audio.delta", what.item, delta=what.audio)
        if what.mouth and self._options.blendshapes:
            yield self._at("response.animation_blendshapes.delta", what.item, **blendshapes(what))
        if self._options.visemes:
            for timed in visemes(what):
                yield self._at("response.animation_viseme.delta", what.item, **timed)

    def done(self, item: Item) -> Iterator[Wire]:
        """An item is over."""
        shown = item_object(item)
        if item.kind == "message":
            yield from self._message_done(item)
        else:
            yield self._of(
                "response.function_call_arguments.done",
                item.id,
                call_id=item.call_id,
                name=item.name,
                arguments=item.text,
            )
        response, index = self._began.response, self._index(item.id)
        yield event("response.output_item.done", response_id=response, output_index=index, item=shown)
        if self._conversation is not None:
            yield event("conversation.item.done", item=shown)

    def _message_done(self, item: Item) -> Iterator[Wire]:
        if not self._audio:
            yield self._at("response.output_text.done", item.id, text=item.text)
            yield self._at("response.content_part.done", item.id, part={"type": "text", "text": item.text})
            return
        yield self._at("response.output_audio.done", item.id)
        yield self._at("response.output_audio_transcript.done", item.id, transcript=item.text)
        for wanted, kind in (
            (self._options.blendshapes, "response.animation_blendshapes.done"),
            (self._options.visemes, "response.animation_viseme.done"),
            (self._options.words, "response.audio_timestamp.done"),
        ):
            if wanted:
                yield self._at(kind, item.id)
        yield self._at("response.content_part.done", item.id, part={"type": "audio", "transcript": item.text})

    def _index(self, item: str) -> int:
        return [*self._outputs].index(item)

    def _of(self, kind: str, item: str, **fields: object) -> Wire:
        return event(kind, response_id=self._began.response, item_id=item, output_index=self._index(item), **fields)

    def _at(self, kind: str, item: str, **fields: object) -> Wire:
        return self._of(kind, item, content_index=0, **fields)


def _status_details(what: events.ResponseFinished) -> Wire | None:
    if what.status == "completed":
        return None
    if what.status == "failed":
        return {"type": "failed", "error": {"type": "server_error", "code": what.reason, "message": what.message}}
    return {"type": what.status, "reason": what.reason}


def _usage(what: events.ResponseFinished) -> Wire:
    """Text is the language model's tokens, audio what the published API would count."""
    spent = what.usage or Usage(0, 0)
    heard, spoken = (ceil(round(tokens, 6)) for tokens in (what.asked * HEARD_TOKENS, what.spoke * SPOKEN_TOKENS))
    read, written = spent.input_tokens + heard, spent.output_tokens + spoken
    return {
        "total_tokens": read + written,
        "input_tokens": read,
        "output_tokens": written,
        "input_token_details": {
            "text_tokens": spent.input_tokens,
            "audio_tokens": heard,
            "cached_tokens": spent.cached_tokens,
            "cached_tokens_details": {"text_tokens": spent.cached_tokens, "audio_tokens": 0},
        },
        "output_token_details": {"text_tokens": spent.output_tokens, "audio_tokens": spoken},
    }

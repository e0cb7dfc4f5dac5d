"""What the dialogue says, in the protocol's words. Pure: one dialogue event in, wire events out."""

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from polytalk.dialogue import events
from polytalk.dialogue.conversation import Conversation, Item
from polytalk.dialogue.ids import new_id
from polytalk.errors import PolytalkError
from polytalk.types import MOUTH_PARAMS, Usage

Wire: TypeAlias = dict[str, Any]
"""One event, ready to be encoded; `bytes` values become base64."""

LONGEST_MESSAGE = 500
"""Messages quote what the client sent, and it may have sent a megabyte."""


def event(kind: str, **fields: Any) -> Wire:
    """An event with an id of its own."""
    return {"type": kind, "event_id": new_id("event"), **fields}


def error_event(error: PolytalkError, offender: str | None = None) -> Wire:
    """The `error` event; `offender` is the id of the client event that caused it."""
    code = getattr(error, "detail", error.code)
    kind = "invalid_request_error" if hasattr(error, "detail") else "server_error"
    shown = {
        "type": kind,
        "code": code,
        "message": error.message if len(error.message) <= LONGEST_MESSAGE else error.message[:LONGEST_MESSAGE] + "…",
        "param": getattr(error, "param", None),
        "event_id": offender,
    }
    return event("error", error=shown)


def timestamp(what: events.Said) -> Wire:
    """Where in an answer's film words begin whose transcript follows."""
    return event(
        "response.audio_timestamp.delta",
        response_id=what.response,
        item_id=what.item,
        output_index=0,
        content_index=0,
        audio_offset_ms=round(what.at * 1000),
        text=what.text,
        timestamp_type="phrase",
    )


def item_object(item: Item) -> Wire:
    """An item of the conversation as clients see it.

    A user's audio part must carry `transcript` even while it is null; nothing else may be null.
    """
    if item.role == "assistant":
        part: Wire = (
            {"type": "output_audio", "transcript": item.text}
            if item.spoken
            else {"type": "output_text", "text": item.text}
        )
        content = [part] if item.text or item.status != "in_progress" else []
    elif item.spoken:
        content = [{"type": "input_audio", "transcript": item.text or None}]
    else:
        content = [{"type": "input_text", "text": item.text}]
    return {
        "id": item.id,
        "object": "realtime.item",
        "type": "message",
        "status": item.status,
        "role": item.role,
        "content": content,
    }


class Translator:
    """Follows one session's events; knows what of a response is open."""

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._conversation_id = new_id("conv")
        self._modality = "audio"
        self._metadata: dict[str, str] | None = None
        self._answer: Item | None = None
        """Kept here, as the conversation may have forgotten it before it is over."""

    def translate(self, what: events.DialogueEvent) -> Iterator[Wire]:
        """The wire events that one dialogue event becomes, in order."""
        match what:
            case events.SpeechStarted():
                yield event("input_audio_buffer.speech_started", item_id=what.item, audio_start_ms=what.at)
            case events.SpeechStopped():
                yield event("input_audio_buffer.speech_stopped", item_id=what.item, audio_end_ms=what.at)
            case events.Committed():
                yield event("input_audio_buffer.committed", item_id=what.item, previous_item_id=what.previous)
            case events.ItemAdded():
                yield self._item("conversation.item.added", what.item, what.previous)
                if self._conversation.get(what.item).status == "completed":
                    yield self._item("conversation.item.done", what.item, what.previous)
            case events.Transcribed():
                yield from self._transcribed(what)
            case events.TranscriptionFailed():
                yield event(
                    "conversation.item.input_audio_transcription.failed",
                    item_id=what.item,
                    content_index=0,
                    error={"type": "server_error", "code": what.code, "message": what.message},
                )
            case events.ResponseStarted():
                yield from self._started(what)
            case events.Capacity():
                yield event(
                    "session.capacity.updated",
                    position=what.position,
                    expected_wait_ms=round(what.wait * 1000),
                    face=what.face,
                    fps=what.fps,
                )
            case events.Said():
                kind = "response.output_audio_transcript" if self._modality == "audio" else "response.output_text"
                yield self._content(f"{kind}.delta", what.response, what.item, delta=what.text)
            case events.Spoke():
                yield from self._spoke(what)
            case events.ResponseFinished():
                yield from self._finished(what)
            case events.ItemTruncated():
                yield event("conversation.item.truncated", item_id=what.item, content_index=0, audio_end_ms=what.heard)
            case events.Trouble():
                yield event(
                    "error",
                    error={
                        "type": "invalid_request_error",
                        "code": what.code,
                        "message": what.message,
                        "param": None,
                        "event_id": None,
                    },
                )

    def _item(self, kind: str, item_id: str, previous: str | None) -> Wire:
        return event(kind, previous_item_id=previous, item=item_object(self._conversation.get(item_id)))

    def _content(self, kind: str, response: str, item: str, **fields: Any) -> Wire:
        return event(kind, response_id=response, item_id=item, output_index=0, content_index=0, **fields)

    def _transcribed(self, what: events.Transcribed) -> Iterator[Wire]:
        kind = "conversation.item.input_audio_transcription"
        if what.text:
            yield event(f"{kind}.delta", item_id=what.item, content_index=0, delta=what.text)
        yield event(
            f"{kind}.completed",
            item_id=what.item,
            content_index=0,
            transcript=what.text,
            usage={"type": "duration", "seconds": round(what.seconds, 3)},
        )

    def _started(self, what: events.ResponseStarted) -> Iterator[Wire]:
        self._modality = what.modality
        self._metadata = what.metadata
        self._answer = self._conversation.get(what.item)
        yield event("response.created", response=self._response(what.response, "in_progress", [], None, None))
        item = item_object(self._answer)
        yield event("response.output_item.added", response_id=what.response, output_index=0, item=item)
        yield event("conversation.item.added", previous_item_id=what.previous, item=item)
        part = {"type": "audio", "transcript": ""} if self._modality == "audio" else {"type": "text", "text": ""}
        yield self._content("response.content_part.added", what.response, what.item, part=part)

    def _spoke(self, what: events.Spoke) -> Iterator[Wire]:
        if what.audio:
            yield self._content("response.output_audio.delta", what.response, what.item, delta=what.audio)
        if what.mouth:
            frames = np.frombuffer(what.mouth, np.uint8).reshape(-1, len(MOUTH_PARAMS)) / 255
            yield self._content(
                "response.animation_blendshapes.delta",
                what.response,
                what.item,
                frame_index=what.first_frame,
                frames=frames.round(3).tolist(),
            )

    def _finished(self, what: events.ResponseFinished) -> Iterator[Wire]:
        assert self._answer is not None
        item = item_object(self._answer)
        if self._modality == "audio":
            yield self._content("response.output_audio.done", what.response, what.item)
            yield self._content("response.output_audio_transcript.done", what.response, what.item, transcript=what.text)
            part = {"type": "audio", "transcript": what.text}
        else:
            yield self._content("response.output_text.done", what.response, what.item, text=what.text)
            part = {"type": "text", "text": what.text}
        yield self._content("response.content_part.done", what.response, what.item, part=part)
        yield event("response.output_item.done", response_id=what.response, output_index=0, item=item)
        yield event("conversation.item.done", item=item)
        details = _status_details(what)
        yield event("response.done", response=self._response(what.response, what.status, [item], details, what.usage))

    def _response(
        self, response_id: str, status: str, output: list[Wire], details: Wire | None, usage: Usage | None
    ) -> Wire:
        return {
            "id": response_id,
            "object": "realtime.response",
            "status": status,
            "status_details": details,
            "output": output,
            "conversation_id": self._conversation_id,
            "output_modalities": [self._modality],
            "metadata": self._metadata,
            "usage": None if status == "in_progress" else _usage(usage),
        }


def _status_details(what: events.ResponseFinished) -> Wire | None:
    if what.status == "completed":
        return None
    if what.status == "failed":
        return {"type": "failed", "error": {"type": "server_error", "code": what.reason, "message": what.message}}
    return {"type": what.status, "reason": what.reason}


def _usage(usage: Usage | None) -> Wire:
    spent = usage or Usage(0, 0)
    return {
        "total_tokens": spent.input_tokens + spent.output_tokens,
        "input_tokens": spent.input_tokens,
        "output_tokens": spent.output_tokens,
        "input_token_details": {
            "text_tokens": spent.input_tokens,
            "audio_tokens": 0,
            "cached_tokens": spent.cached_tokens,
        },
        "output_token_details": {"text_tokens": spent.output_tokens, "audio_tokens": 0},
    }

"""Events as they are on the wire."""

from typing import Any, TypeAlias

from polytalk.dialogue.ids import new_id
from polytalk.errors import PolytalkError

Wire: TypeAlias = dict[str, Any]
"""One event, ready to be encoded; `bytes` values become base64."""

PUBLISHED = frozenset(
    {
        "error",
        "session.created",
        "session.updated",
        "rate_limits.updated",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "input_audio_buffer.cleared",
        "input_audio_buffer.timeout_triggered",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "output_audio_buffer.cleared",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.deleted",
        "conversation.item.retrieved",
        "conversation.item.truncated",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "response.created",
        "response.done",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
    }
)
"""What every client may be sent."""
EXTENSION = frozenset(
    {
        "response.animation_blendshapes.delta",
        "response.animation_blendshapes.done",
        "response.animation_viseme.delta",
        "response.animation_viseme.done",
        "response.audio_timestamp.delta",
        "response.audio_timestamp.done",
        "response.video.delta",
        "response.video.done",
        "session.avatar.switch_to_speaking",
        "session.avatar.switch_to_idle",
        "session.capacity.updated",
    }
)
"""What only those are sent who asked for a face: clients of other servers break on events that they do not know."""

LONGEST_MESSAGE = 500
"""Messages quote what the client sent, and it may have sent a megabyte."""


def event(kind: str, **fields: Any) -> Wire:
    """An event with an id of its own. `kind` is one of those above: tests hold each of them against its schema."""
    assert kind in PUBLISHED or kind in EXTENSION, kind
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

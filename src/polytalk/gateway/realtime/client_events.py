"""What a client may send, as tagged Structs: decoding validates, and audio comes out of base64 on the way.

Unknown fields are ignored, as clients are newer than servers; a field of the wrong type is an error that names it.
"""

from typing import TypeAlias

import msgspec
from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.gateway.bodies import UNREADABLE, place_of
from polytalk.gateway.bounds import EventId, Id, Whole
from polytalk.gateway.realtime.session_patch import ItemParam, ResponseParam, SessionPatch


class _Event(Struct, tag_field="type"):
    event_id: EventId | None = None


class SessionUpdate(_Event, tag="session.update", kw_only=True):
    """Change the session."""

    session: SessionPatch


class AudioAppend(_Event, tag="input_audio_buffer.append", kw_only=True):
    """Microphone audio."""

    audio: bytes


class AudioCommit(_Event, tag="input_audio_buffer.commit"):
    """The utterance is complete."""


class AudioClear(_Event, tag="input_audio_buffer.clear"):
    """Forget the audio that is not committed."""


class ItemCreate(_Event, tag="conversation.item.create", kw_only=True):
    """Add an item."""

    item: ItemParam
    previous_item_id: Id | None = None


class ItemTruncate(_Event, tag="conversation.item.truncate", kw_only=True):
    """An answer was played up to here only."""

    item_id: Id
    audio_end_ms: Whole
    content_index: Whole = 0


class ItemDelete(_Event, tag="conversation.item.delete", kw_only=True):
    """Remove an item."""

    item_id: Id


class ItemRetrieve(_Event, tag="conversation.item.retrieve", kw_only=True):
    """Show an item."""

    item_id: Id


class ResponseCreate(_Event, tag="response.create"):
    """Answer."""

    response: ResponseParam | None = None


class ResponseCancel(_Event, tag="response.cancel"):
    """Stop answering."""

    response_id: Id | None = None


class OutputClear(_Event, tag="output_audio_buffer.clear"):
    """Play no more of what is being played."""


ClientEvent: TypeAlias = (
    SessionUpdate
    | AudioAppend
    | AudioCommit
    | AudioClear
    | ItemCreate
    | ItemTruncate
    | ItemDelete
    | ItemRetrieve
    | ResponseCreate
    | ResponseCancel
    | OutputClear
)

_decoder: msgspec.json.Decoder[ClientEvent] = msgspec.json.Decoder(ClientEvent)


class _Named(Struct):
    event_id: EventId | None = None
    type: str | None = None


def decode(frame: str | bytes) -> ClientEvent:
    """One frame as an event. Raises BadInput that says what is wrong with it and where."""
    try:
        return _decoder.decode(frame)
    except msgspec.ValidationError as error:
        reason, param = place_of(error)
        raise BadInput(f"{reason}{f' (at {param})' if param else ''}", param=param) from None
    except UNREADABLE as error:
        raise BadInput(f"the frame is not valid JSON: {error}", code="invalid_json") from None


def event_id_of(frame: str | bytes) -> str | None:
    """The id of an event that could not be decoded, for the error that answers it."""
    try:
        return msgspec.json.decode(frame, type=_Named).event_id
    except UNREADABLE:
        return None

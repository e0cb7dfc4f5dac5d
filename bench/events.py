"""The server events that a caller looks at, decoded; audio comes out of base64 on the way."""

from typing import TypeAlias

import msgspec
from msgspec import Struct


class Session(Struct):
    """The part of a session that is looked at."""

    id: str


class SessionCreated(Struct):
    session: Session


class SessionUpdated(Struct):
    session: Session


class SpeechStarted(Struct):
    item_id: str


class SpeechStopped(Struct):
    item_id: str


class Transcribed(Struct):
    item_id: str
    transcript: str


class ResponseDetails(Struct):
    reason: str = ""


class Response(Struct):
    id: str
    status: str = ""
    status_details: ResponseDetails | None = None


class ResponseCreated(Struct):
    response: Response


class Item(Struct):
    id: str


class OutputItemAdded(Struct):
    response_id: str
    item: Item


class TranscriptDelta(Struct):
    response_id: str
    item_id: str
    delta: str


class AudioDelta(Struct):
    response_id: str
    item_id: str
    delta: bytes


class MouthDelta(Struct):
    response_id: str
    item_id: str
    frames: list[list[float]]


class ResponseDone(Struct):
    response: Response


class CapacityUpdated(Struct):
    position: int
    """Place in the queue for room; 0 when the turn has room."""


class ErrorDetails(Struct):
    message: str
    code: str | None = None


class Error(Struct):
    error: ErrorDetails


Event: TypeAlias = (
    SessionCreated
    | SessionUpdated
    | SpeechStarted
    | SpeechStopped
    | Transcribed
    | ResponseCreated
    | OutputItemAdded
    | TranscriptDelta
    | AudioDelta
    | MouthDelta
    | ResponseDone
    | CapacityUpdated
    | Error
)

_KINDS: dict[str, type[Event]] = {
    "session.created": SessionCreated,
    "session.updated": SessionUpdated,
    "input_audio_buffer.speech_started": SpeechStarted,
    "input_audio_buffer.speech_stopped": SpeechStopped,
    "conversation.item.input_audio_transcription.completed": Transcribed,
    "response.created": ResponseCreated,
    "response.output_item.added": OutputItemAdded,
    "response.output_audio_transcript.delta": TranscriptDelta,
    "response.output_audio.delta": AudioDelta,
    "response.animation_blendshapes.delta": MouthDelta,
    "response.done": ResponseDone,
    "session.capacity.updated": CapacityUpdated,
    "error": Error,
}


class _Kind(Struct):
    type: str


_kind = msgspec.json.Decoder(_Kind)
_decoders = {name: msgspec.json.Decoder(kind) for name, kind in _KINDS.items()}


def decode(frame: bytes | str) -> Event | None:
    """The event in a frame; None for a kind nobody here looks at. Raises msgspec.ValidationError."""
    decoder = _decoders.get(_kind.decode(frame).type)
    return None if decoder is None else decoder.decode(frame)

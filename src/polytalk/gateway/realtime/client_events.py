"""What a client may send, as tagged Structs: decoding validates, and audio comes out of base64 on the way.

Unknown fields are ignored, as clients are newer than servers; a field of the wrong type is an error that names it.
"""

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, Struct, UnsetType

from polytalk.errors import BadInput

Maybe: TypeAlias = UnsetType


class AudioFormat(Struct):
    """How audio is encoded on the wire."""

    type: str = "audio/pcm"
    rate: int | None = None


class TurnDetectionPatch(Struct):
    """How the server finds the end of a turn."""

    type: Literal["server_vad", "semantic_vad"] = "server_vad"
    threshold: float | None = None
    prefix_padding_ms: int | None = None
    silence_duration_ms: int | None = None
    create_response: bool | None = None
    interrupt_response: bool | None = None
    eagerness: Literal["low", "medium", "high", "auto"] | None = None


class InputTranscription(Struct):
    """Which language is spoken; the model name is accepted and not used."""

    model: str | None = None
    language: str | None = None


class InputPatch(Struct):
    """`session.audio.input`."""

    format: AudioFormat | Maybe | None = UNSET
    transcription: InputTranscription | Maybe | None = UNSET
    turn_detection: TurnDetectionPatch | Maybe | None = UNSET


class OutputPatch(Struct):
    """`session.audio.output`."""

    format: AudioFormat | Maybe | None = UNSET
    voice: str | Maybe | None = UNSET
    speed: float | Maybe | None = UNSET


class AudioPatch(Struct):
    """`session.audio`."""

    input: InputPatch | None = None
    output: OutputPatch | None = None


class Resolution(Struct):
    """Of a picture, in pixels."""

    width: int
    height: int


class VideoPatch(Struct):
    """`session.avatar.video`."""

    codec: Literal["h264", "vp9"] | list[str] | None = None
    """One, or all that the client can play."""
    audio_codec: Literal["opus", "aac"] | list[str] | None = None
    resolution: Resolution | None = None
    fps: float | None = None


class AvatarPatch(Struct):
    """`session.avatar`: asking for it is what turns the mouth frames on, and, by a protocol for them, pictures."""

    character: str | None = None
    output_protocol: Literal["websocket", "media"] | None = None
    """Where pictures go that are drawn here: over this socket, or one of their own. None: the client draws."""
    video: VideoPatch | None = None


class SessionPatch(Struct):
    """The fields of a session that a client may change; those it leaves out stay."""

    type: Literal["realtime"] = "realtime"
    output_modalities: list[Literal["audio", "text"]] | Maybe | None = UNSET
    instructions: str | Maybe | None = UNSET
    max_output_tokens: int | Literal["inf"] | Maybe | None = UNSET
    audio: AudioPatch | None = None
    avatar: AvatarPatch | Maybe | None = UNSET


class ContentPart(Struct):
    """A part of an item that a client adds."""

    type: str
    text: str | None = None
    transcript: str | None = None
    audio: bytes | None = None


class ItemParam(Struct):
    """An item that a client adds."""

    type: str = "message"
    id: str | None = None
    role: Literal["user", "assistant", "system"] = "user"
    content: list[ContentPart] = []


class ResponseParam(Struct):
    """How one answer differs from the session."""

    instructions: str | None = None
    output_modalities: list[Literal["audio", "text"]] | None = None
    max_output_tokens: int | Literal["inf"] | None = None
    metadata: dict[str, str] | None = None
    audio: AudioPatch | None = None


class _Event(Struct, tag_field="type"):
    event_id: str | None = None


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
    previous_item_id: str | None = None


class ItemTruncate(_Event, tag="conversation.item.truncate", kw_only=True):
    """An answer was played up to here only."""

    item_id: str
    audio_end_ms: int
    content_index: int = 0


class ItemDelete(_Event, tag="conversation.item.delete", kw_only=True):
    """Remove an item."""

    item_id: str


class ItemRetrieve(_Event, tag="conversation.item.retrieve", kw_only=True):
    """Show an item."""

    item_id: str


class ResponseCreate(_Event, tag="response.create"):
    """Answer."""

    response: ResponseParam | None = None


class ResponseCancel(_Event, tag="response.cancel"):
    """Stop answering."""

    response_id: str | None = None


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

UNREADABLE = (msgspec.DecodeError, UnicodeError, RecursionError)
"""What decoding raises for bytes that are no JSON, or JSON nested beyond reason."""

_decoder: msgspec.json.Decoder[ClientEvent] = msgspec.json.Decoder(ClientEvent)


class _Named(Struct):
    event_id: str | None = None
    type: str | None = None


def decode(frame: str | bytes) -> ClientEvent:
    """One frame as an event. Raises BadInput that says what is wrong with it and where."""
    try:
        return _decoder.decode(frame)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$")
        param = path.rstrip("`").lstrip(".") or None
        raise BadInput(f"{reason}{f' (at {param})' if param else ''}", param=param) from None
    except UNREADABLE as error:
        raise BadInput(f"the frame is not valid JSON: {error}", code="invalid_json") from None


def event_id_of(frame: str | bytes) -> str | None:
    """The id of an event that could not be decoded, for the error that answers it."""
    try:
        return msgspec.json.decode(frame, type=_Named).event_id
    except UNREADABLE:
        return None

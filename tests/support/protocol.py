"""What existing clients expect of the Realtime protocol's events, by the types of the `openai` package."""

from typing import Annotated, Any, Literal, TypeAlias, get_args

from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, ConfigDict, Field, create_model

from polytalk.gateway.realtime.wires import EXTENSION

Wire: TypeAlias = dict[str, Any]
"""An event as it is on the wire."""

KNOWN_EXTRAS = {"session": {"id", "object", "expires_at", "avatar", "animation", "output_audio_timestamp_types"}}
"""Fields that the service sends and the package's types leave out, by the field of the event that they are in."""

PUBLISHED_MODELS: dict[str, type[BaseModel]] = {
    get_args(kind.model_fields["type"].annotation)[0]: kind for kind in get_args(get_args(RealtimeServerEvent)[0])
}
"""All events that the package knows, by their types."""

_AT: dict[str, Any] = {"response_id": str, "item_id": str, "output_index": int, "content_index": int}
_SHAPE = Annotated[list[Annotated[float, Field(ge=0, le=1)]], Field(min_length=9, max_length=9)]
_EXTENSION_FIELDS: dict[str, dict[str, Any]] = {
    "response.animation_blendshapes.delta": {**_AT, "frame_index": int, "frames": list[_SHAPE]},
    "response.animation_blendshapes.done": _AT,
    "response.animation_viseme.delta": {
        **_AT,
        "audio_offset_ms": int,
        "viseme_id": Annotated[int, Field(ge=0, le=21)],
    },
    "response.animation_viseme.done": _AT,
    "response.audio_timestamp.delta": {
        **_AT,
        "audio_offset_ms": int,
        "audio_duration_ms": int,
        "text": str,
        "timestamp_type": Literal["word", "phrase"],
    },
    "response.audio_timestamp.done": _AT,
    "response.video.delta": {**_AT, "codec": str, "delta": str},
    "response.video.done": _AT,
    "session.avatar.switch_to_speaking": {"response_id": str},
    "session.avatar.switch_to_idle": {"response_id": str},
    "session.capacity.updated": {"position": int, "expected_wait_ms": int, "face": bool, "fps": float},
}


def _extension(kind: str) -> type[BaseModel]:
    fields: dict[str, Any] = {name: (of, ...) for name, of in _EXTENSION_FIELDS[kind].items()}
    made: type[BaseModel] = create_model(
        kind, __config__=ConfigDict(extra="forbid", strict=True), type=(str, ...), event_id=(str, ...), **fields
    )
    return made


_extensions = {kind: _extension(kind) for kind in EXTENSION}
"""A new event without its fields above fails here."""


def check_event(wire: Wire) -> None:
    """Assert that strict clients can read it: an id, the right types, and no field that they don't know."""
    assert wire["event_id"].startswith("event_")
    if wire["type"] in EXTENSION:
        _extensions[wire["type"]].model_validate(wire)
    else:
        event = PUBLISHED_MODELS[wire["type"]].model_validate(wire, strict=True)
        unknown = _extras(event)
        assert not unknown, f"{wire['type']} has fields that clients don't know: {unknown}"


def _extras(value: Any, path: str = "") -> list[str]:
    if isinstance(value, list):
        return [extra for one in value for extra in _extras(one, path)]
    if not isinstance(value, BaseModel):
        return []
    found = [f"{path}{name}" for name in value.model_extra or {} if name not in KNOWN_EXTRAS.get(path.rstrip("."), ())]
    for name in type(value).model_fields:
        found += _extras(getattr(value, name), f"{path}{name}.")
    return found

"""What existing clients expect of the Realtime protocol's events, by the types of the `openai` package."""

from typing import Any, TypeAlias

from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter

Wire: TypeAlias = dict[str, Any]
"""An event as it is on the wire."""

EXTENSION = {
    "response.animation_blendshapes.delta",
    "response.audio_timestamp.delta",
    "response.video.delta",
    "response.video.done",
    "session.capacity.updated",
}
"""Events that only sessions with an avatar get; clients of other servers don't know them."""
KNOWN_EXTRAS = {"session": {"id", "object", "expires_at", "avatar"}}
"""Fields that the service sends and the package's types leave out, by the field of the event that they are in."""

_adapter: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)


def check_event(wire: Wire) -> None:
    """Assert that strict clients can read it: an id, the right types, and no field that they don't know."""
    assert wire["event_id"].startswith("event_")
    if wire["type"] not in EXTENSION:
        event = _adapter.validate_python(wire, strict=True)
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

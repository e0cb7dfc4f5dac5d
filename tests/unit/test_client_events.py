"""What clients may send: decoded and checked in one go, with errors that name the field."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from polytalk.errors import BadInput
from polytalk.gateway.realtime import client_events as ce
from polytalk.gateway.realtime.session_patch import InputPatch, SessionPatch


def decode(**fields: Any) -> ce.ClientEvent:
    return ce.decode(json.dumps(fields))


def test_audio_comes_out_of_base64() -> None:
    got = decode(type="input_audio_buffer.append", event_id="mine", audio=base64.b64encode(b"\x01\x02").decode())
    assert got == ce.AudioAppend(event_id="mine", audio=b"\x01\x02")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("input_audio_buffer.commit", ce.AudioCommit()),
        ("input_audio_buffer.clear", ce.AudioClear()),
        ("response.create", ce.ResponseCreate()),
        ("response.cancel", ce.ResponseCancel()),
    ],
)
def test_events_without_contents(kind: str, expected: ce.ClientEvent) -> None:
    assert decode(type=kind) == expected


def test_unknown_fields_are_ignored_as_clients_are_newer_than_servers() -> None:
    got = decode(type="session.update", session={"type": "realtime", "novelty": {"a": [1]}})
    assert got == ce.SessionUpdate(session=SessionPatch())


def test_left_out_and_null_are_told_apart() -> None:
    left_out = decode(type="session.update", session={"audio": {"input": {}}})
    null = decode(type="session.update", session={"audio": {"input": {"turn_detection": None}}})
    assert isinstance(left_out, ce.SessionUpdate)
    assert isinstance(null, ce.SessionUpdate)
    assert left_out.session.audio is not None
    assert left_out.session.audio.input == InputPatch(turn_detection=UNSET)
    assert null.session.audio is not None
    assert null.session.audio.input == InputPatch(turn_detection=None)


BAD: dict[str, tuple[dict[str, Any], str | None, str]] = {
    "unknown type": ({"type": "session.destroy"}, "type", "Invalid value 'session.destroy'"),
    "no type": ({"event_id": "x"}, None, "missing required field `type`"),
    "no audio": ({"type": "input_audio_buffer.append"}, None, "missing required field `audio`"),
    "not base64": ({"type": "input_audio_buffer.append", "audio": "?"}, "audio", "Invalid base64"),
    "audio a number": ({"type": "input_audio_buffer.append", "audio": 7}, "audio", "Expected `bytes`, got `int`"),
    "threshold a word": (
        {"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"threshold": "high"}}}}},
        "session.audio.input.turn_detection.threshold",
        "Expected `float | null`, got `str`",
    ),
    "unknown turn detection": (
        {"type": "session.update", "session": {"audio": {"input": {"turn_detection": {"type": "magic"}}}}},
        "session.audio.input.turn_detection.type",
        "Invalid enum value 'magic'",
    ),
    "unknown modality": (
        {"type": "session.update", "session": {"output_modalities": ["video"]}},
        "session.output_modalities[0]",
        "Invalid enum value 'video'",
    ),
    "another type of session": (
        {"type": "session.update", "session": {"type": "transcription"}},
        "session.type",
        "Invalid enum value 'transcription'",
    ),
    "unknown role": (
        {"type": "conversation.item.create", "item": {"role": "tool"}},
        "item.role",
        "Invalid enum value 'tool'",
    ),
    "content a text": (
        {"type": "conversation.item.create", "item": {"content": "Hi"}},
        "item.content",
        "Expected `array`, got `str`",
    ),
    "no item": ({"type": "conversation.item.delete"}, None, "missing required field `item_id`"),
    "metadata not texts": (
        {"type": "response.create", "response": {"metadata": {"n": 1}}},
        "response.metadata[...]",
        "Expected `str`, got `int`",
    ),
}


@pytest.mark.parametrize(("fields", "param", "reason"), BAD.values(), ids=BAD)
def test_an_error_says_what_is_wrong_and_where(fields: dict[str, Any], param: str | None, reason: str) -> None:
    with pytest.raises(BadInput) as refused:
        decode(**fields)
    assert refused.value.param == param
    assert reason in refused.value.message
    assert param is None or f"(at {param})" in refused.value.message


DEEP = '{"type": "response.create", "x": ' + "[" * 100_000


@pytest.mark.parametrize("frame", ["", "{", "nonsense", '{"type": "response.create"', "\ud800", DEEP])
def test_what_is_no_json_is_an_error_of_its_own(frame: str) -> None:
    with pytest.raises(BadInput, match="the frame is not valid JSON") as refused:
        ce.decode(frame)
    assert refused.value.detail == "invalid_json"
    assert ce.event_id_of(frame) is None


@pytest.mark.parametrize("frame", ["[]", "7", "null", '"response.create"'])
def test_json_that_is_no_event_is_refused(frame: str) -> None:
    with pytest.raises(BadInput, match="Expected `object`"):
        ce.decode(frame)
    assert ce.event_id_of(frame) is None


def test_the_id_of_a_bad_event_is_found_for_the_answer() -> None:
    assert ce.event_id_of('{"type": "session.destroy", "event_id": "mine"}') == "mine"
    assert ce.event_id_of('{"type": "session.destroy", "event_id": 7}') is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
KINDS = [
    "session.update",
    "input_audio_buffer.append",
    "input_audio_buffer.commit",
    "conversation.item.create",
    "conversation.item.truncate",
    "response.create",
]
FIELDS = ["session", "audio", "item", "item_id", "audio_end_ms", "response", "event_id", "previous_item_id"]


@given(st.sampled_from(KINDS), st.dictionaries(st.sampled_from(FIELDS), json_values))
def test_whatever_json_comes_is_an_event_or_bad_input(kind: str, fields: dict[str, Any]) -> None:
    try:
        decode(type=kind, **fields)
    except BadInput as refused:
        message = refused.message
    else:
        message = "an event"
    assert message

"""Nothing that a client names or has kept is without a bound: the published ones, and where they are looked at."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.items import Item
from polytalk.errors import BadInput
from polytalk.gateway.bodies import decode
from polytalk.gateway.realtime import client_events as ce
from polytalk.gateway.realtime.session_config import ECHO_BYTES
from tests.support.client import Client
from tests.support.scene import Scene

LOOKED_AT_LATER = {
    "ContentPart.text",
    "ContentPart.transcript",
    "InputTranscription.prompt",
    "InputTranscription.keywords",
    "InputTranscription.languages",
    "ItemParam.arguments",
    "ItemParam.id",
    "ItemParam.name",
    "ItemParam.output",
    "Prompt.variables",
    "ResponseParam.instructions",
    "ResponseParam.tools",
    "SessionPatch.instructions",
    "SessionPatch.tools",
    "AvatarPatch.style",
    "Animation.outputs",
    "SessionPatch.output_audio_timestamp_types",
    "ToolChoiceParam.name",
    "Background.color",
    "Background.image_url",
    "ToolParam.description",
    "ToolParam.name",
    "ToolParam.parameters",
    "Tracing.metadata",
}
"""Texts by their characters, lists of names that are known, what is looked up, refused, or bounded as a whole."""


def unbounded(kind: Any, where: str, seen: set[str]) -> Iterator[str]:
    """Fields below a type in which as much may stand as an event has room for."""
    info = msgspec.inspect
    match kind:
        case info.StructType():
            if kind.cls.__name__ not in seen:
                seen.add(kind.cls.__name__)
                for field in kind.fields:
                    yield from unbounded(field.type, f"{kind.cls.__name__}.{field.name}", seen)
        case info.UnionType():
            for one in kind.types:
                yield from unbounded(one, where, seen)
        case info.StrType() | info.AnyType():
            if getattr(kind, "max_length", None) is None:
                yield where
        case info.ListType() | info.VarTupleType():
            if kind.max_length is None:
                yield where
            yield from unbounded(kind.item_type, where, seen)
        case info.DictType():
            if kind.max_length is None:
                yield where
            yield from unbounded(kind.key_type, where, seen)
            yield from unbounded(kind.value_type, where, seen)


def test_a_field_without_a_bound_is_looked_at_later() -> None:
    found = set(unbounded(msgspec.inspect.type_info(ce.ClientEvent), "", set()))
    assert found == LOOKED_AT_LATER


def test_every_whole_number_is_one_that_can_be_divided_and_shown() -> None:
    event = {"type": "conversation.item.truncate", "item_id": "a", "audio_end_ms": 10**400}
    with pytest.raises(BadInput, match="audio_end_ms"):
        ce.decode(json.dumps(event))
    assert set(whole(msgspec.inspect.type_info(ce.ClientEvent), "", set())) == set()


def whole(kind: Any, where: str, seen: set[str]) -> Iterator[str]:
    """Fields below a type that are numbers of any length."""
    info = msgspec.inspect
    match kind:
        case info.StructType() if kind.cls.__name__ not in seen:
            seen.add(kind.cls.__name__)
            for field in kind.fields:
                yield from whole(field.type, f"{kind.cls.__name__}.{field.name}", seen)
        case info.UnionType():
            for one in kind.types:
                yield from whole(one, where, seen)
        case info.IntType() if kind.le is None or kind.ge is None:
            yield where
        case info.ListType() | info.VarTupleType():
            yield from whole(kind.item_type, where, seen)
        case info.TupleType():
            for one in kind.item_types:
                yield from whole(one, where, seen)


def nested(path: str, value: Any) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


MESSAGE = {"type": "input_text", "text": "Hi"}
TOOL = {"type": "function", "name": "look"}
LATE = "session.update"
TOO_MUCH: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "17 pairs": (
        "response.create",
        nested("response.metadata", {str(n): "" for n in range(17)}),
        "response.metadata",
    ),
    "long key": ("response.create", nested("response.metadata", {"k" * 65: ""}), "response.metadata"),
    "long value": ("response.create", nested("response.metadata", {"k": "v" * 513}), "response.metadata[...]"),
    "item": ("conversation.item.delete", {"item_id": "x" * 65}, "item_id"),
    "answer": ("response.cancel", {"response_id": "x" * 65}, "response_id"),
    "before": ("conversation.item.create", {"item": {}, "previous_item_id": "x" * 65}, "previous_item_id"),
    "own id": ("conversation.item.create", nested("item", {"id": "x" * 65, "content": [MESSAGE]}), "item.id"),
    "call": (
        "conversation.item.create",
        nested("item", {"type": "function_call", "name": "look", "call_id": "x" * 65}),
        "item.call_id",
    ),
    "function": (
        "conversation.item.create",
        nested("item", {"type": "function_call", "name": "x" * 65}),
        "item.name",
    ),
    "function with a line break": (
        "conversation.item.create",
        nested("item", {"type": "function_call", "name": "look\n"}),
        "item.name",
    ),
    "parts": ("conversation.item.create", nested("item.content", [MESSAGE] * 65), "item.content"),
    "items": ("response.create", nested("response.input", [{"content": [MESSAGE]}] * 65), "response.input"),
    "functions": (
        LATE,
        nested("session.tools", [TOOL | {"name": f"f{n}"} for n in range(129)]),
        "session.tools",
    ),
    "description": (LATE, nested("session.tools", [TOOL | {"description": "x" * 200_000}]), "session.tools"),
    "parameters": (
        LATE,
        nested("session.tools", [TOOL | {"parameters": {"x": "x" * 200_000}}]),
        "session.tools",
    ),
    "tracing": (LATE, nested("session.tracing.metadata", {"a": "x" * ECHO_BYTES}), "session.tracing"),
    "workflow": (LATE, nested("session.tracing.workflow_name", "x" * 257), "session.tracing.workflow_name"),
    "prompt": (LATE, nested("session.prompt.id", "x" * 65), "session.prompt.id"),
    "words": (
        LATE,
        nested("session.audio.input.transcription.keywords", ["x" * 256] * 200),
        "session.audio.input.transcription",
    ),
    "language": (
        LATE,
        nested("session.audio.input.transcription.language", "x" * 36),
        "session.audio.input.transcription.language",
    ),
    "voice": (LATE, nested("session.audio.output.voice", "x" * 65), "session.audio.output.voice"),
    "avatar": (LATE, nested("session.avatar.character", "x" * 65), "session.avatar.character"),
    "depth of a function": (
        LATE,
        nested("session.tools", [TOOL | {"parameters": nested(".".join("a" * 65), 1)}]),
        "session.tools",
    ),
    "depth that is shown": (LATE, nested("session.tracing.metadata." + ".".join("a" * 64), 1), "session.tracing"),
    "milliseconds": (
        LATE,
        nested("session.audio.input.turn_detection.silence_duration_ms", 10**25),
        "session.audio.input.turn_detection.silence_duration_ms",
    ),
    "depth of arguments": (
        "conversation.item.create",
        nested("item", {"type": "function_call", "name": "look", "arguments": '{"a":' + "[" * 3_000}),
        "item.arguments",
    ),
    "instructions": (LATE, nested("session.instructions", "x" * 8_001), "session.instructions"),
}


@pytest.mark.looptime
async def test_what_is_too_much_is_refused_by_its_field_and_nothing_of_it_is_kept() -> None:
    async with Scene() as scene, Client(scene) as client:
        for name, (kind, fields, param) in TOO_MUCH.items():
            error = await client.refused(kind, event_id="mine", **fields)
            assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_value"), name
            assert (error["param"], error["event_id"]) == (param, "mine"), name
            assert len(error["message"]) < 600, name
        await client.send("session.update", session={"type": "realtime"})
        assert client.only("session.updated")["session"] == client.only("session.created")["session"]
        assert len(client.session.conversation) == 0


@pytest.mark.looptime
async def test_as_much_as_is_published_is_taken() -> None:
    async with Scene() as scene, Client(scene) as client:
        metadata = {f"{n:064}": "v" * 512 for n in range(16)}
        await client.send("response.create", event_id="e" * 512, response={"metadata": metadata})
        assert (await client.until("response.done"))["response"]["metadata"] == metadata
        assert "error" not in client.kinds


def test_the_name_of_an_event_that_is_too_long_is_not_sent_back() -> None:
    assert ce.event_id_of(json.dumps({"type": "x", "event_id": "e" * 513})) is None


def test_a_body_nested_beyond_reason_is_refused() -> None:
    with pytest.raises(BadInput, match="no JSON"):
        decode(b"[" * 100_000, list)


def test_a_conversation_is_bounded_in_characters_and_the_newest_item_stays() -> None:
    conversation = Conversation(100, max_chars=10)
    for name in "abcd":
        conversation.add(Item(name, "user", name * 4))
    assert [item.id for item in conversation] == ["c", "d"]
    conversation.add(Item("rules", "system", "x" * 8), after="root")
    assert [item.id for item in conversation] == ["rules"]
    conversation.add(Item("long", "user", "x" * 50))
    assert [item.id for item in conversation] == ["long"]


@pytest.mark.looptime
async def test_a_prompt_s_variables_do_not_make_instructions_longer_than_they_may_be() -> None:
    async with Scene() as scene, Client(scene) as client:
        client.connection._config._settings.prompts["greet"] = "Greet {{name}}. " * 3
        given = {"id": "greet", "variables": {"name": "x" * 3_000}}
        error = await client.refused("session.update", session={"type": "realtime", "prompt": given})
        assert (error["param"], error["code"]) == ("session.prompt", "invalid_value")

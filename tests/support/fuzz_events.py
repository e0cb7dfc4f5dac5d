"""Client events for fuzzing: good ones, good ones in which something is wrong, and frames that are none.

`Pick(n)` stands for an id that is known only while a conversation goes on: the n-th of those there are.
"""

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from hypothesis import strategies as st
from msgspec import Struct

from tests.support.sound import voice

Event: TypeAlias = dict[str, Any]


class Pick(Struct, frozen=True):
    """An id of this kind, when it is sent."""

    of: str
    number: int


def _one_of(values: Sequence[Any]) -> st.SearchStrategy[Any]:
    """By number: hypothesis describes strategies by all that they may give, again and again."""
    return st.integers(0, len(values) - 1).map(lambda n: _copied(values[n]))


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _copied(one) for name, one in value.items()}
    return [_copied(one) for one in value] if isinstance(value, list) else value


def _pick(of: str) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(Pick, st.just(of), st.integers(0, 5)), st.builds(Pick, st.just(of), st.just(-1)), st.just("ghost")
    )


_JUNK: Sequence[Any] = [
    *(None, True, False, -1, 0, 1, 2**31, 2**63, -(2**63), 2**64, 10**25, 10**400),
    *(-0.5, 0.0, 1.5, 1e308, float("nan"), float("inf"), float("-inf")),
    *("", " ", "\x00", "\ud800", "\U0001f600" * 3, "\u202e\u0301", "x" * 600, "x" * 20_000, "inf", "auto"),
    *([], [[]], [None], {}, {"": {}}, {"type": None}, {"type": "realtime"}, [1, "2", {"3": 4}]),
]
JUNK = st.one_of(_one_of(_JUNK), st.text(max_size=8))
"""Any value of the wrong type, size or shape."""

TEXT = st.one_of(
    _one_of(["Hi.", "What can you do?", "你好。", "\U0001f600", "a\x00b", "?", " ", "x" * 8_001, "One two. " * 300]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
AUDIO = st.one_of(
    _one_of([0, 1, 2, 3, 4_801, 4_800, 24_000, 96_000]).map(bytes),
    _one_of([0.1, 1.0, 3.0]).map(voice),
    st.binary(max_size=50),
).map(lambda pcm: base64.b64encode(pcm).decode())
ID = st.one_of(_one_of(["a", "b", "c", "root", "", "x" * 64, "x" * 65, "\U0001f600", "a\x00"]), _pick("item"))
FORMAT = _one_of(
    [
        {"type": "audio/pcm"},
        {"type": "audio/pcm", "rate": 24_000},
        {"type": "audio/pcm", "rate": 8_000},
        {"type": "audio/pcmu"},
        {"type": "audio/pcma"},
        {"type": "audio/opus"},
    ]
)
DETECTION = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"type": _one_of(["server_vad", "semantic_vad"])},
        optional={
            "threshold": _one_of([0, 0.01, 0.5, 1, 1.01]),
            "prefix_padding_ms": _one_of([-1, 0, 300, 59_000, 10**9, 10**400]),
            "silence_duration_ms": _one_of([-1, 0, 1, 200, 5_000, 10**9, 10**25]),
            "create_response": st.booleans(),
            "interrupt_response": st.booleans(),
            "eagerness": _one_of(["low", "medium", "high", "auto"]),
            "idle_timeout_ms": _one_of([None, 0, 5_000, 30_001, 10**25]),
        },
    ),
)


def _nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": [value]}
    return value


TOOL = st.fixed_dictionaries(
    {"type": _one_of(["function", "mcp"]), "name": _one_of(["clock", "tell", "", "x y"])},
    optional={
        "description": TEXT,
        "parameters": _one_of([{}, {"type": "object", "properties": {"at": {}}}, {"n": 10**25}, _nested(150)]),
    },
)
TOOLS = st.lists(TOOL, max_size=3)
CHOICE = _one_of(["auto", "none", "required", {"type": "function", "name": "clock"}, {"name": "ghost"}])
OUTPUT = st.fixed_dictionaries(
    {},
    optional={
        "format": FORMAT,
        "voice": _one_of(["vera", "wei", "alloy", "ghost", {"id": "vera"}, {"name": "wei"}, {}]),
        "speed": _one_of([0, 0.25, 1, 1.5, 1.51, -1]),
    },
)
VIDEO = st.fixed_dictionaries(
    {"resolution": _one_of([{"width": 64, "height": 64}, {"width": 64, "height": 64}, {"width": 10**9, "height": 1}])},
    optional={
        "codec": _one_of(["h264", ["vp9"], [], ["ghost"]]),
        "fps": _one_of([0, 1, 25, 26]),
        "bitrate": _one_of([0, -1, 200_000, 10**25]),
        "crop": _one_of(
            [{"top_left": [0, 0], "bottom_right": [32, 64]}, {"top_left": [-2, 1], "bottom_right": [0, 0]}]
        ),
    },
)
AVATAR = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {"video": VIDEO},
        optional={
            "character": _one_of(["mira", "theo", "ghost", ""]),
            "style": TEXT,
            "output_protocol": _one_of(["websocket", "media", "webrtc", None]),
        },
    ),
)
SESSION = st.fixed_dictionaries(
    {"type": st.just("realtime")},
    optional={
        "output_modalities": _one_of([["audio"], ["text"], [], ["audio", "text"]]),
        "instructions": TEXT,
        "max_output_tokens": _one_of([1, 3, 160, 0, -1, 10**400, "inf", "1"]),
        "tools": TOOLS,
        "tool_choice": CHOICE,
        "audio": st.fixed_dictionaries(
            {},
            optional={
                "input": st.fixed_dictionaries(
                    {},
                    optional={
                        "format": FORMAT,
                        "turn_detection": DETECTION,
                        "transcription": _one_of([None, {"language": "en"}, {"language": "??"}, {"keywords": ["a"]}]),
                    },
                ),
                "output": OUTPUT,
            },
        ),
        "avatar": AVATAR,
        "animation": _one_of(
            [None, {"outputs": ["viseme_id"]}, {"outputs": ["blendshapes", "viseme_id"]}, {"outputs": []}]
        ),
        "output_audio_timestamp_types": _one_of([None, [], ["word"]]),
        "tracing": _one_of([None, "auto", {"metadata": {"n": 2**70}}, {"metadata": _nested(200)}]),
        "truncation": _one_of(
            ["auto", {"retention_ratio": 0.5}, {"retention_ratio": 0.5, "token_limits": {"post_instructions": 10**30}}]
        ),
        "prompt": _one_of([None, {"id": "ghost"}, {"id": "kept", "variables": {"who": "x" * 9_000}}, {"id": "kept"}]),
    },
)
PART = st.one_of(
    st.builds(lambda text: {"type": "input_text", "text": text}, TEXT),
    st.builds(lambda audio: {"type": "input_audio", "audio": audio}, AUDIO),
    _one_of([{"type": "output_text", "text": "So it is."}, {"type": "input_image"}, {"type": "text"}, {}]),
)
ARGUMENTS = _one_of(["{}", '{"at": 1}', "[]", "", "{", '{"a":' + "[" * 3_000, '{"n": 1e999}'])
ITEM = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("message"), "content": st.lists(PART, max_size=3)},
        optional={"id": ID, "role": _one_of(["user", "assistant", "system"])},
    ),
    st.fixed_dictionaries(
        {"type": st.just("function_call"), "name": _one_of(["clock", ""]), "arguments": ARGUMENTS},
        optional={"id": ID, "call_id": _one_of(["call_a", "call_b", ""])},
    ),
    st.fixed_dictionaries(
        {"type": st.just("function_call_output"), "call_id": _one_of(["call_a", "call_b", "ghost", ""])},
        optional={"id": ID, "output": TEXT},
    ),
)
METADATA = _one_of([{}, {"topic": "a"}, {"k" * 600: "v" * 600}, {str(n): "" for n in range(17)}, {"n": 1}])
RESPONSE = st.one_of(
    st.none(),
    st.fixed_dictionaries(
        {},
        optional={
            "instructions": TEXT,
            "output_modalities": _one_of([["audio"], ["text"], []]),
            "max_output_tokens": _one_of([1, 0, "inf", 10**400]),
            "metadata": METADATA,
            "audio": st.builds(lambda output: {"output": output}, OUTPUT),
            "conversation": _one_of(["auto", "none", "none", "ghost"]),
            "input": st.lists(
                st.one_of(ITEM, st.builds(lambda name: {"type": "item_reference", "id": name}, ID)), max_size=3
            ),
            "tools": TOOLS,
            "tool_choice": CHOICE,
        },
    ),
)
FIELDS: Mapping[str, Mapping[str, st.SearchStrategy[Any]]] = {
    "session.update": {"session": SESSION},
    "input_audio_buffer.append": {"audio": AUDIO},
    "input_audio_buffer.commit": {},
    "input_audio_buffer.clear": {},
    "conversation.item.create": {"item": ITEM, "previous_item_id": st.one_of(st.none(), st.just("root"), ID)},
    "conversation.item.truncate": {
        "item_id": ID,
        "audio_end_ms": _one_of([0, 1, 200, 10_000, -1, 2**63, 10**400]),
        "content_index": _one_of([0, 0, 0, 1, -1, 10**30]),
    },
    "conversation.item.delete": {"item_id": ID},
    "conversation.item.retrieve": {"item_id": ID},
    "response.create": {"response": RESPONSE},
    "response.cancel": {"response_id": st.one_of(st.none(), _pick("response"))},
    "output_audio_buffer.clear": {},
}
"""The fields of each event; all events that there are."""
ANSWERED: Mapping[str, str] = {
    "session.update": "session.updated",
    "input_audio_buffer.commit": "input_audio_buffer.committed",
    "input_audio_buffer.clear": "input_audio_buffer.cleared",
    "conversation.item.create": "conversation.item.added",
    "conversation.item.truncate": "conversation.item.truncated",
    "conversation.item.delete": "conversation.item.deleted",
    "conversation.item.retrieve": "conversation.item.retrieved",
    "response.create": "response.created",
}
"""By what an event is answered at once, unless it is by an error."""


def _event(kind: str) -> st.SearchStrategy[Event]:
    return st.fixed_dictionaries({"type": st.just(kind), **FIELDS[kind]})


GOOD: st.SearchStrategy[Event] = _one_of(sorted(FIELDS)).flatmap(_event)
"""Of the right types; not all can be done."""


def _paths(value: Any, here: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner: Sequence[tuple[str | int, Any]] = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [path for name, one in inner for path in ((*here, name), *_paths(one, (*here, name)))]


def _changed(event: Event, where: int, change: Callable[[Any, str | int], None]) -> Event:
    copy: Event = _copied(event)
    paths = _paths(copy)
    path = paths[where % len(paths)]
    parent: Any = copy
    for step in path[:-1]:
        parent = parent[step]
    change(parent, path[-1])
    return copy


def _set(junk: Any) -> Callable[[Any, str | int], None]:
    def change(parent: Any, name: str | int) -> None:
        parent[name] = junk

    return change


def _drop(parent: Any, name: str | int) -> None:
    del parent[name]


BAD: st.SearchStrategy[Event] = st.builds(
    lambda event, where, junk, drop: _changed(event, where, _drop if drop else _set(junk)),
    GOOD,
    st.integers(0, 30),
    JUNK,
    st.integers(0, 3).map(lambda n: n == 0),
)
"""Good ones in which one field is missing or something else."""
_FRAMES: Sequence[str | bytes] = [
    *("", "{", "[]", "null", "NaN", '"a"', "{}", '{"type": null}', '{"type": "session.destroy", "event_id": "e"}'),
    *('{"type": "response.create", "event_id": 5}', '{"type": "response.cancel", "type": "response.create"}'),
    *('{"event_id": "e"}', "[" * 20_000, '{"a":' * 20_000, "\ufeff{}", '{"type": "\\ud800"}', " " * 1_000),
    *(b"", b"\x00" * 3, b'{"type": "response.create"}', bytes(1 << 10)),
    json.dumps({"type": "input_audio_buffer.append", "audio": "A" * (1 << 20)}),
    json.dumps({"type": "conversation.item.delete", "item_id": "g", "event_id": "e" * 1_000_000}),
]
RAW: st.SearchStrategy[str | bytes] = st.one_of(
    _one_of(_FRAMES),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=30),
)
"""Frames that are no events."""


def settled(value: Any, known: Mapping[str, Sequence[str]]) -> Any:
    """With ids in place of picks."""
    if isinstance(value, Pick):
        there = known[value.of]
        return there[value.number % len(there)] if there else "ghost"
    if isinstance(value, dict):
        return {name: settled(one, known) for name, one in value.items()}
    return [settled(one, known) for one in value] if isinstance(value, list) else value

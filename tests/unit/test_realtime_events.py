"""Every event that there is, seen at least once: each one that a client gets is held against its schema."""

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pydantic import ValidationError

import polytalk.gateway.realtime
from polytalk.dialogue.faces.filming import FilmKit
from polytalk.gateway.realtime.wires import EXTENSION, PUBLISHED, event
from polytalk.types import ToolDelta
from tests.support.client import Client
from tests.support.engines import Fault, ScriptedAsr, ScriptedLlm, ScriptedSynthesise
from tests.support.protocol import PUBLISHED_MODELS, check_event
from tests.support.scene import Scene

T = TypeVar("T")
WEBRTC = {kind for kind in PUBLISHED if kind.startswith("output_audio_buffer.")}
"""Of calls whose sound has a track of its own."""
FACE = {
    "avatar": {"character": "mira"},
    "animation": {"outputs": ["blendshapes", "viseme_id"]},
    "output_audio_timestamp_types": ["word"],
}
HEARD = {"type": "server_vad", "idle_timeout_ms": 5000}


async def _compute(work: Callable[[], T]) -> T:
    return work()


async def _talks(client: Client) -> None:
    session: dict[str, Any] = {"type": "realtime", "audio": {"input": {"turn_detection": HEARD}}, **FACE}
    await client.send("session.update", session=session)
    await client.asks()
    item = (await client.until("response.done"))["response"]["output"][0]["id"]
    await client.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=200)
    await client.send("conversation.item.retrieve", item_id=item)
    await client.send("conversation.item.delete", item_id=item)
    await client.until("session.avatar.switch_to_idle")
    await client.until("input_audio_buffer.timeout_triggered")
    await client.until("response.done", 2)
    await client.send("input_audio_buffer.clear")
    await client.send("response.cancel")


async def _calls_and_writes(client: Client) -> None:
    tools = [{"type": "function", "name": "time"}]
    await client.send("response.create", response={"tools": tools, "output_modalities": ["text"]})
    await client.until("response.done", 3)


async def _watches(client: Client) -> None:
    avatar = {"output_protocol": "websocket", "video": {"resolution": {"width": 64, "height": 64}}}
    await client.send("session.update", session={"type": "realtime", "avatar": avatar})
    await client.send("response.create")
    await client.until("response.video.done")
    await client.until("response.done", 4)


@pytest.mark.looptime
async def test_every_event_that_there_is_can_be_read_by_strict_clients() -> None:
    llm = ScriptedLlm("Yes, it is.")
    llm.calls = [[], [], [ToolDelta(0, "call_1", "time", "{}")]]
    asr = ScriptedAsr("Is it?")
    asr.faults = [None, Fault(RuntimeError("no memory"))]
    scene = Scene(asr=asr, llm=llm, synthesise=ScriptedSynthesise(whole=True), places=1)
    async with scene, Client(scene, films=FilmKit(_compute)) as client:
        await _talks(client)
        await _calls_and_writes(client)
        await _watches(client)
        await client.asks()
        await client.until("conversation.item.input_audio_transcription.failed")
        async with Client(scene, avatar="mira") as other:  # there is one place, and it is taken
            await client.send("response.create")
            await client.until("response.output_item.added", 5)
            await other.send("session.update", session={"type": "realtime", "avatar": {}})
            await other.send("response.create")
            await other.until("session.capacity.updated")
            seen = {wire["type"] for wire in (*client.got, *other.got)}
    assert (PUBLISHED | EXTENSION) - seen == WEBRTC


@pytest.mark.parametrize("kind", sorted(WEBRTC))
def test_events_of_calls_can_be_read_by_strict_clients(kind: str) -> None:
    check_event(event(kind, response_id="resp_1"))


def test_what_is_called_published_is() -> None:
    assert PUBLISHED_MODELS.keys() >= PUBLISHED
    assert not EXTENSION & PUBLISHED_MODELS.keys()


def test_an_event_that_nothing_validates_cannot_be_sent() -> None:
    with pytest.raises(AssertionError, match=r"session\.novelty"):
        event("session.novelty")


def test_no_event_goes_past_the_one_place_that_makes_them() -> None:
    """`event` is where a new kind is noticed, so nobody else writes an `event_id`."""
    folder = Path(polytalk.gateway.realtime.__file__).parent
    writers = []
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Dict):
                names = {key.value for key in node.keys if isinstance(key, ast.Constant)}
                if {"type", "event_id"} <= names and "message" not in names:  # which an error's details have
                    writers.append(path.name)
    assert writers == ["wires.py"]


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("response.animation_viseme.delta", {"viseme_id": 22}),
        ("response.video.done", {"novelty": 1}),
        ("session.capacity.updated", {"position": "1"}),
    ],
)
def test_extension_events_are_held_against_a_schema_too(kind: str, fields: dict[str, Any]) -> None:
    at = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "audio_offset_ms": 0}
    rest = {"position": 1, "expected_wait_ms": 1, "face": True, "fps": 1.0} if "capacity" in kind else at
    with pytest.raises(ValidationError):
        check_event({"type": kind, "event_id": "event_1", **rest, **fields})

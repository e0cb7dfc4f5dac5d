"""What clients do wrong, and what becomes of a connection that does not keep up. The session goes on where it can."""

import asyncio
import base64
import json
from typing import Any

import pytest

from polytalk.config import Limits
from polytalk.gateway.realtime.connection import CLOSE_GOING_AWAY, CLOSE_TOO_SLOW, IN_A_ROW
from tests.support.client import Client
from tests.support.engines import ScriptedLlm
from tests.support.scene import Scene
from tests.support.sound import now

pytestmark = pytest.mark.looptime


def message(**fields: Any) -> dict[str, Any]:
    return {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]} | fields


async def goes_on(client: Client) -> None:
    """The next question is answered as if nothing had been."""
    before = len(client.all("response.done"))
    await client.asks()
    assert (await client.until("response.done", before + 1))["response"]["status"] == "completed"


BAD: dict[str, tuple[str, dict[str, Any], str, str | None]] = {
    "unknown type": ("session.destroy", {}, "invalid_value", "type"),
    "not base64": ("input_audio_buffer.append", {"audio": "§"}, "invalid_value", "audio"),
    "half a sample": ("input_audio_buffer.append", {"audio": "YWJj"}, "invalid_value", "audio"),
    "nothing to commit": ("input_audio_buffer.commit", {}, "input_audio_buffer_commit_empty", None),
    "nothing to cancel": ("response.cancel", {}, "response_cancel_not_active", None),
    "a buffer that the client has": ("output_audio_buffer.clear", {}, "invalid_value", None),
    "unknown voice": (
        "session.update",
        {"session": {"type": "realtime", "audio": {"output": {"voice": "nobody"}}}},
        "invalid_value",
        "voice",
    ),
    "another codec": (
        "session.update",
        {"session": {"type": "realtime", "audio": {"input": {"format": {"type": "audio/opus"}}}}},
        "invalid_value",
        "session.audio.input.format.type",
    ),
    "empty item": ("conversation.item.create", {"item": message(content=[])}, "invalid_value", "item.content"),
    "long item": (
        "conversation.item.create",
        {"item": message(content=[{"type": "input_text", "text": "x" * 8_001}])},
        "invalid_value",
        "item.content",
    ),
    "item of another type": (
        "conversation.item.create",
        {"item": {"type": "mcp_call", "call_id": "c", "output": "{}"}},
        "invalid_value",
        "item.type",
    ),
    "behind an unknown item": (
        "conversation.item.create",
        {"item": message(), "previous_item_id": "ghost"},
        "item_not_found",
        "item_id",
    ),
    "unknown item deleted": ("conversation.item.delete", {"item_id": "ghost"}, "item_not_found", "item_id"),
    "unknown item shown": (
        "conversation.item.retrieve",
        {"item_id": "ghost"},
        "item_retrieve_invalid_item_id",
        "item_id",
    ),
    "unknown item truncated": (
        "conversation.item.truncate",
        {"item_id": "ghost", "content_index": 0, "audio_end_ms": 1},
        "item_not_found",
        "item_id",
    ),
    "truncated before its start": (
        "conversation.item.truncate",
        {"item_id": "ghost", "content_index": 0, "audio_end_ms": -1},
        "invalid_value",
        "audio_end_ms",
    ),
    "no tokens": ("response.create", {"response": {"max_output_tokens": 0}}, "invalid_value", "max_output_tokens"),
}


@pytest.mark.parametrize(("kind", "fields", "code", "param"), BAD.values(), ids=BAD)
async def test_an_event_that_cannot_be_done_is_answered_by_its_id(
    kind: str, fields: dict[str, Any], code: str, param: str | None
) -> None:
    async with Scene() as scene, Client(scene) as client:
        error = await client.refused(kind, event_id="mine", **fields)
        assert (error["code"], error["param"], error["event_id"]) == (code, param, "mine")
        assert error["type"] == "invalid_request_error"
        assert error["message"]
        await goes_on(client)


FRAMES: dict[str, tuple[str | bytes, str]] = {
    "broken JSON": ('{"type": "response.create"', "invalid_json"),
    "no object": ("[]", "invalid_value"),
    "nothing": ("", "invalid_json"),
    "binary": (b"\x00\x01", "invalid_value"),
    "empty binary": (b"", "invalid_value"),
    "nested beyond reason": ('{"type": "response.create", "x": ' + "[" * 50_000, "invalid_json"),
    "a megabyte and more": (
        json.dumps({"type": "input_audio_buffer.append", "audio": "A" * (1 << 20)}),
        "event_too_large",
    ),
    "a binary megabyte and more": (bytes((1 << 20) + 1), "event_too_large"),
    "half a character": (
        json.dumps({"type": "conversation.item.create", "item": message(id="\ud800")}),
        "invalid_json",
    ),
}


@pytest.mark.parametrize(("frame", "code"), FRAMES.values(), ids=FRAMES)
async def test_a_frame_that_is_no_event_is_answered(frame: str | bytes, code: str) -> None:
    async with Scene() as scene, Client(scene) as client:
        assert (await client.refused_frame(frame))["code"] == code
        await goes_on(client)


async def test_an_error_does_not_send_all_of_a_bad_value_back() -> None:
    async with Scene() as scene, Client(scene) as client:
        error = await client.refused("x" * 100_000)
        assert error["message"].startswith("Invalid value 'xxx")
        assert len(error["message"]) < 1_000


async def test_almost_a_megabyte_is_taken() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.send("input_audio_buffer.append", audio=base64.b64encode(bytes(750_000)).decode())
        assert client.kinds == ["session.created"]
        await goes_on(client)


async def test_a_second_answer_at_once_is_refused_and_the_first_goes_on() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.send("response.create")
        assert (await client.refused("response.create"))["code"] == "conversation_already_has_active_response"
        assert (await client.until("response.done"))["response"]["status"] == "completed"


async def test_an_id_is_taken_once() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.send("conversation.item.create", item=message(id="mine"))
        error = await client.refused("conversation.item.create", item=message(id="mine"))
        assert error["code"] == "item_create_duplicate_item_id"


async def test_a_patch_that_is_refused_changes_nothing() -> None:
    async with Scene() as scene, Client(scene) as client:
        bad = {"type": "realtime", "instructions": "Be brief.", "audio": {"output": {"speed": 99}}}
        await client.refused("session.update", session=bad)
        await client.send("session.update", session={"type": "realtime"})
        assert client.only("session.updated")["session"] == client.only("session.created")["session"]
        await goes_on(client)
        assert scene.llm.works[0].messages[0].content == "You are a test."


async def test_a_defect_of_our_own_is_answered_and_the_session_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with Scene() as scene, Client(scene) as client:
        with monkeypatch.context() as patched:
            patched.setattr(client.session, "clear", None)
            error = await client.refused("input_audio_buffer.clear", event_id="mine")
        assert (error["type"], error["code"], error["event_id"]) == ("server_error", "server_error", "mine")
        assert "NoneType" not in error["message"]
        await goes_on(client)
    assert "an event failed" in caplog.text


async def test_events_out_of_order_do_no_harm() -> None:
    async with Scene() as scene, Client(scene) as client:
        for kind in ("input_audio_buffer.clear", "input_audio_buffer.commit", "response.cancel") * 3:
            await client.send(kind)
        await client.send("conversation.item.truncate", item_id="ghost", content_index=0, audio_end_ms=10)
        await client.send("response.create")
        await client.send("response.cancel")
        await goes_on(client)


async def test_a_flood_of_events_leaves_others_their_turn() -> None:
    async with Scene() as scene, Client(scene) as client:
        client.flood("input_audio_buffer.clear", 200)
        turns = 0
        while len(client.all("input_audio_buffer.cleared")) < 200:
            await asyncio.sleep(0)
            turns += 1
        assert turns > 200 / IN_A_ROW
        await goes_on(client)


ON_AND_ON = "On and on and on it goes. " * 50


async def test_a_client_that_does_not_read_is_cut_off_and_its_work_ended() -> None:
    scene = Scene(llm=ScriptedLlm(ON_AND_ON))
    async with scene, Client(scene, limits=Limits(outbox_events=20)) as client:
        client.reads.clear()
        await client.asks()
        await client.served()
        assert now() < 10
        await asyncio.sleep(0.001)
        scene.assert_idle()


async def test_a_client_that_reads_too_slowly_is_told_why_it_is_cut_off() -> None:
    scene = Scene(llm=ScriptedLlm(ON_AND_ON))
    async with scene, Client(scene, limits=Limits(outbox_events=20)) as client:
        client.reads.clear()
        await client.asks()
        await client.connection._outbox.overflowed.wait()
        client.reads.set()
        await client.served()
        assert client.closed == (CLOSE_TOO_SLOW, "the client reads too slowly")


async def test_a_session_ends_when_its_time_is_over() -> None:
    async with Scene() as scene, Client(scene, limits=Limits(session_seconds=30)) as client:
        await goes_on(client)
        await client.served()
        assert client.closed == (CLOSE_GOING_AWAY, "a session lasts 30 s")
        assert scene.clock.now() == pytest.approx(30, abs=0.1)


async def test_a_session_in_which_nothing_happens_ends_and_one_in_which_somebody_speaks_goes_on() -> None:
    limits = Limits(idle_seconds=20)
    async with Scene() as scene, Client(scene, limits=limits) as client:
        await client.asks()
        for _ in range(5):
            await asyncio.sleep(15)
            await client.send("input_audio_buffer.clear")
        await client.served()
        assert client.closed == (CLOSE_GOING_AWAY, "nothing happened for 20 s")
        assert scene.clock.now() == pytest.approx(75 + 20, abs=5)


async def test_a_client_that_leaves_in_mid_answer_leaves_nothing_behind() -> None:
    async with Scene(llm=ScriptedLlm(ON_AND_ON)) as scene:
        async with Client(scene) as client:
            await client.asks()
            await client.until("response.output_audio.delta")
        await asyncio.sleep(0.001)
        scene.assert_idle()
        assert client.closed is None

"""A conversation as a client sees it: the events it gets, in the order it relies on."""

import asyncio
import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polytalk.config import Limits
from polytalk.types import Seconds
from tests.support.client import Client
from tests.support.engines import Fault, ScriptedAsr, ScriptedLlm
from tests.support.protocol import check_event
from tests.support.scene import Scene

pytestmark = pytest.mark.looptime

BEFORE = ["session.created"]
HEARD = [
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
    "conversation.item.added",
    "conversation.item.done",
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
]
BEGUN = [
    "response.created",
    "rate_limits.updated",
    "response.output_item.added",
    "conversation.item.added",
    "response.content_part.added",
]
SPOKEN = ["response.output_audio_transcript.delta", "response.output_audio.delta"]
ENDED = [
    "response.output_audio.done",
    "response.output_audio_transcript.done",
    "response.content_part.done",
    "response.output_item.done",
    "conversation.item.done",
    "response.done",
]


async def test_a_spoken_turn_is_told_in_the_order_that_clients_rely_on() -> None:
    async with Scene(llm=ScriptedLlm("Yes.")) as scene, Client(scene) as client:
        await client.asks()
        await client.until("response.done")
        assert client.kinds == BEFORE + HEARD + BEGUN + SPOKEN + ENDED


async def test_the_names_of_a_turn_hang_together() -> None:
    async with Scene(llm=ScriptedLlm("Yes, that is so. No.")) as scene, Client(scene) as client:
        await client.asks()
        done = await client.until("response.done")
        question = client.only("input_audio_buffer.speech_started")["item_id"]
        response, [item] = done["response"]["id"], done["response"]["output"]
        for wire in client.got:
            kind = wire["type"]
            if kind.startswith("input_audio_buffer.") or ".input_audio_transcription." in kind:
                assert wire["item_id"] == question
            if kind.startswith("response.") and "response_id" in wire:
                assert wire["response_id"] == response
            if kind.startswith("response.") and "item_id" in wire:
                assert wire["item_id"] == item["id"]
        added, answer = client.all("conversation.item.added")
        assert (added["item"]["id"], added["previous_item_id"]) == (question, None)
        assert (answer["item"]["id"], answer["previous_item_id"]) == (item["id"], question)
        assert len({wire["event_id"] for wire in client.got}) == len(client.got)


async def test_a_turn_says_what_was_said_and_what_it_cost() -> None:
    async with Scene(asr=ScriptedAsr("Is it?"), llm=ScriptedLlm("Yes, it is.")) as scene, Client(scene) as client:
        await client.asks()
        done = (await client.until("response.done"))["response"]
        heard = client.only("conversation.item.input_audio_transcription.completed")
        assert heard["transcript"] == "Is it?"
        assert heard["usage"] == {"type": "duration", "seconds": pytest.approx(1.5, abs=0.05)}
        assert client.only("response.output_audio_transcript.done")["transcript"] == "Yes, it is."
        assert done["output"][0]["content"] == [{"type": "output_audio", "transcript": "Yes, it is."}]
        assert (done["status"], done["status_details"]) == ("completed", None)
        usage = done["usage"]
        text, audio = usage["output_token_details"]["text_tokens"], usage["output_token_details"]["audio_tokens"]
        assert (text, audio, usage["output_tokens"]) == (3, 18, 21)  # 0.9 s of speech
        text, audio = usage["input_token_details"]["text_tokens"], usage["input_token_details"]["audio_tokens"]
        assert (text, audio) == (len(scene.llm.works[0].messages), 16)  # 1.5 s
        assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


async def test_a_users_item_has_a_transcript_also_while_it_is_null() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.asks()
        added = await client.until("conversation.item.added")
        assert added["item"]["content"] == [{"type": "input_audio", "transcript": None}]


COUNT = "One two three four five six seven eight nine ten."


async def test_an_interrupted_answer_ends_as_cancelled_and_no_audio_follows() -> None:
    async with Scene(llm=ScriptedLlm(COUNT)) as scene, Client(scene) as client:
        await client.asks()
        await client.until("response.output_audio.delta", 4)
        await client.asks(0.5)
        done = (await client.until("response.done"))["response"]
        assert (done["status"], done["status_details"]) == (
            "cancelled",
            {"type": "cancelled", "reason": "turn_detected"},
        )
        interrupted = client.got.index(client.all("input_audio_buffer.speech_started")[1])
        assert [wire["type"] for wire in client.got[interrupted + 1 :]][: len(ENDED)] == ENDED
        assert done["output"][0]["status"] == "incomplete"


async def test_audio_that_waits_on_a_slow_connection_is_taken_back_at_an_interruption() -> None:
    async with Scene(llm=ScriptedLlm(COUNT)) as scene, Client(scene) as client:
        await client.asks()
        await client.until("response.output_audio.delta")
        sent = len(client.all("response.output_audio.delta"))
        client.reads.clear()
        await client.asks(0.5)
        client.reads.set()
        await client.until("response.done")
        assert len(client.all("response.output_audio.delta")) <= sent + 1  # one was in the socket's hands


async def test_a_failed_answer_says_why() -> None:
    scene = Scene()
    scene.llm.faults = [Fault(RuntimeError("no memory"))]
    async with scene, Client(scene) as client:
        await client.asks()
        done = (await client.until("response.done"))["response"]
        assert done["status"] == "failed"
        assert done["status_details"]["error"]["code"] == "engine_failed"
        await client.asks()
        assert (await client.until("response.done", 2))["response"]["status"] == "completed"


async def test_an_utterance_that_cannot_be_transcribed_says_why() -> None:
    scene = Scene()
    scene.asr.faults = [Fault(RuntimeError("no memory"))]
    async with scene, Client(scene) as client:
        await client.asks()
        failed = await client.until("conversation.item.input_audio_transcription.failed")
        assert failed["error"]["code"] == "engine_failed"
        assert failed["item_id"] == client.only("input_audio_buffer.committed")["item_id"]


async def test_a_text_answer_has_the_events_of_text() -> None:
    async with Scene(llm=ScriptedLlm("Yes, it is.")) as scene, Client(scene) as client:
        await client.send("session.update", session={"type": "realtime", "output_modalities": ["text"]})
        await client.asks()
        done = (await client.until("response.done"))["response"]
        assert [wire["delta"] for wire in client.all("response.output_text.delta")] == ["Yes,", " it", " is."]
        assert client.only("response.output_text.done")["text"] == "Yes, it is."
        assert client.only("response.content_part.added")["part"] == {"type": "text", "text": ""}
        assert done["output"][0]["content"] == [{"type": "output_text", "text": "Yes, it is."}]
        assert client.all("response.output_audio.delta") == []


async def test_the_mouth_is_sent_to_those_who_asked_for_an_avatar() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.asks()
        await client.until("response.done")
        assert client.all("response.animation_blendshapes.delta") == []
        await client.send("session.update", session={"type": "realtime", "avatar": {"character": "mira"}})
        before = len(client.all("response.output_audio.delta"))
        await client.asks()
        await client.until("response.done", 2)
        audio = client.all("response.output_audio.delta")[before:]
        mouths = client.all("response.animation_blendshapes.delta")
        assert len(mouths) == len(audio)
        frame = 0
        for spoke, mouth in zip(audio, mouths, strict=True):
            assert mouth["frame_index"] == frame
            assert len(mouth["frames"]) == len(base64.b64decode(spoke["delta"])) // 960
            assert all(len(params) == 9 and 0 <= min(params) <= max(params) <= 1 for params in mouth["frames"])
            frame += len(mouth["frames"])


async def test_metadata_of_an_answer_comes_back_with_it() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.send("response.create", response={"metadata": {"topic": "weather"}, "instructions": "Be brief."})
        await client.until("response.done")
        assert client.only("response.created")["response"]["metadata"] == {"topic": "weather"}
        assert client.only("response.done")["response"]["metadata"] == {"topic": "weather"}
        assert scene.llm.works[0].messages[0].content == "Be brief."


async def test_push_to_talk() -> None:
    async with Scene(asr=ScriptedAsr("Hello.", delay=0.5)) as scene, Client(scene) as client:
        await client.send("session.update", session={"type": "realtime", "audio": {"input": {"turn_detection": None}}})
        await client.asks()
        assert client.kinds == ["session.created", "session.updated"]
        await client.send("input_audio_buffer.commit")
        await client.send("response.create")
        await client.until("response.done")
        assert scene.llm.works[0].messages[-1].content == "Hello."


async def test_an_item_that_was_deleted_while_it_is_spoken_ends_its_answer_like_any_other() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.asks()
        await client.until("response.output_audio.delta")
        item = client.only("response.output_item.added")["item"]["id"]
        await client.send("conversation.item.delete", item_id=item)
        assert (await client.until("response.done"))["response"]["status"] == "completed"
        await client.asks()
        assert (await client.until("response.done", 2))["response"]["status"] == "completed"


async def test_a_conversation_longer_than_its_history_goes_on() -> None:
    async with Scene() as scene, Client(scene, limits=Limits(max_history_items=2)) as client:
        await client.asks()
        await client.until("response.output_audio.delta")
        for n in range(5):
            item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": f"Note {n}"}]}
            await client.send("conversation.item.create", item=item)
        assert (await client.until("response.done"))["response"]["status"] == "completed"
        await client.asks()
        assert (await client.until("response.done", 2))["response"]["status"] == "completed"


async def test_an_item_comes_back_as_it_was_given() -> None:
    async with Scene() as scene, Client(scene) as client:
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
        await client.send("conversation.item.create", item=item | {"id": "mine"})
        await client.send("conversation.item.retrieve", item_id="mine")
        got = client.only("conversation.item.retrieved")["item"]
        assert item | {"id": "mine", "object": "realtime.item", "status": "completed"} == got
        assert client.only("conversation.item.added")["item"] == got
        await client.send("conversation.item.delete", item_id="mine")
        assert client.only("conversation.item.deleted")["item_id"] == "mine"


async def test_a_truncated_item_keeps_what_was_played() -> None:
    async with Scene(llm=ScriptedLlm("One two three four.")) as scene, Client(scene) as client:
        await client.asks()
        item = (await client.until("response.done"))["response"]["output"][0]["id"]
        await client.send("conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=600)
        assert client.only("conversation.item.truncated")["audio_end_ms"] == 600
        await client.send("conversation.item.retrieve", item_id=item)
        assert client.only("conversation.item.retrieved")["item"]["content"][0]["transcript"] == "One two"


async def test_a_cleared_buffer_is_confirmed() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.send("input_audio_buffer.clear")
        assert client.kinds == ["session.created", "input_audio_buffer.cleared"]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.floats(0.05, 2.0), st.booleans()), min_size=1, max_size=5), st.booleans())
async def test_every_answer_has_its_events_whatever_the_user_does(
    turns: list[tuple[Seconds, bool]], guess: bool
) -> None:
    async with Scene() as scene, Client(scene, guess=guess) as client:
        for wait, cancels in turns:
            await client.asks(0.3)
            await asyncio.sleep(wait)
            if cancels:
                await client.send("response.cancel")
        await asyncio.sleep(10)
        for created in client.all("response.created"):
            response = created["response"]["id"]
            mine = [
                wire["type"]
                for wire in client.got
                if response in (wire.get("response_id"), wire.get("response", {}).get("id"))
            ]
            if len(mine) == 2:  # cancelled before the first word
                assert mine == ["response.created", "response.done"]
                continue
            assert mine[:3] == ["response.created", "response.output_item.added", "response.content_part.added"]
            assert mine[-5:] == [kind for kind in ENDED if kind.startswith("response.")]
            assert set(mine[3:-5]) <= set(SPOKEN)


def test_a_field_that_clients_do_not_know_is_noticed() -> None:
    with pytest.raises(AssertionError, match="fields that clients don't know: \\['novelty'\\]"):
        check_event({"type": "input_audio_buffer.cleared", "event_id": "event_1", "novelty": 1})

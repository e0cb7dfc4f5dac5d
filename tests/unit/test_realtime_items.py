"""Items that clients bring, answers outside the conversation, and audio in the telephone's formats."""

import asyncio
import base64
from typing import Any

import pytest

from polytalk.config import Limits
from polytalk.media import g711
from polytalk.media.pcm import duration, resample, silence
from polytalk.types import SPEECH_RATE, Message
from tests.support.client import Client
from tests.support.engines import ScriptedAsr, ScriptedLlm, ScriptedTts
from tests.support.scene import MIC_STEP, Scene
from tests.support.sound import voice

pytestmark = pytest.mark.looptime


def message(role: str, *texts: str, **fields: Any) -> dict[str, Any]:
    kind = "output_text" if role == "assistant" else "input_text"
    return {"type": "message", "role": role, "content": [{"type": kind, "text": text} for text in texts], **fields}


def audio_part(seconds: float = 1.0) -> dict[str, Any]:
    return {"type": "input_audio", "audio": base64.b64encode(voice(seconds)).decode()}


async def update(client: Client, **session: Any) -> dict[str, Any]:
    before = len(client.all("session.updated"))
    await client.send("session.update", session={"type": "realtime", **session})
    shown: dict[str, Any] = (await client.until("session.updated", before + 1))["session"]
    return shown


async def test_a_conversation_may_begin_in_the_middle() -> None:
    async with Scene(llm=ScriptedLlm("Yes.")) as scene, Client(scene) as client:
        await client.send("conversation.item.create", item=message("system", "The user is a baker."))
        await client.send("conversation.item.create", item=message("user", "Hi."))
        await client.send("conversation.item.create", item=message("assistant", "Hello, baker."))
        await client.asks()
        await client.until("response.done")
        assert scene.llm.works[0].messages[1:4] == (
            Message("system", "The user is a baker."),
            Message("user", "Hi."),
            Message("assistant", "Hello, baker."),
        )
        shown = client.all("conversation.item.added")
        assert [wire["item"]["content"][0]["type"] for wire in shown[:3]] == ["input_text", "input_text", "output_text"]


async def test_audio_in_an_item_is_transcribed_and_stands_at_its_place() -> None:
    async with (
        Scene(asr=ScriptedAsr("Is it far?", delay=1.0), llm=ScriptedLlm("No.")) as scene,
        Client(scene) as client,
    ):
        item = {"type": "message", "role": "user", "id": "spoken", "content": [audio_part(2.0)]}
        await client.send("conversation.item.create", item=item)
        assert client.only("conversation.item.added")["item"]["content"] == [
            {"type": "input_audio", "transcript": None}
        ]
        await client.send("conversation.item.create", item=message("user", "Answer in one word."))
        await client.send("response.create")
        await client.until("response.done")
        assert client.only("conversation.item.input_audio_transcription.completed")["transcript"] == "Is it far?"
        asked = scene.llm.works[0].messages[-1].content
        assert asked == "Is it far? Answer in one word."
        await client.send("conversation.item.retrieve", item_id="spoken")
        kept = client.only("conversation.item.retrieved")["item"]["content"]
        assert kept == [{"type": "input_audio", "transcript": "Is it far?"}]


async def test_an_id_may_be_given_again_while_the_words_of_the_first_item_are_on_their_way() -> None:
    async with Scene(asr=ScriptedAsr("One.", "Two.", delay=1.0)) as scene, Client(scene) as client:
        item = {"type": "message", "role": "user", "id": "spoken", "content": [audio_part()]}
        await client.send("conversation.item.create", item=item)
        await client.send("conversation.item.delete", item_id="spoken")
        await asyncio.sleep(0.5)
        await client.send("conversation.item.create", item=item)
        await asyncio.sleep(2)
        told = client.only("conversation.item.input_audio_transcription.completed")
        assert told["transcript"] == "Two."
        await client.send("response.create")
        await client.until("response.done")
        assert scene.llm.works[0].messages[1:] == (Message("user", "Two."),)


async def test_words_and_audio_may_stand_in_one_item() -> None:
    async with Scene(asr=ScriptedAsr("Is it far?"), llm=ScriptedLlm("No.")) as scene, Client(scene) as client:
        content = [{"type": "input_text", "text": "The user asks:"}, audio_part()]
        item = {"type": "message", "role": "user", "id": "both", "content": content}
        await client.send("conversation.item.create", item=item)
        await client.until("conversation.item.input_audio_transcription.completed")
        await client.send("conversation.item.retrieve", item_id="both")
        assert client.only("conversation.item.retrieved")["item"]["content"] == [
            {"type": "input_text", "text": "The user asks:"},
            {"type": "input_audio", "transcript": "Is it far?"},
        ]
        await client.send("response.create")
        await client.until("response.done")
        assert scene.llm.works[0].messages[-1].content == "The user asks:\nIs it far?"


BAD: dict[str, tuple[dict[str, Any], str, str]] = {
    "a picture": ({"content": [{"type": "input_image", "image_url": "data:"}]}, "content[0].type", "sees pictures"),
    "no words": ({"content": []}, "content", "no words"),
    "an answer's part": ({"content": [{"type": "output_text", "text": "x"}]}, "content[0].type", "input_text, input_a"),
    "no audio": ({"content": [{"type": "input_audio"}]}, "content[0].audio", "has no audio"),
    "a system that speaks": ({"role": "system", "content": [audio_part(0.1)]}, "content[0].type", "input_text"),
    "a long name": ({"id": "x" * 65, "content": [{"type": "input_text", "text": "x"}]}, "id", "1 to 64"),
    "a call of nothing": ({"type": "function_call", "content": []}, "name", "name of a function"),
    "half a sample": ({"content": [{"type": "input_audio", "audio": "YWJj"}]}, "content", "even number"),
    "endless audio": ({"content": [audio_part(61)]}, "content", "may last 60 s"),
}


@pytest.mark.parametrize(("fields", "param", "reason"), BAD.values(), ids=BAD)
async def test_an_item_that_cannot_be_is_refused(fields: dict[str, Any], param: str, reason: str) -> None:
    async with Scene() as scene, Client(scene, limits=Limits(max_event_bytes=1 << 23)) as client:
        item = {"type": "message", "role": "user"} | fields
        error = await client.refused("conversation.item.create", item=item)
        assert (error["type"], error["param"]) == ("invalid_request_error", f"item.{param}")
        assert reason in error["message"]


async def test_an_answer_outside_the_conversation_leaves_no_trace_in_it() -> None:
    async with Scene(llm=ScriptedLlm("Sports.")) as scene, Client(scene) as client:
        await client.send("conversation.item.create", item=message("user", "Who won the match?", id="mine"))
        before = len(client.all("conversation.item.added"))
        response = {
            "conversation": "none",
            "metadata": {"topic": "classification"},
            "output_modalities": ["text"],
            "instructions": "Name the topic.",
            "input": [{"type": "item_reference", "id": "mine"}, message("user", "What is this about?")],
        }
        await client.send("response.create", response=response)
        done = (await client.until("response.done"))["response"]
        assert done["conversation_id"] is None
        assert (done["metadata"], done["status"]) == ({"topic": "classification"}, "completed")
        assert done["output"][0]["content"] == [{"type": "output_text", "text": "Sports."}]
        assert len(client.all("conversation.item.added")) == before
        assert [one.content for one in scene.llm.works[0].messages] == [
            "Name the topic.",
            "Who won the match? What is this about?",
        ]
        await client.send("response.create")
        await client.until("response.done", 2)
        assert "Sports." not in str(scene.llm.works[1].messages)


async def test_answers_beside_the_conversation_do_not_disturb_it_nor_each_other() -> None:
    async with Scene(llm=ScriptedLlm("One two three four five six.")) as scene, Client(scene) as client:
        await client.asks()
        await client.until("response.created")
        for _ in range(2):
            await client.send("response.create", response={"conversation": "none", "output_modalities": ["text"]})
        await client.until("response.done", 2)
        error = await client.refused("response.create")
        assert error["code"] == "conversation_already_has_active_response"
        await client.until("response.done", 3)
        assert [wire["response"]["status"] for wire in client.all("response.done")] == ["completed"] * 3
        assert len({wire["response"]["id"] for wire in client.all("response.created")}) == 3


async def test_an_answer_beside_the_conversation_is_cancelled_by_its_id_alone() -> None:
    async with Scene(llm=ScriptedLlm("One two three four five six.", every=1.0)) as scene, Client(scene) as client:
        await client.send("response.create", response={"conversation": "none", "output_modalities": ["text"]})
        started = await client.until("response.created")
        assert (await client.refused("response.cancel"))["code"] == "response_cancel_not_active"
        await client.send("response.cancel", response_id=started["response"]["id"])
        assert (await client.until("response.done"))["response"]["status"] == "cancelled"


async def test_there_are_few_answers_beside_the_conversation_at_once() -> None:
    async with Scene(llm=ScriptedLlm("One two.", first=5.0)) as scene, Client(scene) as client:
        for _ in range(4):
            await client.send("response.create", response={"conversation": "none"})
        error = await client.refused("response.create", response={"conversation": "none"})
        assert error["code"] == "conversation_already_has_active_response"


async def test_another_input_is_answered_within_the_conversation() -> None:
    async with Scene(llm=ScriptedLlm("Yes.")) as scene, Client(scene) as client:
        await client.send("conversation.item.create", item=message("user", "Forget this."))
        await client.send("response.create", response={"input": [message("user", "Only this.")]})
        done = (await client.until("response.done"))["response"]
        assert done["conversation_id"]
        assert [one.content for one in scene.llm.works[0].messages][1:] == ["Only this."]
        await client.send("conversation.item.retrieve", item_id=done["output"][0]["id"])
        await client.until("conversation.item.retrieved")


async def test_nothing_is_heard_for_an_answer_that_is_refused() -> None:
    async with Scene() as scene, Client(scene) as client:
        await client.send("response.create")
        spoken = {"type": "message", "role": "user", "content": [audio_part()]}
        await client.refused("response.create", response={"input": [spoken]})
        await client.until("response.done")
        half = {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "YWJj"}]}
        await client.refused("response.create", response={"input": [spoken, half]})
        assert scene.asr.works == []


async def test_an_item_that_is_referred_to_must_be_there() -> None:
    async with Scene() as scene, Client(scene) as client:
        reference = {"type": "item_reference", "id": "ghost"}
        error = await client.refused("response.create", response={"input": [reference]})
        assert (error["code"], error["param"]) == ("item_not_found", "response.input[0].id")


async def test_an_answer_that_reaches_its_limit_is_incomplete() -> None:
    llm = ScriptedLlm("One two three.")
    llm.finish = "length"
    async with Scene(llm=llm) as scene, Client(scene) as client:
        await client.send("response.create", response={"max_output_tokens": 50})
        done = (await client.until("response.done"))["response"]
        assert (done["status"], done["max_output_tokens"]) == ("incomplete", 50)
        assert done["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
        assert done["output"][0]["status"] == "incomplete"


@pytest.mark.parametrize(("kind", "law"), [("audio/pcmu", "mu"), ("audio/pcma", "a")])
async def test_a_telephone_is_heard_and_answered(kind: str, law: g711.Law) -> None:
    tts = ScriptedTts(per_word=0.3)
    async with (
        Scene(asr=ScriptedAsr("Hello."), llm=ScriptedLlm("Yes, it is."), tts=tts) as scene,
        Client(scene) as client,
    ):
        audio = {"input": {"format": {"type": kind}}, "output": {"format": {"type": kind}}}
        shown = await update(client, audio=audio)
        assert shown["audio"]["input"]["format"] == shown["audio"]["output"]["format"] == {"type": kind}
        coded = g711.encode(resample(voice(1.0) + silence(0.7, SPEECH_RATE), SPEECH_RATE, g711.RATE), law)
        step = round(MIC_STEP * g711.RATE)
        for at in range(0, len(coded), step):
            piece = base64.b64encode(coded[at : at + step]).decode()
            await client.send("input_audio_buffer.append", audio=piece)
            await asyncio.sleep(MIC_STEP)
        done = (await client.until("response.done"))["response"]
        assert done["audio"]["output"]["format"] == {"type": kind}
        assert client.only("input_audio_buffer.speech_stopped")["audio_end_ms"] == pytest.approx(1000, abs=80)
        said = b"".join(base64.b64decode(wire["delta"]) for wire in client.all("response.output_audio.delta"))
        assert len(said) == round(0.9 * g711.RATE)
        again = resample(g711.decode(said, law), g711.RATE, SPEECH_RATE)
        assert duration(again, SPEECH_RATE) == pytest.approx(0.9, abs=0.01)


async def test_one_answer_may_have_a_format_of_its_own() -> None:
    async with Scene(llm=ScriptedLlm("Yes, it is.")) as scene, Client(scene) as client:
        own = {"audio": {"output": {"format": {"type": "audio/pcmu"}}}}
        await client.send("response.create", response=own)
        done = (await client.until("response.done"))["response"]
        assert done["audio"]["output"]["format"] == {"type": "audio/pcmu"}
        first = sum(len(base64.b64decode(wire["delta"])) for wire in client.all("response.output_audio.delta"))
        await client.send("response.create")
        done = (await client.until("response.done", 2))["response"]
        assert done["audio"]["output"]["format"] == {"type": "audio/pcm", "rate": 24000}
        both = sum(len(base64.b64decode(wire["delta"])) for wire in client.all("response.output_audio.delta"))
        assert both - first == 6 * first


async def test_what_has_no_effect_here_is_taken_and_shown() -> None:
    async with Scene() as scene, Client(scene) as client:
        fields: dict[str, Any] = {
            "tracing": "auto",
            "truncation": {"type": "retention_ratio", "retention_ratio": 0.8},
            "include": ["item.input_audio_transcription.logprobs"],
            "parallel_tool_calls": True,
            "reasoning": {"effort": "low"},
        }
        noise = {"type": "near_field"}
        heard = {"model": "some-model-of-tomorrow", "language": "en", "prompt": "Names"}
        shown = await update(client, **fields, audio={"input": {"noise_reduction": noise, "transcription": heard}})
        assert fields.items() <= shown.items()
        assert shown["audio"]["input"]["noise_reduction"] == noise
        assert shown["audio"]["input"]["transcription"] == heard
        shown = await update(client, tracing=None, audio={"input": {"noise_reduction": None, "transcription": None}})
        assert shown["tracing"] is None
        assert shown["truncation"] == fields["truncation"]
        assert shown["audio"]["input"]["noise_reduction"] is None


async def test_an_answer_is_cut_to_what_was_heard_and_no_further() -> None:
    async with Scene(llm=ScriptedLlm("One two three four.")) as scene, Client(scene) as client:
        await client.asks()
        item = (await client.until("response.done"))["response"]["output"][0]["id"]
        late = {"item_id": item, "content_index": 0, "audio_end_ms": 9000}
        error = await client.refused("conversation.item.truncate", **late)
        assert error["param"] == "audio_end_ms"
        assert "has 1200 ms" in error["message"]
        error = await client.refused("conversation.item.truncate", **late | {"content_index": 1})
        assert error["param"] == "content_index"

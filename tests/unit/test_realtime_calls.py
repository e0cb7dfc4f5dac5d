"""Function calls: the LLM asks for them, the client makes them, and the LLM answers with what they gave."""

import asyncio
import json
from typing import Any

import pytest

from polytalk.types import Message, ToolCall, ToolDelta
from tests.support.client import Client
from tests.support.engines import ScriptedLlm
from tests.support.scene import Scene

pytestmark = pytest.mark.looptime

WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "What the weather is like.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TIME = {"type": "function", "name": "time"}
BEGUN = ["response.created", "rate_limits.updated"]
CALLED = [
    "response.output_item.added",
    "conversation.item.added",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.output_item.done",
    "conversation.item.done",
]


def wants(*calls: tuple[str, str, str], reply: str = "", every: float = 0.0) -> ScriptedLlm:
    """An LLM that says something, then wants calls by (id, name, arguments), the arguments in two pieces."""
    llm = ScriptedLlm(lambda messages: reply if messages[-1].role == "user" else "It rains.", every=every)
    deltas = []
    for index, (call, name, arguments) in enumerate(calls):
        half = len(arguments) // 2
        deltas += [ToolDelta(index, call, name, arguments[:half]), ToolDelta(index, arguments=arguments[half:])]
    llm.calls = [deltas]
    return llm


async def with_tools(client: Client, **session: Any) -> None:
    tools = {"tools": [WEATHER, TIME]} | session
    await client.send("session.update", session={"type": "realtime", **tools})
    await client.until("session.updated")


async def asks(client: Client, text: str = "How is the weather in Rome?", **response: Any) -> dict[str, Any]:
    before = len(client.all("response.done"))
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await client.send("conversation.item.create", item=item)
    await client.send("response.create", response=response)
    done: dict[str, Any] = (await client.until("response.done", before + 1))["response"]
    return done


async def test_a_call_is_told_in_the_order_that_clients_rely_on() -> None:
    async with Scene(llm=wants(("call_1", "weather", '{"city": "Rome"}'))) as scene, Client(scene) as client:
        await with_tools(client)
        done = await asks(client)
        kinds = client.kinds[client.kinds.index("response.created") :]
        assert kinds == [*BEGUN, *CALLED, "response.done"]
        [call] = done["output"]
        shown = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city": "Rome"}'}
        assert shown.items() <= call.items()
        assert call["status"] == done["status"] == "completed"
        over = client.only("response.function_call_arguments.done")
        assert (over["item_id"], over["call_id"], over["name"]) == (call["id"], "call_1", "weather")
        assert (
            "".join(wire["delta"] for wire in client.all("response.function_call_arguments.delta")) == over["arguments"]
        )
        extra = json.loads(scene.llm.works[0].extra)
        assert [tool["function"]["name"] for tool in extra["tools"]] == ["weather", "time"]
        assert extra["tool_choice"] == "auto"


async def test_what_a_function_gave_is_answered() -> None:
    async with Scene(llm=wants(("call_1", "weather", '{"city": "Rome"}'))) as scene, Client(scene) as client:
        await with_tools(client)
        await asks(client)
        output = {"type": "function_call_output", "call_id": "call_1", "output": '{"sky": "rain"}'}
        await client.send("conversation.item.create", item=output)
        shown = client.all("conversation.item.added")[-1]["item"]
        assert output.items() <= shown.items()
        await client.send("response.create")
        done = (await client.until("response.done", 2))["response"]
        assert done["output"][0]["content"][0]["transcript"] == "It rains."
        assert scene.llm.works[1].messages[-2:] == (
            Message("assistant", "", (ToolCall("call_1", "weather", '{"city": "Rome"}'),)),
            Message("tool", '{"sky": "rain"}', answers="call_1"),
        )


async def test_calls_at_once_are_answered_together_in_whatever_order() -> None:
    llm = wants(("a", "weather", '{"city": "Rome"}'), ("b", "time", ""))
    async with Scene(llm=llm) as scene, Client(scene) as client:
        await with_tools(client)
        done = await asks(client)
        assert [(call["name"], call["arguments"]) for call in done["output"]] == [
            ("weather", '{"city": "Rome"}'),
            ("time", "{}"),
        ]
        assert [wire["output_index"] for wire in client.all("response.output_item.added")] == [0, 1]
        for call, output in (("b", "noon"), ("a", "rain")):
            item = {"type": "function_call_output", "call_id": call, "output": output}
            await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        await client.until("response.done", 2)
        asked, *outputs = scene.llm.works[1].messages[-3:]
        assert [call.id for call in asked.calls] == ["a", "b"]
        assert [(output.answers, output.content) for output in outputs] == [("a", "rain"), ("b", "noon")]


async def test_words_before_a_call_are_said_and_end_before_it_begins() -> None:
    llm = wants(("call_1", "weather", '{"city": "Rome"}'), reply="One moment, please.")
    async with Scene(llm=llm) as scene, Client(scene) as client:
        await with_tools(client)
        done = await asks(client)
        assert [item["type"] for item in done["output"]] == ["message", "function_call"]
        kinds = [wire["type"] for wire in client.got]
        first_done = kinds.index("response.output_item.done")
        assert client.got[first_done]["item"]["content"] == [
            {"type": "output_audio", "transcript": "One moment, please."}
        ]
        assert first_done < kinds.index("response.function_call_arguments.delta")
        assert client.all("response.output_item.added")[1]["output_index"] == 1
        output = {"type": "function_call_output", "call_id": "call_1", "output": "rain"}
        await client.send("conversation.item.create", item=output)
        await client.send("response.create")
        await client.until("response.done", 2)
        assert scene.llm.works[1].messages[-2] == Message(
            "assistant", "One moment, please.", (ToolCall("call_1", "weather", '{"city": "Rome"}'),)
        )


async def test_arguments_that_are_no_json_fail_the_response_and_are_not_remembered() -> None:
    llm = wants(("a", "weather", '{"city": "Ro'), ("b", "time", "{}"))
    async with Scene(llm=llm) as scene, Client(scene) as client:
        await with_tools(client)
        done = await asks(client)
        assert done["status"] == "failed"
        error = done["status_details"]["error"]
        assert error["code"] == "invalid_function_call"
        assert "'weather'" in error["message"]
        assert [call["status"] for call in done["output"]] == ["incomplete", "completed"]
        await asks(client, "Never mind.")
        assert not any(message.calls for message in scene.llm.works[1].messages)


async def test_arguments_nested_beyond_reason_fail_the_response_and_not_the_session() -> None:
    llm = wants(("a", "weather", '{"city":' + "[" * 20_000))
    async with Scene(llm=llm) as scene, Client(scene) as client:
        await with_tools(client)
        assert (await asks(client))["status_details"]["error"]["code"] == "invalid_function_call"
        assert (await asks(client, "Never mind."))["status"] == "completed"


async def test_a_function_that_there_is_not_is_not_shown() -> None:
    async with Scene(llm=wants(("a", "rm", '{"path": "/"}'))) as scene, Client(scene) as client:
        await with_tools(client)
        done = await asks(client)
        assert (done["status"], done["output"]) == ("failed", [])
        assert "'rm', and there is no such function" in done["status_details"]["error"]["message"]


async def test_a_response_that_is_cancelled_in_the_middle_of_arguments_ends_them() -> None:
    async with Scene(llm=wants(("a", "weather", '{"city": "Rome"}'), every=1.0)) as scene, Client(scene) as client:
        await with_tools(client)
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Rome?"}]}
        await client.send("conversation.item.create", item=item)
        await client.send("response.create")
        await client.until("response.function_call_arguments.delta")
        await client.send("response.cancel")
        done = (await client.until("response.done"))["response"]
        assert (done["status"], done["output"][0]["status"]) == ("cancelled", "incomplete")
        assert client.only("response.function_call_arguments.done")["arguments"] == '{"city":'
        await asyncio.sleep(2)
        assert client.got[-1]["type"] == "response.done"


async def test_speech_during_words_before_a_call_keeps_the_call_back() -> None:
    llm = wants(("a", "weather", "{}"), reply="Let me look that up for you, it will take a moment or two.")
    async with Scene(llm=llm) as scene, Client(scene) as client:
        await with_tools(client)
        await client.asks()
        await client.until("response.output_audio.delta", 5)
        await client.asks(1.5)
        done = (await client.until("response.done"))["response"]
        assert done["status"] == "cancelled"
        assert [item["type"] for item in done["output"]] == ["message"]
        await client.until("response.done", 2)
        assert client.all("response.function_call_arguments.done") == []


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        ("none", "none"),
        ("required", "required"),
        ({"type": "function", "name": "time"}, {"type": "function", "function": {"name": "time"}}),
    ],
)
async def test_the_choice_of_tools_reaches_the_llm(choice: Any, told: Any) -> None:
    async with Scene(llm=wants(reply="Yes.")) as scene, Client(scene) as client:
        await with_tools(client, tool_choice=choice)
        assert client.only("session.updated")["session"]["tool_choice"] == choice
        await asks(client)
        assert json.loads(scene.llm.works[0].extra)["tool_choice"] == told


async def test_one_response_may_have_tools_of_its_own() -> None:
    async with Scene(llm=wants(("a", "time", "{}"))) as scene, Client(scene) as client:
        done = await asks(client, tools=[TIME], tool_choice="required")
        assert done["output"][0]["name"] == "time"
        await asks(client)
        assert [bool(work.extra) for work in scene.llm.works] == [True, False]


async def test_an_output_without_its_call_is_refused() -> None:
    async with Scene() as scene, Client(scene) as client:
        output = {"type": "function_call_output", "call_id": "ghost", "output": "rain"}
        error = await client.refused("conversation.item.create", item=output)
        assert error["param"] == "item.call_id"
        assert "no call 'ghost'" in error["message"]


async def test_calls_can_be_part_of_a_history_that_a_client_brings() -> None:
    async with Scene(llm=ScriptedLlm("Rain.")) as scene, Client(scene) as client:
        call = {"type": "function_call", "call_id": "c", "name": "weather", "arguments": '{"city": "Rome"}'}
        await client.send("conversation.item.create", item=call)
        await client.send(
            "conversation.item.create", item={"type": "function_call_output", "call_id": "c", "output": "rain"}
        )
        await asks(client, "And now?")
        roles = [message.role for message in scene.llm.works[0].messages]
        assert roles[-3:] == ["assistant", "tool", "user"]
        broken = call | {"arguments": "{"}
        assert (await client.refused("conversation.item.create", item=broken))["param"] == "item.arguments"

"""Function calls all the way: the `openai` package, a socket, the server, HTTP, and a language model that streams."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from polytalk.engines.llm.openai import OpenAILlm
from tests.support.peer import DONE, Peer, delta, event, peering, streams
from tests.support.server import SOON, serving

WEATHER: Any = {
    "type": "function",
    "name": "weather",
    "description": "What the weather is like.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK: Any = {"type": "function", "name": "clock", "parameters": {"type": "object", "properties": {}}}


@pytest.fixture(scope="module")
def peer() -> Iterator[tuple[Peer, str]]:
    with peering() as both:
        yield both


@asynccontextmanager
async def call(peer: tuple[Peer, str], **session: Any) -> AsyncIterator[AsyncRealtimeConnection]:
    """A conversation in writing with a server whose language model is the peer."""
    mind, url = peer
    mind.handler = streams(delta("Hello.", "stop"), DONE)
    llm = OpenAILlm({"base_url": url, "model": "m", "timeout": 5.0})
    async with serving(engines={"llm": llm}) as server:
        mind.requests.clear()
        client = AsyncOpenAI(api_key="none", base_url=f"{server.http}/v1")
        async with client.realtime.connect(model="gpt-realtime") as connection:
            settings: Any = {"type": "realtime", "output_modalities": ["text"], "tools": [WEATHER, CLOCK], **session}
            await connection.session.update(session=settings)
            yield connection
        await client.close()


def wants(index: int, name: str = "", arguments: str = "", finish: str | None = None) -> bytes:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    one = {"index": index, "function": function} | ({"id": f"call_{index}", "type": "function"} if name else {})
    return event({"choices": [{"index": 0, "delta": {"tool_calls": [one]}, "finish_reason": finish}]})


async def until(connection: AsyncRealtimeConnection, kind: str) -> list[Any]:
    seen: list[Any] = []
    async with asyncio.timeout(SOON):
        async for one in connection:
            assert one.type != "error", one
            seen.append(one)
            if one.type == kind:
                break
    return seen


async def ask(connection: AsyncRealtimeConnection, text: str) -> Any:
    """The response to a question."""
    item: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
    await connection.conversation.item.create(item=item)
    await connection.response.create()
    return (await until(connection, "response.done"))[-1].response


async def test_two_calls_at_once_are_made_and_answered(peer: tuple[Peer, str]) -> None:
    async with call(peer) as connection:
        peer[0].handler = streams(
            delta("\n"),
            wants(0, "weather", '{"ci'),
            wants(0, arguments='ty": "Rome"}'),
            wants(1, "clock", finish="tool_calls"),
            DONE,
        )
        done = await ask(connection, "How is the weather in Rome, and what time is it?")
        assert done.status == "completed"
        assert [(one.call_id, one.name, one.arguments) for one in done.output] == [
            ("call_0", "weather", '{"city": "Rome"}'),
            ("call_1", "clock", "{}"),
        ]
        for one, output in zip(done.output, ('{"sky": "rain"}', "noon"), strict=True):
            given: Any = {"type": "function_call_output", "call_id": one.call_id, "output": output}
            await connection.conversation.item.create(item=given)
        peer[0].handler = streams(delta("Rain,"), delta(" and noon.", "stop"), DONE)
        await connection.response.create()
        again = (await until(connection, "response.done"))[-1].response
        assert again.output[0].content[0].text == "Rain, and noon."
    first, second = peer[0].requests
    assert [tool["function"]["name"] for tool in first["tools"]] == ["weather", "clock"]
    assert first["tools"][0]["function"]["parameters"] == WEATHER["parameters"]
    asked, *outputs = second["messages"][-3:]
    assert [one["function"] for one in asked["tool_calls"]] == [
        {"name": "weather", "arguments": '{"city": "Rome"}'},
        {"name": "clock", "arguments": "{}"},
    ]
    assert outputs == [
        {"role": "tool", "content": '{"sky": "rain"}', "tool_call_id": "call_0"},
        {"role": "tool", "content": "noon", "tool_call_id": "call_1"},
    ]


async def test_words_come_before_the_call_that_follows_them(peer: tuple[Peer, str]) -> None:
    async with call(peer, output_modalities=["audio"]) as connection:
        peer[0].handler = streams(
            delta("Let me "), delta("see."), wants(0, "weather", '{"city": "Rome"}', "tool_calls"), DONE
        )
        done = await ask(connection, "How is the weather in Rome?")
    said, wanted = done.output
    assert said.content[0].transcript == "Let me see."
    assert (wanted.type, wanted.name) == ("function_call", "weather")


@pytest.mark.parametrize(
    ("call_of", "reason"),
    [
        (wants(0, "weather", '{"city": "Ro', "tool_calls"), "no JSON object"),
        (wants(0, "weather", '["Rome"]', "tool_calls"), "no JSON object"),
        (wants(0, "launch", '{"city": "Rome"}', "tool_calls"), "'launch', and there is no such function"),
    ],
    ids=["broken", "a list", "unknown"],
)
async def test_a_call_that_cannot_be_made_fails_and_the_conversation_goes_on(
    peer: tuple[Peer, str], call_of: bytes, reason: str
) -> None:
    async with call(peer) as connection:
        peer[0].handler = streams(call_of, DONE)
        done = await ask(connection, "How is the weather in Rome?")
        assert done.status == "failed"
        assert done.status_details.error.code == "invalid_function_call"
        assert reason in done.status_details.error.message
        peer[0].handler = streams(delta("I can't tell.", "stop"), DONE)
        again = await ask(connection, "Well?")
        assert again.status == "completed"
    assert all("tool_calls" not in message for message in peer[0].requests[-1]["messages"])


async def test_cancelling_in_the_middle_of_arguments_ends_the_models_work(peer: tuple[Peer, str]) -> None:
    mind = peer[0]

    async def endless(_: Request) -> Response:
        async def send() -> AsyncIterator[bytes]:
            try:
                yield wants(0, "weather", '{"city": "')
                while True:
                    await asyncio.sleep(0.01)
                    yield wants(0, arguments="x")
            finally:
                mind.gone.set()

        return StreamingResponse(send(), media_type="text/event-stream")

    async with call(peer) as connection:
        mind.gone.clear()
        mind.handler = endless
        item: Any = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Rome?"}]}
        await connection.conversation.item.create(item=item)
        await connection.response.create()
        await until(connection, "response.function_call_arguments.delta")
        await connection.response.cancel()
        events = await until(connection, "response.done")
        done = events[-1].response
        assert (done.status, done.output[0].status) == ("cancelled", "incomplete")
        assert [one.type for one in events if one.type.endswith("arguments.done")]
        assert await asyncio.to_thread(mind.gone.wait, SOON)


async def test_a_choice_of_one_function_is_passed_on(peer: tuple[Peer, str]) -> None:
    async with call(peer, tool_choice={"type": "function", "name": "clock"}) as connection:
        peer[0].handler = streams(wants(0, "clock", "{}", "tool_calls"), DONE)
        done = await ask(connection, "What time is it?")
        assert done.output[0].name == "clock"
    assert peer[0].requests[0]["tool_choice"] == {"type": "function", "function": {"name": "clock"}}

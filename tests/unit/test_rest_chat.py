"""Chat completions on a real port: by the openai package, by others, and by those who ask for what is not there."""

import asyncio
import json
import logging
from contextlib import suppress
from typing import Any

import httpx
import pytest
from msgspec.structs import replace
from openai import AsyncOpenAI

from polytalk.config import Limits
from polytalk.errors import EngineFailed
from polytalk.gateway import bodies
from polytalk.gateway.request_ids import NamesRequests, request_id
from polytalk.types import ToolCall, ToolDelta
from tests.support.engines import Fault
from tests.support.server import SOON, Server, serving

ODD: list[Any] = [{"role": "user", "content": "Is seven odd?"}]
HI: list[Any] = [{"role": "user", "content": "How are you?"}]


def sdk(server: Server) -> AsyncOpenAI:
    return AsyncOpenAI(api_key="none", base_url=f"{server.http}/v1", max_retries=0)


async def test_the_openai_package_gets_an_answer_whole_and_in_pieces() -> None:
    async with serving(reply="Yes, it is.") as server, sdk(server) as openai:
        client = openai.chat.completions
        whole = await client.create(model="llm", messages=HI, max_tokens=20, temperature=0, seed=1, top_p=0.9)
        assert whole.choices[0].message.content == "Yes, it is."
        assert whole.choices[0].finish_reason == "stop"
        assert whole.usage is not None
        assert (whole.usage.prompt_tokens, whole.usage.completion_tokens, whole.usage.total_tokens) == (1, 3, 4)
        assert whole._request_id
        stream = await client.create(
            model="gpt-4o-mini", messages=HI, stream=True, stream_options={"include_usage": True}
        )
        chunks = [chunk async for chunk in stream]
        assert chunks[0].choices[0].delta.role == "assistant"
        said = [choice.delta.content for chunk in chunks for choice in chunk.choices if choice.delta.content]
        assert said == ["Yes,", " it", " is."]
        assert [c.finish_reason for chunk in chunks for c in chunk.choices if c.finish_reason] == ["stop"]
        assert (chunks[-1].choices, chunks[-1].usage and chunks[-1].usage.total_tokens) == ([], 4)
        assert {chunk.id for chunk in chunks} == {chunks[0].id}


async def test_an_avatar_answers_in_character_and_its_tokens_are_bounded_by_the_server() -> None:
    async with serving(limits=Limits(max_completion_tokens=5)) as server, sdk(server) as client:
        await client.chat.completions.create(model="theo", messages=ODD, max_tokens=400)
        work = server.llm.works[-1]
        assert work.max_tokens == 5
        assert "Theo" in work.messages[0].content


TOOLS: list[Any] = [{"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}]


async def test_calls_of_functions_pass_through_an_engine_that_makes_them() -> None:
    async with serving(reply="") as server, sdk(server) as openai:
        server.runtime.kit = replace(server.runtime.kit, llm_extras=frozenset({"tools"}))
        pieces = [ToolDelta(0, "call_1", "weather", '{"city": '), ToolDelta(0, arguments='"Bern"}')]
        server.llm.calls, server.llm.finish = [pieces, pieces], "tool_calls"
        client = openai.chat.completions
        whole = await client.create(model="llm", messages=HI, tools=TOOLS)
        assert whole.choices[0].finish_reason == "tool_calls"
        assert whole.choices[0].message.content is None
        calls = whole.choices[0].message.tool_calls or []
        assert len(calls) == 1
        call = calls[0]
        assert call.to_dict() == {
            "id": "call_1",
            "type": "function",
            "function": {"name": "weather", "arguments": '{"city": "Bern"}'},
        }
        assert json.loads(server.llm.works[-1].extra) == {"tools": TOOLS}
        stream = await client.create(model="llm", messages=HI, tools=TOOLS, stream=True)
        deltas = [call async for chunk in stream for call in chunk.choices[0].delta.tool_calls or ()]
        assert [(one.id, one.function and one.function.arguments) for one in deltas] == [
            ("call_1", '{"city": '),
            (None, '"Bern"}'),
        ]
        told: list[Any] = [
            *HI,
            whole.choices[0].message.to_dict(),
            {"role": "tool", "tool_call_id": "call_1", "content": "Rain"},
        ]
        await client.create(model="llm", messages=told)
        _, asked, answered = server.llm.works[-1].messages
        assert asked.calls == (ToolCall("call_1", "weather", '{"city": "Bern"}'),)
        assert (answered.role, answered.content, answered.answers) == ("tool", "Rain", "call_1")


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "SECONDS", 0.1)
    async with serving() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(server.host.rpartition(":")[2]))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {server.host}\r\ncontent-length: 100\r\n"
        writer.write(f"{head}content-type: application/json\r\n\r\n{{".encode())
        status = await asyncio.wait_for(reader.readline(), SOON)
        assert b" 408 " in status
        writer.close()


BAD: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"model": "nobody"}, 404, "model_not_found", "model"),
    ({"messages": []}, 400, "invalid_value", "messages"),
    ({"messages": [{"role": "king", "content": "Hi"}]}, 400, "invalid_value", "messages[0].role"),
    ({"messages": [{"role": "user"}]}, 400, "invalid_value", "messages[0].content"),
    (
        {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        400,
        "invalid_value",
        "messages[0].content[0].type",
    ),
    ({"n": 2}, 400, "invalid_value", "n"),
    ({"temperature": 3}, 400, "invalid_value", "temperature"),
    ({"max_tokens": 0}, 400, "invalid_value", "max_tokens"),
    ({"tools": [{"type": "function"}]}, 400, "unsupported_parameter", "tools"),
    ({"logprobs": True}, 400, "invalid_value", "logprobs"),
    ({"tempreature": 1}, 400, "invalid_value", "tempreature"),
]


async def test_what_can_not_be_had_is_told_with_the_field() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        before = len(server.llm.requests)
        for changes, status, code, param in BAD:
            answer = await http.post("/v1/chat/completions", json={"model": "llm", "messages": HI, **changes})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error
        broken = await http.post("/v1/chat/completions", content=b"{", headers={"content-type": "application/json"})
        assert (broken.status_code, broken.json()["error"]["code"]) == (400, "invalid_json")
        form = await http.post("/v1/chat/completions", data={"model": "llm"})
        assert (form.status_code, form.json()["error"]["code"]) == (415, "unsupported_media_type")
        assert len(server.llm.requests) == before


async def test_a_body_is_refused_by_its_size_before_it_is_read() -> None:
    async with serving(limits=Limits(max_body_bytes=2_000)) as server, httpx.AsyncClient() as http:
        url = f"{server.http}/v1/chat/completions"
        stated = await http.post(url, json={"model": "llm", "messages": [{"role": "user", "content": "x" * 4_000}]})
        assert (stated.status_code, stated.json()["error"]["code"]) == (413, "body_too_large")

        async def unstated() -> Any:
            yield b" " * 3_000

        told = await http.post(url, content=unstated(), headers={"content-type": "application/json"})
        assert (told.status_code, told.headers["connection"]) == (413, "close")


async def test_an_engine_that_fails_before_and_within_an_answer_is_told_either_way() -> None:
    async with serving(reply="One two three.") as server, httpx.AsyncClient(base_url=server.http) as http:
        asked = {"model": "llm", "messages": HI}
        server.llm.faults = [Fault(EngineFailed("out of memory")), Fault(EngineFailed("out of memory"), after=1)]
        before = await http.post("/v1/chat/completions", json={**asked, "stream": True})
        assert (before.status_code, before.json()["error"]["code"]) == (500, "engine_failed")
        within = await http.post("/v1/chat/completions", json={**asked, "stream": True})
        assert within.status_code == 200
        assert "out of memory" in within.text.strip().rpartition("\n")[2]
        assert "[DONE]" not in within.text


@pytest.mark.parametrize("stream", [False, True])
async def test_a_client_that_goes_away_ends_the_work(stream: bool) -> None:
    async with serving(reply="On and on. " * 200) as server:
        server.llm.every = 0.05
        with suppress(httpx.ReadTimeout):
            async with httpx.AsyncClient(timeout=0.3) as http:
                asked = {"model": "llm", "messages": HI, "stream": stream}
                async with http.stream("POST", f"{server.http}/v1/chat/completions", json=asked) as answer:
                    assert stream
                    await anext(answer.aiter_bytes())
        async with asyncio.timeout(SOON):
            while server.llm.busy or server.runtime.gate.admission.leases:
                await asyncio.sleep(0.01)
        assert server.llm.requests[-1].aborted


async def test_every_answer_has_the_name_that_the_client_gave_or_one_of_its_own() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        for path in ("/healthz", "/v1/nothing", "/v1/chat/completions", "/"):
            answer = await http.get(path, headers={"x-request-id": "mine-1"})
            assert answer.headers["x-request-id"] == "mine-1"
        made = {(await http.get("/healthz", headers={"x-request-id": "a b"})).headers["x-request-id"] for _ in "ab"}
        assert len(made) == 2
        assert all(name.startswith("req_") for name in made)


def test_what_is_logged_while_a_request_is_served_has_its_name(caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(NamesRequests())
    token = request_id.set("req_1")
    logging.getLogger("x").warning("out of %s", "paint")
    request_id.reset(token)
    logging.getLogger("x").warning("quiet")
    assert [record.getMessage() for record in caplog.records] == ["[req_1] out of paint", "quiet"]


async def test_models_are_found_by_their_names_and_by_those_of_other_servers() -> None:
    async with serving(aliases={"support": "theo"}) as server, sdk(server) as client:
        listed = {model.id async for model in client.models.list()}
        assert {"mira", "theo", "llm", "support", "tts-1", "whisper-1", "avatar-1"} <= listed
        found = await client.models.retrieve("support")
        assert found.model_extra == {"purpose": "conversation", "of": "theo"}
        dated = await client.models.retrieve("gpt-4o-mini-tts-2025-12-15")
        assert dated.model_extra is not None
        assert dated.model_extra["of"] == "tts"
        async with httpx.AsyncClient(base_url=server.http) as http:
            missing = await http.get("/v1/models/nobody")
            assert (missing.status_code, missing.json()["error"]["code"]) == (404, "model_not_found")

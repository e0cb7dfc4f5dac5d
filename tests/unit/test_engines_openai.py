"""The OpenAI-compatible engines against a real server on loopback that behaves well, badly, or not at all."""

import asyncio
import io
import json
import socket
import threading
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from polytalk.engines.asr.openai import OpenAIAsr
from polytalk.engines.base import StreamEngine, Voice
from polytalk.engines.llm.openai import OpenAILlm
from polytalk.engines.tts.openai import OpenAITts
from polytalk.errors import BadInput, ConfigError, EngineFailed, Unspeakable
from polytalk.types import (
    ListenWork,
    Message,
    SpeakWork,
    Speech,
    TextDelta,
    ThinkWork,
    ToolCall,
    ToolDelta,
    Transcript,
    Usage,
)
from tests.support.peer import DONE, Handler, Peer, delta, event, peering, streams

KEY = "sk-very-secret"
QUESTION = ThinkWork(messages=(Message("system", "Be brief."), Message("user", "Hi")), max_tokens=7, temperature=0.5)


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Peer, str]]:
    with peering() as both:
        yield both


@pytest.fixture
def peer(server: tuple[Peer, str]) -> Peer:
    server[0].requests.clear()
    server[0].gone.clear()
    server[0].release.clear()
    return server[0]


@pytest.fixture
def options(server: tuple[Peer, str]) -> dict[str, object]:
    return {"base_url": server[1], "model": "m", "api_key": KEY, "timeout": 0.3, "slots": 4}


@pytest.fixture
async def llm(options: dict[str, object]) -> AsyncIterator[OpenAILlm]:
    engine = OpenAILlm({**options, "extra_body": {"priority": 3}})
    engine.load()
    yield engine
    engine.close()
    await asyncio.sleep(0.02)  # the sockets close on this loop


@pytest.fixture
async def asr(options: dict[str, object]) -> AsyncIterator[OpenAIAsr]:
    engine = OpenAIAsr(options)
    engine.load()
    yield engine
    engine.close()
    await asyncio.sleep(0.02)


@pytest.fixture
async def tts(options: dict[str, object]) -> AsyncIterator[OpenAITts]:
    engine = OpenAITts({**options, "voices": ["ana", "ben"], "languages": ["en"]})
    engine.load()
    yield engine
    engine.close()
    await asyncio.sleep(0.02)


def says(status: int, body: object = "no") -> Handler:
    async def handler(_: Request) -> Response:
        return JSONResponse(body, status)

    return handler


COST = event(
    {
        "choices": [],
        "usage": {"prompt_tokens": 9, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 4}},
    }
)


async def collect(stream: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in stream]


async def refusal(engine: StreamEngine[Any, Any], work: object, kind: type[Exception] = EngineFailed) -> str:
    with pytest.raises(kind) as caught:
        await collect(engine.stream(work))
    assert KEY not in str(caught.value)
    return str(caught.value)


# --- LLM -----------------------------------------------------------------------------------------------------------


async def test_an_answer_streams_and_ends_with_its_cost(peer: Peer, llm: OpenAILlm) -> None:
    role = event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": None}}]})
    peer.handler = streams(b": ping\n\n", role, delta("Hel"), delta("lo."), delta("", "stop"), COST, DONE)
    assert await collect(llm.stream(QUESTION)) == [TextDelta("Hel"), TextDelta("lo."), Usage(9, 2, 4)]
    assert peer.requests == [
        {
            "path": "/v1/chat/completions",
            "key": f"Bearer {KEY}",
            "model": "m",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "max_tokens": 7,
            "temperature": 0.5,
            "stream": True,
            "stream_options": {"include_usage": True},
            "priority": 3,
        }
    ]


async def test_what_a_client_chose_is_passed_on_and_calls_of_functions_come_back(peer: Peer, llm: OpenAILlm) -> None:
    tools = [{"type": "function", "function": {"name": "weather"}}]
    call = {"index": 0, "id": "call_1", "function": {"name": "weather", "arguments": ""}}
    more = {"index": 0, "function": {"arguments": '{"city"'}}
    peer.handler = streams(
        event({"choices": [{"index": 0, "delta": {"tool_calls": [call]}}]}),
        event({"choices": [{"index": 0, "delta": {"tool_calls": [more]}, "finish_reason": "tool_calls"}]}),
        COST,
        DONE,
    )
    asked = Message("assistant", "", (ToolCall("call_0", "clock", "{}"),))
    told = Message("tool", "noon", answers="call_0")
    work = ThinkWork((asked, told), stop=("END",), top_p=0.5, seed=7, extra=json.dumps({"tools": tools}))
    assert await collect(llm.stream(work)) == [
        ToolDelta(0, "call_1", "weather", ""),
        ToolDelta(0, "", "", '{"city"'),
        Usage(9, 2, 4, "tool_calls"),
    ]
    (sent,) = peer.requests
    assert {name: sent[name] for name in ("tools", "stop", "top_p", "seed")} == {
        "tools": tools,
        "stop": ["END"],
        "top_p": 0.5,
        "seed": 7,
    }
    assert sent["messages"] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_0", "type": "function", "function": {"name": "clock", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "noon", "tool_call_id": "call_0"},
    ]


async def test_a_server_without_usage_is_counted_by_its_deltas(peer: Peer, llm: OpenAILlm) -> None:
    peer.handler = streams(delta("a"), delta("b"), delta("c", "length"))
    assert (await collect(llm.stream(QUESTION)))[-1] == Usage(0, 3, 0, "length")


async def test_a_letter_cut_by_the_network_is_put_together(peer: Peer, llm: OpenAILlm) -> None:
    whole = 'data: {"choices":[{"delta":{"content":"你好"}}]}\n\n'.encode()
    peer.handler = streams(whole[:-12], whole[-12:], DONE)
    assert (await collect(llm.stream(QUESTION)))[0] == TextDelta("你好")


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "key"), (403, "key"), (404, "model"), (429, "slots"), (500, "boom")]
)
async def test_a_refusal_names_server_and_status_but_never_the_key(
    peer: Peer, llm: OpenAILlm, options: dict[str, object], status: int, hint: str
) -> None:
    peer.handler = says(status, {"error": {"message": f"boom for {KEY}"}})
    message = await refusal(llm, QUESTION)
    assert str(options["base_url"]) in message
    assert str(status) in message
    assert hint in message


async def test_a_request_that_is_at_fault_is_the_callers_error(peer: Peer, llm: OpenAILlm) -> None:
    peer.handler = says(400, {"error": {"message": "the prompt is too long"}})
    assert "the prompt is too long" in await refusal(llm, QUESTION, BadInput)


@pytest.mark.parametrize(("status", "times"), [(503, 2), (429, 2), (500, 1), (401, 1)])
async def test_only_what_may_pass_is_asked_again(peer: Peer, llm: OpenAILlm, status: int, times: int) -> None:
    peer.handler = says(status)
    await refusal(llm, QUESTION)
    assert len(peer.requests) == times


async def test_a_server_that_recovers_is_not_noticed(peer: Peer, llm: OpenAILlm) -> None:
    async def handler(request: Request) -> Response:
        return await (says(503) if len(peer.requests) == 1 else streams(delta("ok"), DONE))(request)

    peer.handler = handler
    assert (await collect(llm.stream(QUESTION)))[0] == TextDelta("ok")


async def test_a_server_that_does_not_answer_is_given_up(peer: Peer, llm: OpenAILlm) -> None:
    async def handler(_: Request) -> Response:
        await asyncio.to_thread(peer.release.wait, 5)
        return Response()

    peer.handler = handler
    assert "within 0.3 s" in await refusal(llm, QUESTION)
    assert len(peer.requests) == 1  # it is at work: asking again would double its load
    peer.release.set()


async def test_a_server_that_falls_silent_is_given_up(peer: Peer, llm: OpenAILlm) -> None:
    async def fall_silent() -> None:
        await asyncio.to_thread(peer.release.wait, 5)

    peer.handler = streams(delta("Hel"), then=fall_silent)
    assert "sent nothing for 0.3 s" in await refusal(llm, QUESTION)
    peer.release.set()


async def test_an_answer_that_breaks_off_is_an_error_and_is_not_asked_again(peer: Peer, llm: OpenAILlm) -> None:
    async def crash() -> None:
        raise ConnectionResetError

    peer.handler = streams(delta("Hel"), then=crash)
    assert "broke off" in await refusal(llm, QUESTION)
    assert len(peer.requests) == 1


async def test_an_answer_without_an_end_is_an_error(peer: Peer, llm: OpenAILlm) -> None:
    peer.handler = streams(delta("Hel"))
    assert "too early" in await refusal(llm, QUESTION)


@pytest.mark.parametrize("data", [b"data: {oops\n\n", b"data: []\n\n", b'data: {"choices": 3}\n\n'])
async def test_what_is_no_chunk_is_an_error(peer: Peer, llm: OpenAILlm, data: bytes) -> None:
    peer.handler = streams(delta("Hel"), data)
    assert "no chat chunk" in await refusal(llm, QUESTION)


async def test_an_error_in_mid_stream_is_passed_on(peer: Peer, llm: OpenAILlm) -> None:
    peer.handler = streams(delta("Hel"), event({"error": {"message": "out of memory", "code": 500}}))
    assert "out of memory" in await refusal(llm, QUESTION)


async def test_leaving_the_answer_closes_the_connection(peer: Peer, llm: OpenAILlm) -> None:
    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield delta("la ")
                await asyncio.sleep(0.005)
        finally:
            peer.gone.set()

    async def handler(_: Request) -> Response:
        return StreamingResponse(endless(), media_type="text/event-stream")

    peer.handler = handler
    stream = llm.stream(QUESTION)
    async with aclosing(stream):  # type: ignore[type-var]
        assert await anext(stream) == TextDelta("la ")
    assert await asyncio.to_thread(peer.gone.wait, 2)


async def test_cancelling_the_reader_closes_the_connection(peer: Peer, llm: OpenAILlm) -> None:
    async def endless() -> AsyncIterator[bytes]:
        try:
            while True:
                yield delta("la ")
                await asyncio.sleep(0.005)
        finally:
            peer.gone.set()

    async def handler(_: Request) -> Response:
        return StreamingResponse(endless(), media_type="text/event-stream")

    peer.handler = handler
    reader = asyncio.create_task(collect(llm.stream(QUESTION)))
    while not peer.requests:
        await asyncio.sleep(0.005)
    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    assert await asyncio.to_thread(peer.gone.wait, 2)


async def test_a_server_that_is_not_there_is_named(options: dict[str, object]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    engine = OpenAILlm({**options, "base_url": f"http://user:{KEY}@127.0.0.1:{port}/v1"})
    engine.load()
    message = await refusal(engine, QUESTION)
    assert f"http://127.0.0.1:{port}/v1 can't be reached" in message
    engine.close()
    engine.close()
    assert "not open" in await refusal(engine, QUESTION)


@pytest.mark.parametrize("url", ["gpu1:8000/v1", "ftp://gpu1/v1", "", "http://"])
def test_a_base_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="base_url"):
        OpenAILlm({"base_url": url, "model": "m"})


def test_a_key_may_come_from_the_environment(monkeypatch: pytest.MonkeyPatch, options: dict[str, object]) -> None:
    engine = OpenAILlm({**options, "api_key": "", "api_key_env": "POLYTALK_TEST_KEY"})
    with pytest.raises(ConfigError, match="POLYTALK_TEST_KEY"):
        engine.load()
    monkeypatch.setenv("POLYTALK_TEST_KEY", KEY)
    engine.load()
    engine.close()


async def test_fields_that_a_server_does_not_know_are_left_out(peer: Peer, options: dict[str, object]) -> None:
    engine = OpenAILlm({**options, "omit": ["max_tokens"], "extra_body": {"max_completion_tokens": 9}})
    engine.load()
    peer.handler = streams(delta("ok", "stop"), DONE)
    await collect(engine.stream(QUESTION))
    assert "max_tokens" not in peer.requests[0]
    assert peer.requests[0]["max_completion_tokens"] == 9
    engine.close()
    await asyncio.sleep(0.02)


# --- ASR -----------------------------------------------------------------------------------------------------------

NOISE = (np.random.default_rng(0).normal(0, 0.1, 16_000) * 32767).astype("<i2").tobytes()


async def test_an_utterance_is_sent_as_a_wav_file(peer: Peer, asr: OpenAIAsr) -> None:
    peer.handler = says(200, {"text": " Hello there. ", "language": "english"})
    assert await collect(asr.stream(ListenWork(NOISE))) == [Transcript("Hello there.", "en")]
    (request,) = peer.requests
    assert (request["path"], request["model"], "language" in request) == ("/v1/audio/transcriptions", "m", False)
    with wave.open(io.BytesIO(request["file"])) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 16_000, 2)
        assert file.readframes(file.getnframes()) == NOISE


async def test_the_language_of_the_job_is_told(peer: Peer, asr: OpenAIAsr) -> None:
    peer.handler = says(200, {"text": "你好"})
    assert await collect(asr.stream(ListenWork(NOISE, language="zh-CN"))) == [Transcript("你好", "zh")]
    assert peer.requests[0]["language"] == "zh"


async def test_silence_is_not_sent(peer: Peer, asr: OpenAIAsr) -> None:
    assert await collect(asr.stream(ListenWork(bytes(32_000)))) == [Transcript("")]
    assert not peer.requests


async def test_audio_that_can_not_be_read_is_not_sent(peer: Peer, asr: OpenAIAsr) -> None:
    assert "3201" in await refusal(asr, ListenWork(bytes(3201)), BadInput)
    assert not peer.requests


@pytest.mark.parametrize("body", ["text", {"words": []}, {"text": 3}])
async def test_what_is_no_transcript_is_an_error(peer: Peer, asr: OpenAIAsr, body: object) -> None:
    peer.handler = says(200, body)
    assert "no transcript" in await refusal(asr, ListenWork(NOISE))


# --- TTS -----------------------------------------------------------------------------------------------------------

SENTENCE = SpeakWork(text="Hello there.", voice="ben", speed=1.2)


async def test_speech_streams_and_no_sample_is_split(peer: Peer, tts: OpenAITts) -> None:
    audio = bytes(range(256)) * 100
    gate = threading.Event()

    async def send() -> AsyncIterator[bytes]:
        yield audio[:9_001]
        await asyncio.to_thread(gate.wait, 5)
        yield audio[9_001:20_000]
        yield audio[20_000:]

    async def handler(_: Request) -> Response:
        return StreamingResponse(send(), media_type="audio/pcm")

    peer.handler = handler
    chunks = []
    async for chunk in tts.stream(SENTENCE):
        assert isinstance(chunk, Speech)
        gate.set()  # so the first chunk came before the rest was sent
        chunks.append(chunk.audio)
    assert b"".join(chunks) == audio
    assert len(chunks) >= 2
    assert not any(len(chunk) % 2 for chunk in chunks)
    (request,) = peer.requests
    assert {name: request[name] for name in ("path", "voice", "input", "response_format", "speed")} == {
        "path": "/v1/audio/speech",
        "voice": "ben",
        "input": "Hello there.",
        "response_format": "pcm",
        "speed": 1.2,
    }


async def test_a_sentence_shorter_than_a_chunk_is_heard(peer: Peer, tts: OpenAITts) -> None:
    peer.handler = streams(b"\1\2", kind="application/octet-stream")
    assert await collect(tts.stream(SENTENCE)) == [Speech(b"\1\2")]


@pytest.mark.parametrize("kind", ["audio/mpeg", "audio/wav", "application/json"])
async def test_another_format_is_not_played_as_noise(peer: Peer, tts: OpenAITts, kind: str) -> None:
    peer.handler = streams(b"\1\2", kind=kind)
    assert kind in await refusal(tts, SENTENCE)


@pytest.mark.parametrize(("audio", "reason"), [(b"", "no audio"), (b"\1\2\3", "half a sample")])
async def test_speech_that_is_none_is_an_error(peer: Peer, tts: OpenAITts, audio: bytes, reason: str) -> None:
    peer.handler = streams(audio, kind="audio/pcm")
    assert reason in await refusal(tts, SENTENCE)


async def test_a_voice_that_is_not_configured_is_not_asked_for(peer: Peer, tts: OpenAITts) -> None:
    assert "ana, ben" in await refusal(tts, SpeakWork(text="Hi", voice="carl"), BadInput)
    assert "?!" in await refusal(tts, SpeakWork(text="?!", voice="ana"), Unspeakable)
    assert not peer.requests


def test_voices_are_known_before_the_server_is_asked(options: dict[str, object]) -> None:
    engine = OpenAITts({**options, "voices": ["ana"], "languages": ["en", "zh"]})
    assert engine.voices() == [Voice(id="ana", name="ana", languages=("en", "zh"))]
    with pytest.raises(ConfigError, match="voices"):
        OpenAITts({**options, "voices": []})


# --- all of them ---------------------------------------------------------------------------------------------------


async def test_requests_share_few_connections(peer: Peer, llm: OpenAILlm) -> None:
    clients: set[str] = set()

    async def handler(request: Request) -> Response:
        assert request.client is not None
        clients.add(f"{request.client.host}:{request.client.port}")
        return await streams(delta("ok", "stop"), DONE)(request)

    peer.handler = handler
    await asyncio.gather(*(collect(llm.stream(QUESTION)) for _ in range(20)))
    assert len(peer.requests) == 20
    assert len(clients) <= llm.slots

"""Conversations with the real models, held by the `openai` package's own realtime client."""

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest
from openai import AsyncOpenAI
from openai.resources.realtime.realtime import AsyncRealtimeConnection

from polytalk.media import g711
from polytalk.media.pcm import from_float, resample, silence
from polytalk.types import SPEECH_RATE
from tests.e2e.conftest import Server, Speak, Transcribe

FRAME = 960  # bytes: 20 ms


@asynccontextmanager
async def call(server: Server, **session: Any) -> AsyncIterator[AsyncRealtimeConnection]:
    client = AsyncOpenAI(api_key="none-needed", base_url=f"{server.url}/v1")
    async with client.realtime.connect(model="mira") as connection:
        first = await connection.recv()
        assert first.type == "session.created"
        detection = {"type": "server_vad", "silence_duration_ms": 300}
        audio = {"input": {"turn_detection": detection}} | session.pop("audio", {})
        settings: Any = {"type": "realtime", "audio": audio, **session}
        await connection.session.update(session=settings)
        yield connection
    await client.close()


async def say(connection: AsyncRealtimeConnection, speech: bytes) -> None:
    """Speak in real time, then stay silent for a second."""
    audio = speech + bytes(48_000)
    began = time.monotonic()
    for start in range(0, len(audio), FRAME):
        await connection.input_audio_buffer.append(audio=base64.b64encode(audio[start : start + FRAME]).decode())
        await asyncio.sleep(max(0.0, began + start / 48_000 - time.monotonic()))


async def until(connection: AsyncRealtimeConnection, kind: str, within: float = 20.0) -> list[Any]:
    """Events up to and with the first of a kind."""
    seen: list[Any] = []
    async with asyncio.timeout(within):
        async for event in connection:
            assert event.type != "error", event
            seen.append(event)
            if event.type == kind:
                return seen
    pytest.fail(f"the connection ended without {kind}")


def audio_of(events: list[Any]) -> bytes:
    return b"".join(base64.b64decode(e.delta) for e in events if e.type == "response.output_audio.delta")


def text_of(events: list[Any]) -> str:
    return "".join(e.delta for e in events if e.type == "response.output_audio_transcript.delta")


def words(text: str) -> set[str]:
    return {word.strip(".,!?'\"").lower() for word in text.split()}


async def test_a_spoken_question_is_heard_and_answered_aloud(
    server: Server, joe: Speak, transcribe: Transcribe
) -> None:
    async with call(server) as connection:
        speaking = asyncio.create_task(say(connection, joe("What is the capital of France?")))
        events = await until(connection, "response.done")
        await speaking
    kinds = [event.type for event in events]
    assert kinds.index("input_audio_buffer.speech_started") < kinds.index("input_audio_buffer.speech_stopped")
    assert kinds.index("response.created") < kinds.index("response.output_audio.delta")
    heard = next(e for e in events if e.type == "conversation.item.input_audio_transcription.completed")
    assert "capital of france" in heard.transcript.lower()
    assert events[-1].response.status == "completed"
    said, sounded = words(text_of(events)), words(transcribe(audio_of(events)))
    assert len(said & sounded) >= 0.6 * len(said), (said, sounded)


def cough() -> bytes:
    """A burst of noise that dies away, and a moment of silence."""
    noise = np.random.default_rng(3).normal(0.0, 0.2, round(0.35 * SPEECH_RATE))
    fading = np.exp(-np.arange(len(noise)) / (0.12 * SPEECH_RATE))
    return from_float(noise * fading) + silence(0.3, SPEECH_RATE)


async def test_neither_a_cough_nor_a_yeah_stops_the_avatar(server: Server, joe: Speak) -> None:
    async with call(server) as connection:
        speaking = asyncio.create_task(say(connection, joe("What can you do?")))
        await until(connection, "response.output_audio.delta")
        await speaking
        sounds = asyncio.create_task(say(connection, cough() + joe("Yeah.")))
        broken_off = await until(connection, "response.done")
        went_on = await until(connection, "response.done")
        await sounds
    kinds = [event.type for event in broken_off]
    assert kinds.count("input_audio_buffer.speech_started") == 1, "the cough was taken for speech"
    assert broken_off[-1].response.status == "cancelled"
    assert went_on[-1].response.status == "completed"
    heard = next(e for e in went_on if e.type == "conversation.item.input_audio_transcription.completed")
    assert words(heard.transcript) == {"yeah"}
    assert text_of(went_on)
    assert len(audio_of(went_on)) > 0.5 * SPEECH_RATE * 2


async def test_a_typed_question_is_answered_aloud(server: Server) -> None:
    async with call(server) as connection:
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]}
        )
        await connection.response.create()
        events = await until(connection, "response.done")
    assert len(audio_of(events)) > 24_000  # more than half a second
    assert events[-1].response.usage.output_tokens > 0


async def test_text_may_be_all_that_is_wanted(server: Server) -> None:
    async with call(server, output_modalities=["text"]) as connection:
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Say hello."}]}
        )
        await connection.response.create()
        events = await until(connection, "response.done")
    assert not audio_of(events)
    assert "".join(e.delta for e in events if e.type == "response.output_text.delta")


async def test_speaking_interrupts_and_history_keeps_what_was_heard(echo_server: Server, joe: Speak) -> None:
    story = "One morning the old farmer walked to the market to sell his apples, and on the way he met a talking goose."
    async with call(echo_server) as connection:
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": story}]}
        )
        await connection.response.create()
        await until(connection, "response.output_audio.delta")
        speaking = asyncio.create_task(say(connection, joe("Stop, please stop now.")))
        before = await until(connection, "input_audio_buffer.speech_started")
        after = await until(connection, "response.done")
        assert after[-1].response.status == "cancelled"
        assert after[-1].response.status_details.reason == "turn_detected"
        stale = after[-1].response.id
        item = after[-1].response.output[0].id
        more = await until(connection, "response.done")
        await speaking
        assert not [e for e in after if e.type == "response.output_audio.delta"]
        assert not [e for e in more if getattr(e, "response_id", None) == stale]
        await connection.conversation.item.retrieve(item_id=item)
        kept = (await until(connection, "conversation.item.retrieved"))[-1].item.content[0].transcript
    assert audio_of(before) or kept
    assert f"You said: {story}".startswith(kept)
    assert len(kept) < len(story)


async def test_the_interrupt_button_stops_at_once(echo_server: Server) -> None:
    async with call(echo_server) as connection:
        await connection.conversation.item.create(
            item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": "word " * 60}]}
        )
        await connection.response.create()
        await until(connection, "response.output_audio.delta")
        await connection.response.cancel()
        events = await until(connection, "response.done")
    assert events[-1].response.status == "cancelled"
    assert events[-1].response.status_details.reason == "client_cancelled"


async def test_two_users_hear_their_own_answers_in_their_own_voices(
    echo_server: Server, heart: Speak, joe: Speak, transcribe: Transcribe
) -> None:
    async def converse(speech: bytes, voice: str) -> tuple[str, str]:
        async with call(echo_server, audio={"output": {"voice": voice}}) as connection:
            speaking = asyncio.create_task(say(connection, speech))
            events = await until(connection, "response.done")
            await speaking
        return text_of(events).lower(), transcribe(audio_of(events))

    (bananas, bananas_heard), (winter, winter_heard) = await asyncio.gather(
        converse(heart("I like yellow bananas."), "heart"), converse(joe("I like the cold winter."), "joe")
    )
    assert "banana" in bananas
    assert "banana" in bananas_heard
    assert "winter" not in bananas_heard
    assert "winter" in winter
    assert "winter" in winter_heard
    assert "banana" not in winter_heard


async def test_silence_and_noise_get_no_answer(server: Server) -> None:
    async with call(server) as connection:
        await say(connection, bytes(96_000))
        await connection.input_audio_buffer.commit()
        events = await until(connection, "conversation.item.input_audio_transcription.completed")
    assert events[-1].transcript == ""
    assert not [event for event in events if event.type == "response.created"]


async def test_what_an_english_voice_cannot_say_is_shown_and_the_session_goes_on(echo_server: Server) -> None:
    async with call(echo_server) as connection:
        for text in ("你好，今天天气很好。", "😀😀😀", "Fine."):
            await connection.conversation.item.create(
                item={"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]}
            )
            await connection.response.create()
            events = await until(connection, "response.done")
            assert events[-1].response.status == "completed"
            assert text_of(events).endswith(text)
    assert audio_of(events)


async def test_a_telephone_call_ends_its_turns_by_what_is_said(
    server: Server, joe: Speak, transcribe: Transcribe
) -> None:
    """G.711 both ways, and an utterance with a pause of 0.65 s in it, which half a second of silence would cut."""
    telephone = {"type": "audio/pcmu"}
    detection = {"type": "semantic_vad", "eagerness": "medium"}
    audio = {"input": {"format": telephone, "turn_detection": detection}, "output": {"format": telephone}}
    begun, rest = joe("I would like to know what you can do because"), joe("I know you can help me.")
    said = begun + silence(0.65, SPEECH_RATE) + rest
    coded = g711.encode(resample(said + silence(1.5, SPEECH_RATE), SPEECH_RATE, g711.RATE), "mu")
    async with call(server, audio=audio) as connection:
        speaking = asyncio.create_task(_dictate(connection, coded))
        events = await until(connection, "response.done", 60)  # a whole answer, as it is heard
        await speaking
    heard = [e.transcript for e in events if e.type == "conversation.item.input_audio_transcription.completed"]
    assert len(heard) == 1, heard
    assert {"like", "know", "because", "help"} <= words(heard[0])
    reply = resample(g711.decode(audio_of(events), "mu"), g711.RATE, SPEECH_RATE)
    written, sounded = words(text_of(events)), words(transcribe(reply))
    assert len(written & sounded) >= 0.6 * len(written), (written, sounded)


async def _dictate(connection: AsyncRealtimeConnection, coded: bytes) -> None:
    """Send 8,000 bytes a second, as time goes by."""
    began = time.monotonic()
    for start in range(0, len(coded), 160):
        await connection.input_audio_buffer.append(audio=base64.b64encode(coded[start : start + 160]).decode())
        await asyncio.sleep(max(0.0, began + start / g711.RATE - time.monotonic()))

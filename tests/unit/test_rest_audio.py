"""Speech and transcriptions on a real port, by the openai package and by those who ask for what is not there."""

import base64
import io
import json
import wave
from typing import Any

import httpx
import pytest

from polytalk.config import Limits
from polytalk.errors import EngineFailed, Shed
from polytalk.gateway.rest.errands import Uploads
from polytalk.media.decode import decode_audio
from polytalk.media.pcm import duration, silence
from polytalk.types import SPEECH_RATE
from tests.support.engines import Fault
from tests.support.server import serving
from tests.support.sound import level_of, voice
from tests.unit.test_rest_chat import sdk

TEXT = "One is here. Two is here."
LONG = 6 * 0.05
"""Seconds that the scripted voice takes for it."""


def wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SPEECH_RATE)
        out.writeframes(pcm)
    return file.getvalue()


RECORDING = wav(b"".join(voice(0.6, level) + silence(0.7, SPEECH_RATE) for level in (1000, 2000)))


async def test_the_openai_package_has_a_text_read_aloud_in_every_form() -> None:
    async with serving() as server, sdk(server) as client:
        create = client.audio.speech.create
        for form in ("mp3", "opus", "aac", "flac", "wav"):
            made = await create(model="tts-1", voice="alloy", input=TEXT, response_format=form)
            assert made.response.headers["content-type"].startswith("audio/")
            assert duration(decode_audio(made.content, SPEECH_RATE), SPEECH_RATE) == pytest.approx(LONG, abs=0.15)
        async with client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="vera", input=TEXT, response_format="pcm", speed=1.5, instructions="Whisper."
        ) as answer:
            pcm = b"".join([piece async for piece in answer.iter_bytes()])
        assert duration(pcm, SPEECH_RATE) == pytest.approx(LONG, abs=0.01)
        assert level_of(pcm) == 8000


async def test_speech_comes_as_events_with_its_usage() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        asked = {"model": "theo", "input": TEXT, "response_format": "pcm", "stream_format": "sse"}
        answer = await http.post("/v1/audio/speech", json=asked)
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [json.loads(line.removeprefix("data: ")) for line in answer.text.split("\n\n") if line]
        assert {event["type"] for event in events[:-1]} == {"speech.audio.delta"}
        pcm = b"".join(base64.b64decode(event["audio"]) for event in events[:-1])
        assert duration(pcm, SPEECH_RATE) == pytest.approx(LONG, abs=0.01)
        usage = {"input_tokens": len(TEXT), "output_tokens": 6, "total_tokens": len(TEXT) + 6}
        assert events[-1] == {"type": "speech.audio.done", "usage": usage}


BAD_SPEECH: list[tuple[dict[str, Any], int, str, str | None]] = [
    ({"model": "nobody"}, 404, "model_not_found", "model"),
    ({"voice": "nobody"}, 400, "invalid_value", "voice"),
    ({"input": ""}, 400, "invalid_value", "input"),
    ({"input": "x" * 101}, 400, "invalid_value", "input"),
    ({"input": "***"}, 400, "unspeakable_text", "input"),
    ({"speed": 9}, 400, "invalid_value", "speed"),
    ({"response_format": "ogg"}, 400, "invalid_value", "response_format"),
    ({"input": None}, 400, "invalid_value", "input"),
]


async def test_speech_that_can_not_be_had_is_told_with_the_field() -> None:
    async with (
        serving(limits=Limits(max_text_chars=100)) as server,
        httpx.AsyncClient(base_url=server.http) as http,
    ):
        for changes, status, code, param in BAD_SPEECH:
            asked = {"model": "tts-1", "voice": "alloy", "input": "Hi.", **changes}
            answer = await http.post("/v1/audio/speech", json=asked)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error


async def test_the_openai_package_has_a_recording_transcribed_in_every_shape() -> None:
    async with serving() as server, sdk(server) as client:
        create = client.audio.transcriptions.create
        file = ("talk.wav", RECORDING)
        plain = await create(file=file, model="whisper-1", language="en", prompt="Mira", temperature=0.2)
        assert plain.text == "I am 10 I am 20"
        assert plain.usage is not None
        assert plain.usage.type == "duration"
        assert server.asr.works[-1].prompt == "Mira"
        verbose = await create(
            file=file, model="whisper-1", response_format="verbose_json", timestamp_granularities=["segment"]
        )
        assert (verbose.language, verbose.text) == ("english", plain.text)
        assert verbose.duration == pytest.approx(2.6, abs=0.01)
        assert [segment.text for segment in verbose.segments or ()] == ["I am 10", "I am 20"]
        assert await create(file=file, model="whisper-1", response_format="text") == f"{plain.text}\n"
        assert (await create(file=file, model="whisper-1", response_format="srt")).startswith("1\n00:00:00,0")
        assert (await create(file=file, model="whisper-1", response_format="vtt")).startswith("WEBVTT\n")
        stream = await create(file=file, model="gpt-4o-transcribe", stream=True)
        events = [event async for event in stream]
        assert [event.type for event in events] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
        assert events[-1].to_dict()["text"] == plain.text


BAD_FORMS: list[tuple[dict[str, Any], bytes | None, int, str, str | None]] = [
    ({"model": "nobody"}, RECORDING, 404, "model_not_found", "model"),
    ({}, None, 400, "form_invalid", "file"),
    ({}, b"no sound at all", 400, "invalid_value", None),
    ({"response_format": "xml"}, RECORDING, 400, "invalid_value", "response_format"),
    ({"temperature": "hot"}, RECORDING, 400, "invalid_value", "temperature"),
    ({"temperature": "2"}, RECORDING, 400, "invalid_value", "temperature"),
    ({"timestamp_granularities[]": "word"}, RECORDING, 400, "unsupported_parameter", "timestamp_granularities"),
    ({"colour": "red"}, RECORDING, 400, "invalid_value", "colour"),
    ({}, wav(silence(4.0, SPEECH_RATE)), 400, "invalid_value", None),
    ({}, bytes(300_000), 413, "file_too_large", None),
]


async def test_forms_that_can_not_be_used_are_told_with_the_field() -> None:
    limits = Limits(max_upload_bytes=250_000, max_audio_seconds=3.0)
    async with serving(limits=limits) as server, httpx.AsyncClient(base_url=server.http) as http:
        for changes, file, status, code, param in BAD_FORMS:
            files = {"file": ("talk.wav", file)} if file else {"other": (None, "")}
            data = {"model": "whisper-1", **changes}
            answer = await http.post("/v1/audio/transcriptions", data=data, files=files)
            error = answer.json()["error"]
            if not file:
                assert answer.status_code == 400
                continue
            assert (answer.status_code, error["code"], error["param"]) == (status, code, param), error
        translation = await http.post("/v1/audio/translations", data={"model": "whisper-1"})
        assert (translation.status_code, translation.json()["error"]["code"]) == (400, "unsupported_operation")
        assert server.asr.busy == 0


async def test_an_engine_that_fails_is_told() -> None:
    async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
        server.asr.faults = [Fault(EngineFailed("out of memory"))]
        answer = await http.post("/v1/audio/transcriptions", data={"model": "asr"}, files={"file": RECORDING})
        assert (answer.status_code, answer.json()["error"]["code"]) == (500, "engine_failed")
        assert server.runtime.gate.admission.leases == {}


def test_slow_files_of_one_tenant_leave_room_for_anothers() -> None:
    uploads = Uploads(4)
    with uploads.one("acme"), uploads.one("acme"), uploads.one("acme"):
        with pytest.raises(Shed), uploads.one("acme"):
            raise AssertionError
        with uploads.one("other"), pytest.raises(Shed), uploads.one("third"):
            raise AssertionError
    with Uploads(1).one("acme"):
        pass

"""The OpenAI package against the real models: text, speech that is written down again, a clip that is watched."""

import io
import time
from collections.abc import Iterator
from typing import Any

import av
import numpy as np
import pytest
from openai import OpenAI

from polytalk.media.decode import decode_audio
from polytalk.media.marking import read_marking
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE
from tests.e2e.conftest import Server, Transcribe

TEXT = "Good morning, everybody. We sell old lamps. Please come in."
PATIENCE = 90.0


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[OpenAI]:
    with OpenAI(api_key="none", base_url=f"{server.url}/v1", max_retries=0, timeout=PATIENCE) as made:
        yield made


def test_the_model_answers_whole_and_in_pieces_and_an_avatar_in_character(client: OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": "What is a lamp? Answer in one sentence."}]
    whole = client.chat.completions.create(model="smollm2", messages=asked, max_tokens=40, temperature=0, seed=1)
    said = whole.choices[0].message.content or ""
    assert "light" in said.lower()
    assert whole.usage is not None
    assert whole.usage.prompt_tokens > 10
    assert 0 < whole.usage.completion_tokens <= 40
    stream = client.chat.completions.create(
        model="smollm2", messages=asked, max_tokens=40, temperature=0, seed=1, stream=True
    )
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream]
    assert len([piece for piece in pieces if piece]) > 3
    assert "light" in "".join(pieces).lower()
    cut = client.chat.completions.create(model="smollm2", messages=asked, max_tokens=3, temperature=0)
    assert cut.choices[0].finish_reason == "length"
    who: list[Any] = [{"role": "user", "content": "Who are you?"}]
    mira = client.chat.completions.create(model="mira", messages=who)
    assert "Mira" in (mira.choices[0].message.content or "")


def test_speech_is_written_down_again(client: OpenAI) -> None:
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input=TEXT, response_format="mp3").content
    assert read_marking(spoken) is not None
    create = client.audio.transcriptions.create
    heard = create(model="whisper-1", file=("morning.mp3", spoken), response_format="verbose_json", language="en")
    for word in ("morning", "lamps", "come in"):
        assert word in heard.text.lower()
    assert heard.duration == pytest.approx(duration(decode_audio(spoken, SPEECH_RATE), SPEECH_RATE), abs=0.1)
    assert heard.segments
    assert heard.segments[-1].end <= heard.duration
    assert -1.5 < heard.segments[0].avg_logprob < 0
    events = list(create(model="whisper-1", file=("morning.mp3", spoken), stream=True, prompt="We sell lamps."))
    assert events[-1].type == "transcript.text.done"
    assert "lamps" in events[-1].text.lower()


@pytest.mark.filterwarnings("ignore:The Sora API:DeprecationWarning")
def test_a_clip_is_ordered_made_and_fetched(client: OpenAI, transcribe: Transcribe) -> None:
    size: Any = "192x256"
    video = client.videos.create(prompt=TEXT, model="theo", size=size)
    seen = {video.progress}
    until = time.monotonic() + PATIENCE
    while video.status in ("queued", "in_progress"):
        assert time.monotonic() < until
        time.sleep(0.2)
        video = client.videos.retrieve(video.id)
        seen.add(video.progress)
    assert video.status == "completed", video.error
    assert seen >= {0, 100}
    content = client.videos.download_content(video.id).content
    said = transcribe(decode_audio(content, SPEECH_RATE))
    assert "lamps" in said
    assert "come in" in said
    with av.open(io.BytesIO(content), "r") as file:
        frames = [frame.to_ndarray(format="rgb24") for frame in file.decode(video=0)]
    assert frames[0].shape == (256, 192, 3)
    assert float(video.seconds) == pytest.approx(len(frames) / 25, abs=0.05)
    mouth = np.stack([frame[120:200, 50:140].astype(np.int16) for frame in frames[20:60]])
    assert np.abs(np.diff(mouth, axis=0)).max() > 40, "the face does not move"
    assert read_marking(content) is not None
    assert client.videos.delete(video.id).deleted

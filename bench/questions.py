"""What callers say: questions spoken by the project's own voices, kept in `bench/out/speech` once made."""

import base64
import hashlib
import wave
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
from msgspec import Struct

from polytalk.engines import registry
from polytalk.errors import PolytalkError
from polytalk.media.pcm import duration, samples
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds, SpeakWork

OUT = Path(__file__).parent / "out"
ENGINES = {"heart": "hibari", "joe": "joe"}
"""Voice -> the engine that has it."""
FRAME: Seconds = 0.02
FRAME_BYTES = round(SPEECH_RATE * FRAME) * SAMPLE_BYTES
VOICED = 655
"""Amplitude, -34 dBFS, from which a sample counts as voice: above breath and reverberation, below any vowel."""

QUESTIONS = (
    "Why is the sky blue?",
    "What do cats eat?",
    "How do airplanes fly?",
    "What is the capital of France?",
    "Tell me a story about the sea.",
    "How do I make a good cup of coffee at home?",
    "Can you recommend a good book for a long train journey?",
    "What should somebody who wants to learn to play the piano do first?",
)
"""One to three seconds, each without a pause that could end it early; all of them need the LLM."""
BY_HEART = ("What are you?", "What can you do?", "Are you a robot?")
"""Every avatar knows the answers without the LLM."""


class Line(Struct, frozen=True):
    """Something to say, and who says it."""

    text: str
    voice: str = "heart"


class Utterance(Struct, frozen=True, dict=True):
    """A spoken line: PCM16 at `SPEECH_RATE`, whole frames, its last sample the last voiced one."""

    line: Line
    pcm: bytes

    @property
    def seconds(self) -> Seconds:
        """Its length."""
        return duration(self.pcm, SPEECH_RATE)

    @cached_property
    def frames(self) -> Sequence[bytes]:
        """`input_audio_buffer.append` events of 20 ms each."""
        return append_events(self.pcm)


def append_events(pcm: bytes) -> list[bytes]:
    """Audio as the events that send it, `FRAME` each; made ahead, so that speaking costs the client little."""
    pieces = (pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm), FRAME_BYTES))
    return [
        msgspec.json.encode({"type": "input_audio_buffer.append", "audio": base64.b64encode(piece).decode()})
        for piece in pieces
    ]


def trim(pcm: bytes) -> bytes:
    """From the first voiced sample to the last, with silence before it that fills up the first frame.

    Raises ValueError when nothing in it is voiced.
    """
    voiced = np.flatnonzero(np.abs(samples(pcm).astype(np.int32)) >= VOICED)
    if not len(voiced):
        raise ValueError("the audio holds no voice")
    spoken = pcm[voiced[0] * SAMPLE_BYTES : (voiced[-1] + 1) * SAMPLE_BYTES]
    return bytes(-len(spoken) % FRAME_BYTES) + spoken


def speak(lines: Iterable[Line]) -> list[Utterance]:
    """The lines spoken, from the cache where they were spoken before. Raises PolytalkError."""
    lines = list(lines)
    for voice in {line.voice for line in lines}:
        _synthesise(voice, [line for line in lines if line.voice == voice and not _path(line).exists()])
    return [Utterance(line, trim(_read(_path(line)))) for line in lines]


def questions(voice: str = "heart") -> list[Utterance]:
    """The standard questions."""
    return speak(Line(text, voice) for text in QUESTIONS)


def rotated(utterances: Sequence[Utterance], by: int) -> list[Utterance]:
    """The same, from another one on: so that callers do not all ask the same at once."""
    by %= len(utterances)
    return [*utterances[by:], *utterances[:by]]


def _synthesise(voice: str, lines: Sequence[Line]) -> None:
    if not lines:
        return
    engine = registry.create("tts", ENGINES[voice], {})
    engine.load()
    try:
        for line in lines:
            (speech,) = engine.run([SpeakWork(line.text, voice)])
            if isinstance(speech, PolytalkError):
                raise speech
            _write(_path(line), speech.audio)
    finally:
        engine.close()


def _path(line: Line) -> Path:
    digest = hashlib.sha256(line.text.encode()).hexdigest()[:12]
    return OUT / "speech" / f"{line.voice}-{digest}.wav"


def _read(path: Path) -> bytes:
    with wave.open(str(path), "rb") as file:
        return file.readframes(file.getnframes())


def _write(path: Path, pcm: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(SAMPLE_BYTES)
        file.setframerate(SPEECH_RATE)
        file.writeframes(pcm)

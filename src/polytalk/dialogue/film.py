"""An answer as a clip: one question put to a session, its audio and mouth collected, its face drawn and filmed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from polytalk.avatar.bundle import Avatar
from polytalk.avatar.motion import State, perform
from polytalk.avatar.raster import Renderer
from polytalk.dialogue import events
from polytalk.dialogue.conversation import Item
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, EngineFailed, Unspeakable
from polytalk.media.labels import visible_label
from polytalk.media.marking import Marking
from polytalk.media.mp4 import Mp4Writer
from polytalk.media.pcm import duration, silence
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds

FPS = 25
BEFORE: Seconds = 0.4
"""The face looks at you for a moment before it speaks …"""
AFTER: Seconds = 0.7
"""… and after it has spoken."""

OnFrame: TypeAlias = Callable[[int, int], None]
"""Called with the frames done and the frames in all."""


@dataclass
class Answer:
    """What an avatar said to one question."""

    question: str = ""
    text: str = ""
    audio: bytearray = field(default_factory=bytearray)
    """PCM16 at `SPEECH_RATE`."""
    mouth: bytearray = field(default_factory=bytearray)


async def answer(runtime: Runtime, settings: SessionSettings, question: str | bytes) -> Answer:
    """Put one question, a text or a recording (PCM16 at `SPEECH_RATE`), and wait for the whole answer.

    Raises BadInput when nothing was asked, Unspeakable when the answer has no sound, or what an engine raised.
    """
    given = Answer()
    over: asyncio.Future[events.ResponseFinished | events.TranscriptionFailed | events.Transcribed] = (
        asyncio.get_running_loop().create_future()
    )

    def emit(what: events.DialogueEvent) -> None:
        match what:
            case events.Spoke():
                given.audio += what.audio
                given.mouth += what.mouth
            case events.Transcribed():
                given.question = what.text
                if not what.text and not over.done():
                    over.set_result(what)
            case events.ResponseFinished() | events.TranscriptionFailed() if not over.done():
                over.set_result(what)
            case _:
                pass

    async with runtime.open_session(replace(settings, mouth=True, turn_detection=None), emit) as session:
        if isinstance(question, str):
            given.question = question
            session.add(Item(new_id("item"), "user", question))
        else:
            await session.hear(question)
            await session.commit()
        await session.respond()
        end = await over
    if isinstance(end, events.Transcribed):
        raise BadInput("no speech was found in the recording; speak louder, or nearer to the microphone")
    if isinstance(end, events.TranscriptionFailed) or end.status != "completed":
        raise EngineFailed(end.message)
    given.text = end.text
    if not given.audio:
        raise Unspeakable(f"the answer {end.text!r} can't be spoken by the voice {settings.voice!r}")
    return given


def film(avatar: Avatar, said: Answer, target: Path, *, size: int, label: str | None, on_frame: OnFrame) -> Seconds:
    """Write the clip, marked as AI-generated; returns its length.

    `label` is the language of the visible mark, None for a mark in the metadata alone. Raises BadInput, SetupError.
    """
    renderer = Renderer(avatar, (size, size))
    mark = visible_label(size, size, label) if label else None
    speech = duration(bytes(said.audio), SPEECH_RATE)
    frames = round((BEFORE + speech + AFTER) * FPS)
    audio = silence(BEFORE, SPEECH_RATE) + bytes(said.audio)
    audio += bytes(max(0, round(frames / FPS * SPEECH_RATE) * SAMPLE_BYTES - len(audio)))
    states: list[tuple[Seconds, State]] = [(0.0, "idle"), (BEFORE, "speaking"), (BEFORE + speech, "idle")]
    moves = perform(avatar.motion, frames / FPS, states=states, mouth=bytes(said.mouth), mouth_start=BEFORE, fps=FPS)
    tags = Marking(producer="Polytalk", produce_id=new_id("clip")).tags(label or "en")
    step = SPEECH_RATE // FPS * SAMPLE_BYTES
    with Mp4Writer(target, size, size, FPS, SPEECH_RATE, tags) as clip:
        for index, parameters in enumerate(moves):
            picture = renderer.frame(parameters)
            if mark is not None:
                mark.apply(picture)
            clip.write_frame(picture)
            clip.write_audio(audio[index * step : (index + 1) * step])
            on_frame(index + 1, frames)
    return frames / FPS

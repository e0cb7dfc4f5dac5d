"""An answer as a clip: one question put to a session, its audio and mouth collected, its face drawn and filmed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from polytalk.avatar.library import Bundle
from polytalk.avatar.motion import State, perform
from polytalk.avatar.renderer import open_renderer
from polytalk.config import ANYBODY
from polytalk.dialogue import events
from polytalk.dialogue.conversation import Item
from polytalk.dialogue.exports import is_sound, open_video
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.marks import Mark
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.take import Take, blocks
from polytalk.engines import models
from polytalk.engines.synthesise.easel import shelf_of
from polytalk.errors import BadInput, EngineFailed, Unspeakable
from polytalk.media.labels import visible_label
from polytalk.media.loudness import find_level, levelled
from polytalk.media.pcm import duration, silence
from polytalk.media.sound import open_sound
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds

FPS = 25
BEFORE: Seconds = 0.4
"""The face looks at you for a moment before it speaks …"""
AFTER: Seconds = 0.7
"""… and after it has spoken."""

OFFLINE = ANYBODY.model_copy(update={"tier": "batch"})
"""Who asks: nobody waits for it live, and what is made is kept."""

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

    def take(self) -> Take:
        """To be filmed."""
        return Take(duration(self.audio, SPEECH_RATE), lambda: iter((bytes(self.audio),)), bytes(self.mouth))


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

    async with runtime.open_session(replace(settings, mouth=True, turn_detection=None), emit, OFFLINE) as session:
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


def film(avatar: Bundle, take: Take, target: Path, *, size: int, mark: Mark, on_frame: OnFrame) -> Seconds:
    """Write the clip in the form that the target's suffix asks for, marked as AI-generated; returns its length.

    Speech is brought to the loudness of files (`loudness`). Raises BadInput, SetupError.
    """
    frames = round((BEFORE + take.seconds + AFTER) * FPS)
    step = SPEECH_RATE // FPS * SAMPLE_BYTES
    level = find_level(take.pieces)
    sound = blocks(chain((silence(BEFORE, SPEECH_RATE),), levelled(take.pieces(), level)), step)
    tags = mark.tags(target.suffix.lower())
    seal = mark.seal_for(target.suffix.lower())
    if is_sound(target):
        with open_sound(target, target.suffix.lower(), tags, seal=seal) as file:
            for index in range(frames):
                file.write_audio(next(sound, b"").ljust(step, b"\0"))
                on_frame(index + 1, frames)
        return frames / FPS
    motion, renderer = open_renderer(avatar, size, shelf_of(avatar, (size, size), models.patches_folder()))
    label = visible_label(size, size, mark.label, mark.place) if mark.label else None
    states: list[tuple[Seconds, State]] = [(0.0, "idle"), (BEFORE, "speaking"), (BEFORE + take.seconds, "idle")]
    moves = perform(motion, frames / FPS, states=states, mouth=take.mouth, mouth_start=BEFORE, fps=FPS)
    with open_video(target, size, FPS, tags, seal) as clip:
        for index, parameters in enumerate(moves):
            picture = renderer.frame(parameters)
            if label is not None:
                label.apply(picture)
            clip.write_frame(picture)
            clip.write_audio(next(sound, b"").ljust(step, b"\0"))
            on_frame(index + 1, frames)
    return frames / FPS

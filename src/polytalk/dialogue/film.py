"""An answer as a clip: one question put to a session, its audio and mouth collected, its face drawn and filmed."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from polytalk.avatar.library import Bundle
from polytalk.avatar.renderer import open_renderer
from polytalk.dialogue import events
from polytalk.dialogue.exports import is_sound
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.items import Item
from polytalk.dialogue.marks import Mark
from polytalk.dialogue.payer import Payer
from polytalk.dialogue.reel import Reel, Shape
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.take import Take
from polytalk.engines import models
from polytalk.engines.synthesise.easel import shelf_of
from polytalk.errors import BadInput, EngineFailed, Unspeakable
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE, Seconds, Tier

OFFLINE = Payer(tier=Tier.BATCH)
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
    if is_sound(target):
        with Reel(take, target, Shape(size, size), mark) as reel:
            for index in range(reel.frames):
                reel.write(None)
                on_frame(index + 1, reel.frames)
        return reel.seconds
    motion, renderer = open_renderer(avatar, size, shelf_of(avatar, (size, size), models.patches_folder()))
    with Reel(take, target, Shape(size, size), mark) as reel:
        draw = renderer.planes("full") if reel.planar else None
        for index, parameters in enumerate(reel.moves(motion)):
            if draw is not None:
                reel.write_planes(draw(parameters))
            else:
                reel.write(renderer.frame(parameters))
            on_frame(index + 1, reel.frames)
    return reel.seconds

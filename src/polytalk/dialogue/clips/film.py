"""An answer as a clip: one question put to a session, its audio and mouth collected, its face drawn and filmed."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from polytalk.dialogue import events
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips.exports import check_length, is_sound
from polytalk.dialogue.clips.marks import Mark
from polytalk.dialogue.clips.parts import Parts
from polytalk.dialogue.clips.reel import Reel, SceneMaker, Shape, length
from polytalk.dialogue.clips.scenes import Planned, plan
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.faces.drawing import Drawing
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import BadInput, EngineFailed, SetupError, Unspeakable
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


def film(
    drawing: Drawing,
    take: Take,
    target: Path,
    *,
    size: int,
    mark: Mark,
    on_frame: OnFrame,
    parts: Parts | None = None,
) -> Seconds:
    """Write the clip in the form that the target's suffix asks for, marked as AI-generated; returns its length.

    Speech is brought to the loudness of files (`loudness`). With `parts`, whose folder is open, scenes are kept there
    as they are done, and those that are there already are not drawn. Raises BadInput, SetupError, EngineFailed.
    """
    shape = Shape(size, size)
    frames = length(take, shape)
    if is_sound(target):
        with Reel(take, target, shape, mark) as reel:
            for index in range(frames):
                reel.write_sound()
                on_frame(index + 1, frames)
        return reel.seconds
    check_length(target, frames, shape.fps)
    scenes = plan(drawing.avatar.id, drawing.painter, take, shape, mark, target.suffix.lower())

    def shot(scene: Planned, sink: Reel | SceneMaker) -> None:
        done = scene.first
        for work in scene.works:
            sink.write(drawing.draw(work))
            done += work.count
            on_frame(done, frames)

    if parts is None:
        with Reel(take, target, shape, mark) as reel:
            for scene in scenes:
                shot(scene, reel)
        return reel.seconds
    kept: list[Kept] = []
    for scene in scenes:
        kept.append(Kept(scene.name, scene.first, scene.count))
        if parts.scene(scene.name, scene.count) is None:
            maker = SceneMaker(target, shape, mark)
            shot(scene, maker)
            parts.put_scene(scene.name, maker.finish())
        on_frame(scene.first + scene.count, frames)
    return join(parts, kept, take, target, shape, mark)


class Kept(Struct, frozen=True):
    """A scene that lies beside the target."""

    name: str
    first: int
    count: int


def join(parts: Parts, kept: Sequence[Kept], take: Take, target: Path, shape: Shape, mark: Mark) -> Seconds:
    """Write the clip of its scenes, which are copied as they are; its length. Raises SetupError."""
    with Reel(take, target, shape, mark) as reel:
        for one in kept:
            scene = parts.scene(one.name, one.count)
            if scene is None:
                raise SetupError(f"{parts.folder} has changed while it was read; start again")
            reel.write_scene(scene, one.first)
    return reel.seconds

"""Answers made before anybody asks, as a turn would make them: sentence by sentence, speech and then the mouth."""

from contextlib import aclosing
from dataclasses import replace as changed

from msgspec.structs import replace

from polytalk.dialogue.answers.sentences import SentenceSplitter
from polytalk.dialogue.clips.film import Answer
from polytalk.dialogue.clips.take import Take, stretches
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.faces.face import Face
from polytalk.dialogue.kit import Kit
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.voices import language_of
from polytalk.errors import Unspeakable
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE, Seconds, SpeakWork, Speech

FAR: Seconds = 3600.0
"""Deadline of work that nobody waits for."""


async def rehearse(scope: Scope, kit: Kit, settings: SessionSettings, text: str) -> Answer:
    """Say a text and move to it; with a scope of the batch tier the result is kept on disk.

    Raises Unspeakable when nothing of it can be said, or what an engine raised.
    """
    done = Answer(text=text)
    face = open_face(scope, kit, settings)
    splitter = SentenceSplitter(language_of(text))
    for sentence in (*splitter.push(text), *splitter.flush()):
        try:
            await say(scope, kit, settings, face, sentence, done)
        except Unspeakable:
            continue  # as in a conversation: it is shown, and the rest is said
    if not done.audio:
        raise Unspeakable(f"the voice {settings.voice!r} can say nothing of {text!r:.80}")
    return done


def open_face(scope: Scope, kit: Kit, settings: SessionSettings) -> Face:
    """A face whose mouth alone is wanted, whenever it comes."""
    silent = replace(settings, mouth=True, video=None)
    return Face(scope, kit.faces, kit.studio, silent, lambda _: scope.clock.now() + FAR, lambda _: None)


async def say(scope: Scope, kit: Kit, settings: SessionSettings, face: Face, sentence: str, done: Answer) -> None:
    """Append one sentence, by a voice of its language. Raises Unspeakable, or what an engine raised."""
    language = language_of(sentence)
    route = kit.voices.for_language(settings.voice, language)
    work = SpeakWork(sentence.strip(), route.voice.id, language, settings.speed)
    async with aclosing(kit.studio.speak(scope, route.engine, work, scope.clock.now() + FAR)) as pieces:
        async for speech in pieces:
            if isinstance(speech, Speech) and speech.audio:
                await move(face, done, speech)


async def recorded(scope: Scope, kit: Kit, settings: SessionSettings, sound: bytes) -> Take:
    """A recording (PCM16 at `SPEECH_RATE`) with a mouth that moves to it. Raises what an engine raised."""
    done = Answer()
    face = open_face(scope, kit, settings)
    ends: list[Seconds] = []
    for stretch in stretches(sound):
        await move(face, done, Speech(stretch))
        ends.append(duration(done.audio, SPEECH_RATE))
    return changed(done.take(), ends=tuple(ends))


async def move(face: Face, done: Answer, speech: Speech) -> None:
    """Append some speech, and the mouth to it."""
    async with aclosing(face.steps("", speech, duration(done.audio, SPEECH_RATE))) as steps:
        async for step in steps:
            piece = await step
            done.audio += piece.audio
            done.mouth += piece.mouth

"""A text read aloud as it is made: sentence by sentence, the next under way while one is sent."""

from collections import deque
from collections.abc import AsyncGenerator

from polytalk.dialogue.answers.sentences import SentenceSplitter
from polytalk.dialogue.answers.speaking import Rendering
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.kit import FIRST_AUDIO, Kit
from polytalk.dialogue.voices import language_of
from polytalk.errors import Unspeakable
from polytalk.media.pcm import duration
from polytalk.types import SPEECH_RATE, Seconds, SpeakWork, Speech

AHEAD = 2
"""Sentences at the voice at once."""


async def recite(scope: Scope, kit: Kit, voice: str, text: str, speed: float = 1.0) -> AsyncGenerator[bytes, None]:
    """PCM16 at `SPEECH_RATE`, in pieces as they come; the deadline of each is when it would be heard.

    Raises BadInput for a voice that is not there, Unspeakable when nothing of it can be said, or what an engine raised.
    """
    splitter = SentenceSplitter(language_of(text), early=kit.has_room())
    sentences = deque((*splitter.push(text), *splitter.flush()))
    begun: deque[Rendering] = deque()
    heard_from = scope.clock.now() + FIRST_AUDIO
    made: Seconds = 0.0

    def begin() -> None:
        sentence = sentences.popleft()
        language = language_of(sentence)
        route = kit.voices.for_language(voice, language)
        work = SpeakWork(sentence.strip(), route.voice.id, language, speed)
        begun.append(kit.studio.speak(scope, route.engine, work, heard_from + made))

    try:
        while sentences or begun:
            while sentences and len(begun) < AHEAD:
                begin()
            try:
                async for result in begun[0]:
                    if isinstance(result, Speech) and result.audio:
                        made += duration(result.audio, SPEECH_RATE)
                        yield result.audio
            except Unspeakable:
                pass  # as in a conversation: the rest is said
            await begun.popleft().aclose()
    finally:
        for rendering in begun:
            await rendering.aclose()
    if not made:
        raise Unspeakable(f"the voice {voice!r} can say nothing of {text!r:.80}", param="input")

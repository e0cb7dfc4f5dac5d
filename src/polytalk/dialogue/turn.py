"""One answer made, as pieces of text, audio and mouth, each as soon as it is ready.

    heard ─▶ think ─▶ sentences ─▶ speak ─▶ face ─▶ pieces
               first clause at once ┘  └ the next sentence while this one is made

A turn only makes; when the pieces are sent is the delivery's business. It may therefore be begun before it is
known whether the user has finished, and dropped without trace.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Protocol

from msgspec import Struct

from polytalk.dialogue.dispatch import Replies, Scope
from polytalk.dialogue.gate import Gate
from polytalk.dialogue.persona import Persona
from polytalk.dialogue.sentences import SentenceSplitter
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.voices import Voices, language_of
from polytalk.errors import EngineFailed, PolytalkError, Unspeakable
from polytalk.media.pcm import duration
from polytalk.schedule.playout import Playout
from polytalk.types import (
    MOUTH_RATE,
    SAMPLE_BYTES,
    SPEECH_RATE,
    FaceWork,
    ListenWork,
    Message,
    MouthFrames,
    Seconds,
    SpeakWork,
    Speech,
    Stage,
    TextDelta,
    ThinkWork,
    Transcript,
    Usage,
)

log = logging.getLogger(__name__)

FIRST_AUDIO: Seconds = 0.4
"""Within this the user expects to hear something: the deadline of all work before the first sound.

Later than now, so that a listener who is about to run dry goes before one who has only stopped speaking.
"""
FRAME_BYTES = SPEECH_RATE // MOUTH_RATE * SAMPLE_BYTES
"""Audio of one mouth frame; pieces are padded to whole frames so that frame numbers never drift from samples."""
SENTENCES_AHEAD = 2
"""Sentences at the TTS at once: one being spoken while the next is made."""


class Kit(Struct, frozen=True):
    """What turns work with: which engine serves which stage, and the voices."""

    asr: str
    llm: str
    face: str
    voices: Voices
    llm_languages: tuple[str, ...]
    gate: Gate
    has_room: Callable[[], bool]
    """Whether there is capacity that would idle otherwise."""
    max_lead: Seconds

    def thinks_in(self, language: str) -> bool:
        """Whether the LLM can answer in the language."""
        return "*" in self.llm_languages or language in self.llm_languages


class Piece(Struct, frozen=True):
    """Some of the answer. `text` are the words whose audio begins here ("" within a sentence)."""

    text: str = ""
    audio: bytes = b""
    mouth: bytes = b""


class Personas(Protocol):
    """Finds the avatar's persona for a language."""

    def __call__(self, language: str) -> Persona:
        """The persona; one in English when there is none in the language."""
        ...


async def transcribe(scope: Scope, kit: Kit, audio: bytes, language: str | None) -> Transcript:
    """What was said in an utterance (PCM16 at `LISTEN_RATE`). Raises PolytalkError."""
    asked = await scope.ask(Stage.LISTEN, kit.asr, ListenWork(audio, language), scope.clock.now() + FIRST_AUDIO)
    result = await asked.only()
    if not isinstance(result, Transcript):
        raise EngineFailed(f"{kit.asr} answered with {type(result).__name__}, not with a transcript")
    kit.gate.observe(asked.queued)
    kit.gate.learn_listening(asked.computed)
    return Transcript(result.text.strip(), result.language)


class Turn:
    """Made by `run`, read through `pieces`."""

    def __init__(
        self,
        scope: Scope,
        kit: Kit,
        settings: SessionSettings,
        persona: Personas,
        history: tuple[Message, ...],
        heard: tuple[asyncio.Future[Transcript], ...] = (),
        enter: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """`heard`: utterances still being transcribed; their words follow the history.

        `enter` waits for room and says whether there is room for the face too; None for a guess, which has room.
        """
        self.settings = settings
        self.playout = Playout()
        self.usage: Usage | None = None
        self._scope = scope
        self._kit = kit
        self._persona = persona
        self._history = history
        self._heard = heard
        self._enter = enter
        self._face = settings.mouth
        self.spent: dict[Stage, Seconds] = {}
        """Compute-seconds (of an LLM: seconds in a slot) that the turn took at each stage."""
        self._expected = scope.clock.now() + FIRST_AUDIO
        self._failure: PolytalkError | None = None
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue(64)
        self.made: Seconds = 0.0
        """Speech made so far."""

    async def run(self) -> None:
        """Make the whole answer; an error ends up with the reader of `pieces`."""
        try:
            history, language = await self._listen()
            if history:
                if self._enter is not None:
                    self._face = await self._enter() and self._face
                await self._answer(history, language)
        except PolytalkError as error:
            self._failure = error
        except Exception as error:
            log.exception("a turn failed")
            self._failure = EngineFailed(f"the turn failed: {error}")
        await self._pieces.put(None)

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The answer, in order. Raises the turn's failure after what was made before it."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._failure is not None:
            raise self._failure

    async def _listen(self) -> tuple[tuple[Message, ...], str]:
        """The history with the user's last words; and the language to answer in."""
        transcripts = await self._transcripts()
        history = (*self._history, *(Message("user", t.text) for t in transcripts if t.text))
        if transcripts:
            return (history if any(t.text for t in transcripts) else ()), transcripts[-1].language
        return history or (Message("user", "Hello."),), self.settings.language or language_of(_last_words(history))

    async def asked(self) -> bool:
        """Whether anything was said in the utterances; known when all of them are transcribed."""
        outcomes = await asyncio.gather(*map(asyncio.shield, self._heard), return_exceptions=True)
        return any(isinstance(outcome, Transcript) and outcome.text for outcome in outcomes)

    async def _transcripts(self) -> list[Transcript]:
        """Of those utterances that could be transcribed. Raises what befell the last one when none could."""
        outcomes = await asyncio.gather(*map(asyncio.shield, self._heard), return_exceptions=True)
        transcripts = [outcome for outcome in outcomes if isinstance(outcome, Transcript)]
        if outcomes and not transcripts and isinstance(outcomes[-1], BaseException):
            raise outcomes[-1]
        return transcripts

    async def _answer(self, history: tuple[Message, ...], language: str) -> None:
        if self.settings.modality == "text":
            async with aclosing(self._think(history, language)) as deltas:
                async for delta in deltas:
                    await self._pieces.put(Piece(text=delta))
        else:
            async with aclosing(self._sentences(history, language)) as sentences:
                await self._speak(sentences)

    async def _think(self, history: tuple[Message, ...], language: str) -> AsyncGenerator[str, None]:
        persona = self._persona(language)
        own = not self.settings.instructions  # a client's instructions replace the persona, with all it knows
        if own and (known := persona.knowledge.find(_last_words(history))) is not None:
            yield known
            return
        if not self._kit.thinks_in(language):
            yield persona.wrong_language
            return
        work = ThinkWork(
            persona.messages(history, self.settings.instructions),
            self.settings.max_tokens,
            self.settings.temperature,
            persona.sentences if own else 0,
        )
        replies = await self._scope.ask(Stage.THINK, self._kit.llm, work, self._due())
        async for result in replies:
            if isinstance(result, TextDelta):
                yield result.delta
            elif isinstance(result, Usage):
                self.usage = result
        self._kit.gate.observe(replies.queued)
        self._account(replies)

    async def _sentences(self, history: tuple[Message, ...], language: str) -> AsyncGenerator[str, None]:
        splitter = SentenceSplitter(language)
        async with aclosing(self._think(history, language)) as deltas:
            async for delta in deltas:
                for sentence in splitter.push(delta):
                    yield sentence
        for sentence in splitter.flush():
            yield sentence

    async def _speak(self, sentences: AsyncIterator[str]) -> None:
        """Ask for sentences ahead, take them in order."""
        asked: asyncio.Queue[tuple[str, Replies] | Exception | None] = asyncio.Queue(SENTENCES_AHEAD + 1)
        places = asyncio.Semaphore(SENTENCES_AHEAD)

        async def ask() -> None:
            try:
                async for sentence in sentences:
                    await places.acquire()
                    await asked.put((sentence, await self._ask_speech(sentence)))
                await asked.put(None)
            except Exception as error:  # raised by whoever takes it
                await asked.put(error)

        asking = asyncio.create_task(ask())
        try:
            while (next_one := await asked.get()) is not None:
                if isinstance(next_one, Exception):
                    raise next_one
                await self._collect(*next_one)
                places.release()
        finally:
            asking.cancel()
            await asyncio.wait((asking,))

    async def _ask_speech(self, sentence: str) -> Replies:
        await self._wait_for_lead()
        language = language_of(sentence)
        route = self._kit.voices.for_language(self.settings.voice, language)
        work = SpeakWork(sentence.strip(), route.voice.id, language, self.settings.speed)
        return await self._scope.ask(Stage.SPEAK, route.engine, work, self._due())

    async def _wait_for_lead(self) -> None:
        """Speech far ahead of playback is thrown away on an interruption, and takes the place of somebody's next."""
        clock = self._scope.clock
        while (ahead := self.made - self.playout.heard(clock.now()) - self._kit.max_lead) > 0:
            await asyncio.sleep(max(0.02, ahead))

    async def _collect(self, sentence: str, replies: Replies) -> None:
        text = sentence.strip() if not self.made or language_of(sentence) == "zh" else f" {sentence.strip()}"
        try:
            async for result in replies:
                if isinstance(result, Speech) and result.audio:
                    await self._pieces.put(await self._with_mouth(text, result))
                    text = ""
        except Unspeakable:
            pass  # it is shown, and the rest of the answer is said
        self._account(replies)
        if text:
            await self._pieces.put(Piece(text))

    async def _with_mouth(self, text: str, speech: Speech) -> Piece:
        audio = speech.audio + bytes(-len(speech.audio) % FRAME_BYTES)
        due = self._due()
        self.made += duration(audio, SPEECH_RATE)
        if not self._face:
            return Piece(text, audio)
        asked = await self._scope.ask(Stage.FACE, self._kit.face, FaceWork(audio, speech.phones), due)
        result = await asked.only()
        self._account(asked)
        return Piece(text, audio, result.frames if isinstance(result, MouthFrames) else b"")

    def _account(self, replies: Replies) -> None:
        stage = replies.job.stage
        self.spent[stage] = self.spent.get(stage, 0.0) + replies.computed

    def _due(self) -> Seconds:
        """When the next sample made will be played."""
        started = self.playout.started
        return (self._expected if started is None else started) + self.made


def _last_words(history: tuple[Message, ...]) -> str:
    """What the user said last."""
    return next((message.content for message in reversed(history) if message.role == "user"), "")

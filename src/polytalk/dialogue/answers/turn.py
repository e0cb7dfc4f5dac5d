"""One answer made, as pieces of text, audio and mouth, each as soon as it is ready.

    heard ─▶ think ─▶ sentences ─▶ speak ─▶ face: analyse ─▶ mouth ─▶ synthesise ─▶ pieces
               first clause at once ┘  └ the next sentence while this one is made

A turn only makes; when the pieces are sent is the delivery's business. It may therefore be begun before it is
known whether the user has finished, and dropped without trace.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from math import ceil

from polytalk.dialogue.answers.asking import resolved
from polytalk.dialogue.answers.likely import LikelySpeech
from polytalk.dialogue.answers.sentences import SentenceSplitter
from polytalk.dialogue.answers.speaking import Rendering
from polytalk.dialogue.conversation.history import Told
from polytalk.dialogue.conversation.tools import offered
from polytalk.dialogue.dispatch import Replies, Scope
from polytalk.dialogue.ears.words import Words
from polytalk.dialogue.faces.face import FRAME_BYTES, RUNS_AHEAD, Face, Piece
from polytalk.dialogue.faces.pipeline import Step, in_order
from polytalk.dialogue.kit import FIRST_AUDIO, Kit, Personas
from polytalk.dialogue.knowledge.recall import Found, recalled
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.voices import language_of
from polytalk.errors import BadCall, EngineFailed, PolytalkError, Shed, Unspeakable
from polytalk.schedule.demand import Rung
from polytalk.schedule.playout import Playout
from polytalk.types import (
    MOUTH_RATE,
    Message,
    Seconds,
    SpeakWork,
    Speech,
    Stage,
    TextDelta,
    ThinkWork,
    ToolDelta,
    Transcript,
    Usage,
)

log = logging.getLogger(__name__)

SENTENCES_AHEAD = 2
"""Sentences at the TTS at once: one being spoken while the next is made."""


class Turn:
    """Made by `run`, read through `pieces`."""

    def __init__(
        self,
        scope: Scope,
        kit: Kit,
        settings: SessionSettings,
        persona: Personas,
        history: tuple[Told, ...],
        heard: tuple[Words, ...] = (),
        enter: Callable[[], Awaitable[Rung]] | None = None,
    ) -> None:
        """`heard`: utterances still being transcribed; their words follow the history.

        `enter` waits for room and says for how much of the face there is; None for a guess, which has room.
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
        self.face = Face(scope, kit.faces, kit.studio, settings, self._when, self._account)
        self._said = False
        self._calls: list[ToolDelta] = []  # begun while words are still to be said
        self.spent: dict[Stage, Seconds] = {}
        """Compute-seconds (of an LLM: seconds in a slot) that the turn took at each stage."""
        self._expected = scope.clock.now() + FIRST_AUDIO
        self._failure: PolytalkError | None = None
        self._pieces: asyncio.Queue[Piece | None] = asyncio.Queue(64)
        self._unread: list[Rendering] = []
        """Speech that is asked for and not collected yet."""
        self._likely = LikelySpeech(self._speech)
        self.made: Seconds = 0.0
        """Speech made so far."""
        self._origin: Seconds = 0.0  # where in it the playout's timeline begins

    async def run(self) -> None:
        """Make the whole answer; an error ends up with the reader of `pieces`."""
        try:
            history, language = await resolved(self._history, self._heard, self.settings.language)
            if history:
                if self._enter is not None:
                    knocked = self._scope.clock.now()
                    rung = await self._enter()
                    self.face.allow(mouth=rung.mouth, fps=rung.fps)
                    self._expected += self._scope.clock.now() - knocked  # the user was told to wait
                await self._answer(history, language)
        except PolytalkError as error:
            self._failure = error
        except Exception as error:
            log.exception("a turn failed")
            self._failure = EngineFailed(f"the turn failed: {error}")
        await self._pieces.put(None)

    async def adopt(self) -> None:
        """The guess was right: its work counts as any other."""
        await self._scope.adopt()

    async def drop(self) -> None:
        """The guess was wrong: all that was made for it ends."""
        await self._scope.drop()

    def restart(self, at: Seconds) -> None:
        """What is read from now on is played after a break, from `at` of the playout's timeline on, as a new one."""
        self._origin += at
        self.playout = Playout()

    async def pieces(self) -> AsyncGenerator[Piece, None]:
        """The answer, in order. Raises the turn's failure after what was made before it."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._failure is not None:
            raise self._failure

    async def asked(self) -> bool:
        """Whether the utterances want an answer: words were said, or there was no room to hear them, which is told."""
        outcomes = await asyncio.gather(*map(asyncio.shield, self._heard), return_exceptions=True)
        return any(isinstance(one, Shed) or (isinstance(one, Transcript) and bool(one.text)) for one in outcomes)

    async def _answer(self, history: tuple[Message, ...], language: str) -> None:
        if self.settings.modality == "text":
            async with aclosing(self._think(history, language)) as deltas:
                async for delta in deltas:
                    await self._pieces.put(Piece(text=delta))
        else:
            async with aclosing(self._sentences(history, language)) as sentences:
                await self._speak(sentences)
        for call in self._calls:
            await self._pieces.put(Piece(call=call))

    async def _think(self, history: tuple[Message, ...], language: str) -> AsyncGenerator[str, None]:
        persona = self._persona(language)
        own = not self.settings.instructions  # a client's instructions replace the persona, with all it knows
        found = Found()
        if own and history[-1].role == "user" and self.settings.tool_choice.mode != "required":
            question = history[-1].content
            found = await recalled(self._scope, self._kit.recall, persona.knowledge, question, self._due())
        if found.answer is not None:
            yield found.answer
            return
        if not self._kit.thinks_in(language):
            yield persona.wrong_language
            return
        work = ThinkWork(
            persona.messages(history, self.settings.instructions, found.passages),
            self.settings.max_tokens,
            self.settings.temperature,
            persona.sentences if own else 0,
            extra=self._tools(),
        )
        replies = await self._scope.ask(Stage.THINK, self._kit.llm, work, self._due())
        async for result in replies:
            if isinstance(result, TextDelta):
                self._said = self._said or bool(result.delta.strip())
                if self._said:  # blanks alone are no beginning: servers send them before calls
                    yield result.delta
            elif isinstance(result, ToolDelta):
                await self._call(result)
            elif isinstance(result, Usage):
                self.usage = result
        self._kit.gate.observe(Stage.THINK, replies.queued)
        self._account(replies)

    def _tools(self) -> str:
        """What the LLM may call, as `ThinkWork.extra` has it. Raises BadCall when it must call and can't."""
        settings = self.settings
        if "tools" in self._kit.llm_extras:
            return offered(settings.tools, settings.tool_choice)
        if settings.tools and settings.tool_choice.mode == "required":
            raise BadCall(f"a function must be called, and the language model here ({self._kit.llm}) calls none")
        return ""

    async def _call(self, delta: ToolDelta) -> None:
        """A piece of a call goes on at once, or, when there are words to be said, behind them."""
        if self._said:
            self._calls.append(delta)
        else:
            await self._pieces.put(Piece(call=delta))

    async def _sentences(self, history: tuple[Message, ...], language: str) -> AsyncGenerator[str, None]:
        early = self._kit.has_room()  # else what follows might come too late
        splitter = SentenceSplitter(language, early=early)
        async with aclosing(self._think(history, language)) as deltas:
            async for delta in deltas:
                for sentence in splitter.push(delta):
                    early = False
                    yield sentence
                if early and self._kit.has_room():
                    await self._likely.expect(splitter.likely().strip())
        for sentence in splitter.flush():
            yield sentence

    async def _speak(self, sentences: AsyncIterator[str]) -> None:
        async with aclosing(in_order(self._steps(sentences), RUNS_AHEAD)) as pieces:
            async for piece in pieces:
                await self._pieces.put(piece)

    async def _steps(self, sentences: AsyncIterator[str]) -> AsyncGenerator[Step[Piece], None]:
        """Ask for sentences ahead, take them in order."""
        asked: asyncio.Queue[tuple[str, Rendering] | Exception | None] = asyncio.Queue(SENTENCES_AHEAD + 1)
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
                async with aclosing(self._collect(*next_one)) as steps:
                    async for step in steps:
                        yield step
                places.release()
        finally:
            asking.cancel()
            await asyncio.wait((asking,))
            await self._likely.drop()
            for rendering in self._unread:
                await rendering.aclose()

    async def _ask_speech(self, sentence: str) -> Rendering:
        await self._wait_for_lead()
        said = sentence.strip()
        rendering = await self._likely.take(said) or self._speech(said)
        self._unread.append(rendering)
        return rendering

    def _speech(self, sentence: str) -> Rendering:
        language = language_of(sentence)
        route = self._kit.voices.for_language(self.settings.voice, language)
        work = SpeakWork(sentence, route.voice.id, language, self.settings.speed)
        return self._kit.studio.speak(self._scope, route.engine, work, self._due())

    async def _wait_for_lead(self) -> None:
        """Speech far ahead of playback is thrown away on an interruption, and takes the place of somebody's next."""
        clock = self._scope.clock
        while (ahead := self.made - self._origin - self.playout.heard(clock.now()) - self._kit.max_lead) > 0:
            await asyncio.sleep(max(0.02, ahead))

    async def _collect(self, sentence: str, speech: Rendering) -> AsyncGenerator[Step[Piece], None]:
        text = sentence.strip() if not self.made or language_of(sentence) == "zh" else f" {sentence.strip()}"
        try:
            async for result in speech:
                if isinstance(result, Speech) and result.audio:
                    begins = self.made
                    self.made += ceil(len(result.audio) / FRAME_BYTES) / MOUTH_RATE
                    async with aclosing(self.face.steps(text, result, begins)) as steps:
                        async for step in steps:
                            yield step
                    text = ""
        except Unspeakable:
            pass  # it is shown, and the rest of the answer is said
        self._unread.remove(speech)
        await speech.aclose()
        self._account(speech)
        if text:
            yield _show(text)

    def _account(self, work: Replies | Rendering) -> None:
        self.spent[work.stage] = self.spent.get(work.stage, 0.0) + work.computed

    def _due(self) -> Seconds:
        """When the next sample made will be played."""
        return self._when(self.made)

    def _when(self, moment: Seconds) -> Seconds:
        """When a moment of the answer will be played."""
        started = self.playout.started
        return (self._expected if started is None else started) + moment - self._origin


async def _show(text: str) -> Piece:
    return Piece(text)

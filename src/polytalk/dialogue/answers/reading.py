"""While the user still speaks, the LLM reads what was said so far: the answer then begins sooner.

A model must read its prompt before the first word of an answer, and this one reads 50 to 100 tokens a second. Of what
it has read it keeps the common beginning with the next prompt. So now and then the utterance so far is transcribed,
and the model reads history and words, all but the last, which may be half a word. Only on what would idle.
"""

from collections.abc import Callable
from dataclasses import replace

from polytalk.dialogue.capacity.payer import HOUSE, UNMETERED, Payer
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.ears.hearing import Hearings
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.tasks import Spawn, Task
from polytalk.errors import PolytalkError
from polytalk.types import Message, Seconds, Stage, ThinkWork

SLOW: Seconds = 0.35
"""A reading that takes longer is in the way of the answer it is meant to hasten: the cores have other things to do."""
REST: Seconds = 30.0
"""So long nothing is read ahead after that."""
EVERY_MS = 600
"""Of voice. Each time costs a transcription; seldom enough for 2 or 3 in most questions."""


class ReadingAhead:
    """One session's."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        kit: Kit,
        hearings: Hearings,
        personas: Callable[[str], Personas],
        spawn: Spawn,
        payer: Payer = HOUSE,
    ) -> None:
        self._dispatcher = dispatcher
        self._kit = kit
        self._hearings = hearings
        self._personas = personas
        self._spawn = spawn
        self._payer = replace(payer, meter=UNMETERED)  # reading ahead is our own idea
        self._next_ms = EVERY_MS
        self._rests_until: Seconds = 0.0
        self._task: Task | None = None

    def begin_utterance(self) -> None:
        """The user begins to speak."""
        self._next_ms = EVERY_MS

    def due(self, voice_ms: int) -> bool:
        """Whether to read now, so much voice into the utterance."""
        under_way = self._task is not None and not self._task.done()
        if voice_ms < self._next_ms or under_way or not self._kit.may_read_ahead():
            return False
        if self._dispatcher.clock.now() < self._rests_until:
            return False
        self._next_ms = voice_ms + EVERY_MS
        return True

    def read(self, audio: bytes, history: tuple[Message, ...], settings: SessionSettings) -> None:
        """Begin to read history and the utterance so far, PCM16 at `LISTEN_RATE`."""
        self._task = self._spawn(self._read(audio, history, settings))

    async def _read(self, audio: bytes, history: tuple[Message, ...], settings: SessionSettings) -> None:
        hearing = self._hearings.begin(audio, settings.language, guess=True, payer=self._payer)
        scope = Scope(self._dispatcher, new_id("ahead"), 0, self._payer, speculative=True)
        began = scope.clock.now()
        try:
            said = await hearing.words
            words = said.text.split()[:-1]
            if not words or not self._kit.thinks_in(said.language):
                return
            persona = self._personas(settings.avatar)(said.language)
            messages = persona.messages((*history, Message("user", " ".join(words))), settings.instructions)
            work = ThinkWork(messages, settings.max_tokens, settings.temperature, ahead=True)
            async for _ in await scope.ask(Stage.THINK, self._kit.llm, work, scope.clock.now()):
                pass
            await self._hearings.adopt(hearing)  # it was of use: not to be counted as wasted
            await scope.adopt()
        except PolytalkError:
            pass  # nobody waits for it; whoever does wait will be told
        finally:
            if scope.clock.now() - began > SLOW:
                self._rests_until = scope.clock.now() + REST
            await self._hearings.drop(hearing)
            await scope.forget()

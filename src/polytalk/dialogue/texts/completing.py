"""An answer to be read: a history in, words out, by the language model itself or by an avatar in character.

An avatar's persona, what it knows by heart, and the languages that the model speaks count as they do in a conversation.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing

from msgspec import Struct

from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.knowledge.by_heart import Answer
from polytalk.dialogue.knowledge.recall import recalled
from polytalk.dialogue.voices import language_of
from polytalk.types import Message, Seconds, Stage, TextDelta, ThinkWork, ToolDelta, Usage

FIRST_WORDS: Seconds = 1.0
"""Within this somebody who reads expects to see something: later than one who listens."""


class Asked(Struct, frozen=True):
    """What a client wants."""

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 1.0
    top_p: float = 1.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    extra: str = ""
    """See ThinkWork."""


class Completion:
    """One answer; read `deltas`, then `usage`."""

    def __init__(self, scope: Scope, kit: Kit, asked: Asked, personas: Personas | None = None) -> None:
        """`personas` of the avatar that answers; None for the model itself."""
        self._scope = scope
        self._kit = kit
        self._asked = asked
        self._personas = personas
        self._due = scope.clock.now() + FIRST_WORDS
        self.usage = Usage(0, 0)

    async def deltas(self) -> AsyncGenerator[TextDelta | ToolDelta, None]:
        """The answer as it is made, up to where it is to stop. Raises what the engine gave, and Shed."""
        halt = Halt(self._asked.stop)
        given = 0
        async with aclosing(self._raw()) as results:
            async for result in results:
                if isinstance(result, ToolDelta):
                    yield result
                    continue
                given += 1
                if text := halt.push(result.delta):
                    yield TextDelta(text)
                if halt.reached:
                    self.usage = Usage(self.usage.input_tokens, given)  # the engine was not asked to the end
                    return
        if text := halt.flush():
            yield TextDelta(text)

    async def _raw(self) -> AsyncGenerator[TextDelta | ToolDelta, None]:
        messages: Sequence[Message] = self._asked.messages
        if self._personas is not None:
            instructions = "\n\n".join(m.content for m in messages if m.role == "system")
            history = tuple(message for message in messages if message.role != "system")
            question = next((message.content for message in reversed(history) if message.role == "user"), "")
            persona = self._personas(language_of(question))
            passages: Sequence[Answer] = ()
            if not instructions:
                found = await recalled(self._scope, self._kit.recall, persona.knowledge, question, self._due)
                passages = found.passages
                if found.answer is not None:
                    yield TextDelta(found.answer)
                    return
            if not self._kit.thinks_in(language_of(question)):
                yield TextDelta(persona.wrong_language)
                return
            messages = persona.messages(history, instructions, passages)
        async for result in self._think(messages):
            yield result

    async def _think(self, messages: Sequence[Message]) -> AsyncIterator[TextDelta | ToolDelta]:
        asked = self._asked
        work = ThinkWork(
            tuple(messages),
            asked.max_tokens,
            asked.temperature,
            plain=True,
            stop=asked.stop,
            top_p=asked.top_p,
            seed=asked.seed,
            extra=asked.extra,
        )
        replies = await self._scope.ask(Stage.THINK, self._kit.llm, work, self._due)
        async for result in replies:
            if isinstance(result, TextDelta | ToolDelta):
                yield result
            elif isinstance(result, Usage):
                self.usage = result
        self._kit.gate.observe(Stage.THINK, replies.queued)


class Halt:
    """Cuts a text before the first of some words, which may come in pieces: what may begin one is held back."""

    def __init__(self, stop: Sequence[str]) -> None:
        self._stop = tuple(word for word in stop if word)
        self._held = ""
        self.reached = False

    def push(self, text: str) -> str:
        """What may be shown by now."""
        self._held += text
        ends = [at for word in self._stop if (at := self._held.find(word)) >= 0]
        if ends:
            self.reached = True
            return self._held[: min(ends)]
        keep = max((self._begun(word) for word in self._stop), default=0)
        shown, self._held = self._held[: len(self._held) - keep], self._held[len(self._held) - keep :]
        return shown

    def flush(self) -> str:
        """What was held back, at the end."""
        return "" if self.reached else self._held

    def _begun(self, word: str) -> int:
        """How many characters at the end may be the beginning of the word."""
        longest = min(len(word) - 1, len(self._held))
        return next((n for n in range(longest, 0, -1) if self._held.endswith(word[:n])), 0)

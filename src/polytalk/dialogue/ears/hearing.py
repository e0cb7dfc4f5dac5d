"""Utterances on their way to words.

Apart from answers, each under a key of its own at the broker: an interruption kills what the avatar was about to say,
never what the user said.
"""

import asyncio
from dataclasses import dataclass
from itertools import count

from polytalk.dialogue.capacity.payer import HOUSE, Payer
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.ears import backchannel
from polytalk.dialogue.ears.words import Words
from polytalk.dialogue.kit import FIRST_AUDIO, Kit
from polytalk.dialogue.tasks import Spawn
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.types import ListenWork, Stage, Transcript


@dataclass(frozen=True)
class Hearing:
    """A transcription under way."""

    key: str
    words: Words
    scope: Scope | None = None
    """None when there is nothing to be heard."""


async def transcribe(scope: Scope, kit: Kit, audio: bytes, language: str | None) -> Transcript:
    """What was said in an utterance (PCM16 at `LISTEN_RATE`). Raises PolytalkError."""
    asked = await scope.ask(Stage.LISTEN, kit.asr, ListenWork(audio, language), scope.clock.now() + FIRST_AUDIO)
    result = await asked.only()
    if not isinstance(result, Transcript):
        raise EngineFailed(f"{kit.asr} answered with {type(result).__name__}, not with a transcript")
    kit.gate.observe(Stage.LISTEN, asked.queued)
    kit.gate.learn_listening(asked.computed)
    return Transcript(result.text.strip(), result.language)


def interrupts(words: Words) -> bool:
    """Whether words that are known stop the speaker; what could not be transcribed does not."""
    return not words.cancelled() and words.exception() is None and backchannel.interrupts(words.result())


class Hearings:
    """One session's transcriptions."""

    def __init__(
        self,
        session: str,
        dispatcher: Dispatcher,
        kit: Kit,
        spawn: Spawn,
        payer: Payer = HOUSE,
    ) -> None:
        self._keys = (f"{session}/utterance_{n}" for n in count())
        self._dispatcher = dispatcher
        self._kit = kit
        self._spawn = spawn
        self._payer = payer
        self._open: set[str] = set()
        self.pending: dict[str, Words] = {}
        """Committed items whose words are not known yet, oldest first."""

    def begin(self, audio: bytes, language: str | None, *, guess: bool = False, payer: Payer | None = None) -> Hearing:
        """Transcribe PCM16 at `LISTEN_RATE`; on a guess, where nothing else waits. `payer` if not the session's."""
        key = next(self._keys)
        scope = Scope(self._dispatcher, key, 0, payer or self._payer, speculative=guess)
        hearing = Hearing(key, asyncio.get_running_loop().create_future(), scope)
        hearing.words.add_done_callback(_retrieve)
        self._open.add(hearing.key)
        self._spawn(self._transcribe(hearing, scope, audio, language))
        return hearing

    def refuse(self, why: PolytalkError) -> Hearing:
        """An utterance that is not transcribed, because nothing could come of it."""
        hearing = Hearing(next(self._keys), asyncio.get_running_loop().create_future())
        hearing.words.set_exception(why)
        _retrieve(hearing.words)
        return hearing

    def settle(self, item: str, words: Words) -> bool:
        """An item's words are known, or never will be. Whether they still are its own: a client may have deleted the
        item, and given its id to another."""
        if self.pending.get(item) is not words:
            return False
        del self.pending[item]
        return True

    async def adopt(self, hearing: Hearing) -> None:
        """The guess was right."""
        if hearing.scope is not None:
            await hearing.scope.adopt()

    async def drop(self, hearing: Hearing) -> None:
        """End a transcription that nobody has committed."""
        hearing.words.cancel()
        await self._forget(hearing.key)

    async def forget(self) -> None:
        """The session is over."""
        for key in list(self._open):
            await self._forget(key)

    async def _forget(self, key: str) -> None:
        self._open.discard(key)
        await self._dispatcher.forget(key)

    async def _transcribe(self, hearing: Hearing, scope: Scope, audio: bytes, language: str | None) -> None:
        try:
            transcript = await transcribe(scope, self._kit, audio, language)
        except PolytalkError as error:
            if not hearing.words.done():
                hearing.words.set_exception(error)
        else:
            if not hearing.words.done():
                hearing.words.set_result(transcript)
        self._open.discard(hearing.key)  # not when cancelled: then its job is still to be ended


def _retrieve(words: Words) -> None:
    """Mark the exception as seen: a dropped guess has no reader, and asyncio would complain."""
    if not words.cancelled():
        words.exception()

"""Utterances on their way to words.

Apart from answers, each under a key of its own at the broker: an interruption kills what the avatar was about to say,
never what the user said.
"""

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias

from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.tasks import Spawn
from polytalk.dialogue.turn import Kit, transcribe
from polytalk.errors import PolytalkError
from polytalk.types import Transcript

Words: TypeAlias = asyncio.Future[Transcript]
"""What an utterance will turn out to say; raises PolytalkError. Cancelling who waits for it does it no harm."""


@dataclass(frozen=True)
class Hearing:
    """A transcription under way."""

    key: str
    words: Words


class Hearings:
    """One session's transcriptions."""

    def __init__(self, session: str, dispatcher: Dispatcher, kit: Kit, spawn: Spawn) -> None:
        self._keys = (f"{session}/utterance_{n}" for n in count())
        self._dispatcher = dispatcher
        self._kit = kit
        self._spawn = spawn
        self._open: set[str] = set()
        self.pending: dict[str, Words] = {}
        """Committed items whose words are not known yet, oldest first."""

    def begin(self, audio: bytes, language: str | None) -> Hearing:
        """Transcribe PCM16 at `LISTEN_RATE`."""
        hearing = Hearing(next(self._keys), asyncio.get_running_loop().create_future())
        hearing.words.add_done_callback(_retrieve)
        self._open.add(hearing.key)
        self._spawn(self._transcribe(hearing, audio, language))
        return hearing

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

    async def _transcribe(self, hearing: Hearing, audio: bytes, language: str | None) -> None:
        try:
            transcript = await transcribe(Scope(self._dispatcher, hearing.key, 0), self._kit, audio, language)
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

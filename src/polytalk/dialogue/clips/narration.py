"""A script as speech and mouth: its sentences are made several at a time, and each is kept as soon as it is done.

What is kept lies in a folder beside the target, one file a sentence, named by what decides how it sounds. Whoever is
killed and begins again makes only what is missing; a changed sentence is another file. Sentences are in memory only
while they are made, so that a script may last for hours.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

from polytalk.cache.key import SpeechKey, digest
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips.film import Answer
from polytalk.dialogue.clips.parts import Part, Parts
from polytalk.dialogue.clips.rehearsal import open_face, say
from polytalk.dialogue.clips.script import Sentence
from polytalk.dialogue.clips.take import Take
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.voices import language_of
from polytalk.errors import BadInput, PolytalkError, Unspeakable
from polytalk.media.pcm import duration, silence
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE, Seconds, Stage, Tier

AHEAD = 4
"""Sentences under way for each core: enough for every stage to have one waiting."""
LOOK_AGAIN: Seconds = 0.05
OFFLINE = Payer(tier=Tier.BATCH)
"""Nobody waits for it live."""
OnSentence: TypeAlias = Callable[[int, int], None]
"""Called with the sentences done and the sentences in all."""


class Narration:
    """One script, one voice."""

    def __init__(
        self,
        runtime: Runtime,
        settings: SessionSettings,
        sentences: Sequence[Sentence],
        parts: Parts,
        payer: Payer = OFFLINE,
    ) -> None:
        self._runtime, self._settings, self._parts, self._payer = runtime, settings, parts, payer
        self.sentences = sentences
        self._names = [self._name(sentence.text) for sentence in sentences]
        self.different = len(set(self._names))
        self.found = sum(name in parts for name in set(self._names))
        """Sentences that were done before."""
        self._failed: PolytalkError | None = None
        self._under_way = 0

    async def make(self, on_sentence: OnSentence) -> None:
        """Make what is missing, on running engines.

        Raises BadInput, with the line, for a sentence that the voice can't say; what an engine raised; SetupError.
        """
        missing = {
            name: sentence
            for name, sentence in zip(self._names, self.sentences, strict=True)
            if name not in self._parts
        }
        left, all_of_them = iter(missing.items()), len(missing)
        done = 0

        async def work() -> None:
            nonlocal done
            for name, sentence in left:
                await self._courtesy()
                if self._failed is not None:
                    return
                self._under_way += 1
                try:
                    part = await self._say(sentence)
                    await asyncio.to_thread(self._parts.put, name, part)
                except PolytalkError as error:
                    self._failed = self._failed or error
                    return
                finally:
                    self._under_way -= 1
                done += 1
                on_sentence(done, all_of_them)

        async with asyncio.TaskGroup() as group:
            for _ in range(min(all_of_them, AHEAD * self._runtime.settings.cores)):
                group.create_task(work())
        if self._failed is not None:
            raise self._failed

    async def _courtesy(self) -> None:
        """While somebody is answered, leave a core to that: a sentence under way is not stopped, and lasts for half a
        second of computing. One on every core would make listeners wait at each stage of their answers."""
        runtime = self._runtime
        while runtime.gate.busy and self._under_way >= max(1, runtime.settings.cores - 1):
            await asyncio.sleep(LOOK_AGAIN)

    def take(self) -> Take:
        """All of it, once it is made."""
        mouth, ends = bytearray(), list[Seconds]()
        for name, sentence in zip(self._names, self.sentences, strict=True):
            mouth += self._parts.get(name).mouth + bytes(self._rest(sentence) * len(MOUTH_PARAMS))
            ends.append(len(mouth) / len(MOUTH_PARAMS) / MOUTH_RATE)
        return Take(len(mouth) / len(MOUTH_PARAMS) / MOUTH_RATE, self._pieces, bytes(mouth), tuple(ends))

    def times(self) -> Iterator[tuple[Seconds, Seconds, str]]:
        """When each sentence begins and ends, from the first one's beginning, and its text."""
        at: Seconds = 0.0
        for name, sentence in zip(self._names, self.sentences, strict=True):
            length = duration(self._parts.get(name).audio, SPEECH_RATE)
            yield at, at + length, sentence.text
            at += length + self._rest(sentence) / MOUTH_RATE

    def _pieces(self) -> Iterator[bytes]:
        for name, sentence in zip(self._names, self.sentences, strict=True):
            yield self._parts.get(name).audio
            yield silence(self._rest(sentence) / MOUTH_RATE, SPEECH_RATE)

    @staticmethod
    def _rest(sentence: Sentence) -> int:
        """The pause in mouth frames: sound and mouth stay together to the sample."""
        return round(sentence.pause * MOUTH_RATE)

    async def _say(self, sentence: Sentence) -> Part:
        runtime = self._runtime
        scope = Scope(runtime.dispatcher, new_id("render"), 0, self._payer)
        done = Answer(text=sentence.text)
        try:
            await say(
                scope, runtime.kit, self._settings, open_face(scope, runtime.kit, self._settings), sentence.text, done
            )
        except Unspeakable as error:
            raise BadInput(f"line {sentence.line} can't be said: {error.message}") from None
        return Part(bytes(done.audio), bytes(done.mouth))

    def _name(self, text: str) -> str:
        kit, language = self._runtime.kit, language_of(text)
        route = kit.voices.for_language(self._settings.voice, language)
        studio = kit.studio
        revisions = [studio.revision(*one) for one in ((Stage.SPEAK, route.engine), (Stage.MOUTH, kit.faces.mouth))]
        made = " ".join((kit.faces.mouth, *revisions))
        return digest(SpeechKey(route.engine, made, text, route.voice.id, language, self._settings.speed))

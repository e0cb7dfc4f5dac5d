"""Speech and mouths: taken from the cache, shared with others who ask for the same, or made by an engine.

What is shared is a job under a session of its own, on the account of whoever asked first. So the one who interrupts
takes nothing away from those who still listen, and when nobody does, it is cancelled like any other work.

A job that waits for its engine keeps the deadline of the one who asked first, who is mostly the one to hear it first.
Offline work is not shared with live work: nobody who listens waits for what has all night, nor for a guess.
"""

from collections.abc import AsyncGenerator, Mapping

from polytalk.cache.key import Key, MouthKey, SpeechKey, VectorKey, digest_bytes
from polytalk.cache.renders import Renders
from polytalk.cache.single_flight import Reader
from polytalk.dialogue.dispatch import Scope
from polytalk.errors import EngineFailed
from polytalk.types import EmbedWork, MouthWork, Result, Seconds, SpeakWork, Stage, Tier, Work


class Rendering:
    """The results of one request, in order, each once: an asynchronous iterator, to be closed with `aclosing`."""

    def __init__(self, stage: Stage, reader: Reader[Result]) -> None:
        self.stage = stage
        self.queued: Seconds = 0.0
        self.computed: Seconds = 0.0
        """What an engine worked for it; nothing for those who share it."""
        self._reader = reader

    def __aiter__(self) -> "Rendering":
        return self

    async def __anext__(self) -> Result:
        """Raises what the engine gave, Shed when it has too much to do."""
        return await anext(self._reader)

    async def only(self) -> Result:
        """The single result of work that has one. Raises as iterating does, and EngineFailed for none."""
        results = [result async for result in self]  # to the end: only what is whole is kept
        if not results:
            raise EngineFailed(f"{self.stage} gave no result")
        return results[0]

    async def aclose(self) -> None:
        """Wait for it no more; the work ends with the last who does."""
        await self._reader.aclose()


class Studio:
    """Where turns have speech and mouths made."""

    def __init__(self, renders: Renders, revisions: Mapping[tuple[Stage, str], str]) -> None:
        """`revisions` of the engines; what an engine without one makes is shared, and not kept."""
        self.renders = renders
        self._revisions = revisions

    def revision(self, stage: Stage, engine: str) -> str:
        """What an engine's results depend on besides the work; "" when that is not known."""
        return self._revisions.get((stage, engine), "")

    def speak(self, scope: Scope, engine: str, work: SpeakWork, deadline: Seconds) -> Rendering:
        """Begin to have a sentence said."""
        revision = self.revision(Stage.SPEAK, engine)
        key = SpeechKey(engine, revision, work.text, work.voice, work.language, work.speed)
        return self._render(scope, Stage.SPEAK, engine, work, deadline, key, keep=bool(revision))

    def move(self, scope: Scope, engine: str, work: MouthWork, deadline: Seconds) -> Rendering:
        """Begin to have a mouth moved to speech."""
        revision = self.revision(Stage.MOUTH, engine)
        sound = work.audio if work.features is None else work.features.mels + work.features.loudness
        key = MouthKey(engine, revision, digest_bytes(sound), work.phones, work.first, work.count)
        return self._render(scope, Stage.MOUTH, engine, work, deadline, key, keep=bool(revision))

    def embed(self, scope: Scope, engine: str, text: str, deadline: Seconds) -> Rendering:
        """Begin to have a question placed among others."""
        revision = self.revision(Stage.EMBED, engine)
        key = VectorKey(engine, revision, text)
        return self._render(scope, Stage.EMBED, engine, EmbedWork(text), deadline, key, keep=bool(revision))

    def _render(
        self, scope: Scope, stage: Stage, engine: str, work: Work, deadline: Seconds, key: Key, *, keep: bool
    ) -> Rendering:
        async def make() -> AsyncGenerator[Result, None]:
            own = scope.shared()
            over = False
            try:
                replies = await own.ask(stage, engine, work, deadline)
                async for result in replies:
                    yield result
                over = True
                rendering.queued, rendering.computed = replies.queued, replies.computed
            finally:
                if not over:
                    await own.forget()

        offline = scope.payer.tier is Tier.BATCH
        lane = "offline" if offline else f"guess {scope.turn}" if scope.speculative else "live"
        rendering = Rendering(stage, self.renders.read(key, make, lane=lane, keep=keep, lasting=offline))
        return rendering

"""Engines that follow a script. They stream, so that all their waiting is the event loop's, and time can be virtual."""

import asyncio
import re
from abc import abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import Voice
from polytalk.errors import Unspeakable
from polytalk.types import (
    MELS,
    MOUTH_PARAMS,
    MOUTH_RATE,
    SAMPLE_BYTES,
    SPEECH_RATE,
    AnalyseWork,
    Features,
    ListenWork,
    Message,
    MouthFrames,
    MouthWork,
    Phone,
    Pictures,
    Result,
    Seconds,
    SpeakWork,
    Speech,
    SynthesiseWork,
    TextDelta,
    ThinkWork,
    ToolDelta,
    Transcript,
    Usage,
)
from tests.support.sound import AUDIBLE, LEVEL, level_of, mouth_of, now, voice

W = TypeVar("W")


@dataclass
class Request(Generic[W]):
    """What an engine was asked, and what became of it."""

    work: W
    began: Seconds
    ended: Seconds | None = None
    completed: bool = False

    @property
    def aborted(self) -> bool:
        """Whether the engine was stopped before it was through."""
        return self.ended is not None and not self.completed


@dataclass
class Fault:
    """An engine's failure: `error`, in place of the result after the first `after`."""

    error: Exception
    after: int = 0


class Scripted(Generic[W]):
    """Notes every request, and fails when told to."""

    def __init__(self, name: str, slots: int) -> None:
        self.name = name
        self.slots = slots
        self.requests: list[Request[W]] = []
        self.faults: list[Fault | None] = []
        """What goes wrong with the next requests, one each; None lets one pass."""
        self.loaded = self.closed = 0

    def load(self) -> None:
        """Count."""
        self.loaded += 1

    def close(self) -> None:
        """Count."""
        self.closed += 1

    def units(self, work: W) -> float:
        """Every work is alike."""
        return 1.0

    @property
    def works(self) -> list[W]:
        """What was asked for."""
        return [request.work for request in self.requests]

    @property
    def busy(self) -> int:
        """Requests not ended yet."""
        return sum(request.ended is None for request in self.requests)

    async def stream(self, work: W) -> AsyncIterator[Result]:
        """Follow the script."""
        request = Request(work, now())
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else None
        given = 0
        try:
            async with aclosing(self.script(work)) as results:
                async for result in results:
                    if fault is not None and given == fault.after:
                        raise fault.error
                    yield result
                    given += 1
            request.completed = True
        finally:
            request.ended = now()

    @abstractmethod
    def script(self, work: W) -> AsyncGenerator[Result, None]:
        """What comes back, and when."""


class ScriptedAsr(Scripted[ListenWork]):
    """Hears what the script says, or the level of the voice: "I am 3" for one at level 300."""

    def __init__(self, *says: str, delay: Seconds = 0.1, language: str = "en") -> None:
        super().__init__("asr", slots=64)
        self.says = list(says)
        self.delay = delay
        self.language = language

    def probe(self) -> ListenWork:
        """A moment of silence."""
        return ListenWork(bytes(3200))

    async def script(self, work: ListenWork) -> AsyncGenerator[Result, None]:
        """One transcript."""
        said = self.says.pop(0) if self.says else f"I am {level_of(work.audio) // 100}"
        await asyncio.sleep(self.delay)
        yield Transcript(said, self.language)


class ScriptedLlm(Scripted[ThinkWork]):
    """Says a text word by word."""

    def __init__(
        self,
        reply: str | Callable[[Sequence[Message]], str] = "Well, let me think. It is so.",
        first: Seconds = 0.2,
        every: Seconds = 0.05,
        slots: int = 64,
    ) -> None:
        super().__init__("llm", slots)
        self.reply = reply
        self.first = first
        self.every = every
        self.languages: tuple[str, ...] = ("*",)
        self.calls: list[Sequence[ToolDelta]] = []
        """What the next requests want called, after their words."""
        self.finish = "stop"

    def probe(self) -> ThinkWork:
        """A greeting."""
        return ThinkWork((Message("user", "Hi"),))

    async def script(self, work: ThinkWork) -> AsyncGenerator[Result, None]:
        """Words, and what they cost."""
        if work.ahead:
            await asyncio.sleep(self.first)
            return
        text = self.reply if isinstance(self.reply, str) else self.reply(work.messages)
        words = re.findall(r"\s*\S+", text)
        await asyncio.sleep(self.first)
        for word in words:
            yield TextDelta(word)
            await asyncio.sleep(self.every)
        for call in self.calls.pop(0) if self.calls else ():
            yield call
            await asyncio.sleep(self.every)
        yield Usage(len(work.messages), len(words), finish=self.finish)


class ScriptedTts(Scripted[SpeakWork]):
    """Speaks at an even pace; `level` gives the voice that a text is said with."""

    def __init__(
        self,
        delay: Seconds = 0.05,
        per_word: Seconds = 0.3,
        pieces: int = 1,
        level: Callable[[str], int] = lambda _: LEVEL,
        name: str = "tts",
        phones: bool = True,
        voices: Sequence[Voice] = (Voice("vera", "Vera", ("en",), "female"), Voice("wei", "Wei", ("zh",), "male")),
        sound: Callable[[Seconds, int], bytes] = voice,
    ) -> None:
        super().__init__(name, slots=64)
        self.sound = sound
        self.delay = delay
        self.per_word = per_word
        self.pieces = pieces
        self.level = level
        self.phones = phones
        self._voices = voices

    def voices(self) -> Sequence[Voice]:
        """As given."""
        return self._voices

    def probe(self) -> SpeakWork:
        """A word."""
        return SpeakWork("Hi.", self._voices[0].id)

    def length(self, text: str) -> Seconds:
        """How long the text lasts."""
        return self.per_word * len(text.split())

    async def script(self, work: SpeakWork) -> AsyncGenerator[Result, None]:
        """The sentence in equal pieces."""
        if not any(map(str.isalnum, work.text)):
            raise Unspeakable(f"there is nothing to say in {work.text!r}")
        for _ in range(self.pieces):
            await asyncio.sleep(self.delay)
            audio = self.sound(self.length(work.text) / self.pieces, self.level(work.text))
            said = (Phone("ɑ", 0.0, len(audio) / SAMPLE_BYTES / SPEECH_RATE),)
            yield Speech(audio, said if self.phones else ())


class ScriptedAnalyse(Scripted[AnalyseWork]):
    """Finds every 10 ms as loud as they are."""

    def __init__(self, delay: Seconds = 0.01) -> None:
        super().__init__("analyse", slots=64)
        self.delay = delay

    def probe(self) -> AnalyseWork:
        """A tenth of a second."""
        return AnalyseWork(bytes(SPEECH_RATE // 5))

    async def script(self, work: AnalyseWork) -> AsyncGenerator[Result, None]:
        """Silent mels, and the jaw of `mouth_of` as loudness."""
        await asyncio.sleep(self.delay)
        jaw = np.frombuffer(mouth_of(work.audio), np.uint8).reshape(-1, len(MOUTH_PARAMS))[:, 0] / 255
        loudness = np.repeat(jaw, 2).astype("<f4")
        yield Features(bytes(4 * MELS * len(loudness)), loudness.tobytes(), work.level + 1)


class ScriptedMouth(Scripted[MouthWork]):
    """Opens the mouth as the audio is loud."""

    def __init__(self, delay: Seconds = 0.01) -> None:
        super().__init__("mouth", slots=64)
        self.delay = delay
        self.needs_features = False

    def probe(self) -> MouthWork:
        """A tenth of a second."""
        return MouthWork(MOUTH_RATE // 10, audio=bytes(SPEECH_RATE // 5), phones=(Phone("", 0.0, 0.1),))

    async def script(self, work: MouthWork) -> AsyncGenerator[Result, None]:
        """All frames at once."""
        await asyncio.sleep(self.delay)
        step = len(MOUTH_PARAMS)
        if work.features is None:
            frames = mouth_of(work.audio)
        else:
            jaw = np.frombuffer(work.features.loudness, "<f4")[::2]
            frames = b"".join(bytes([round(float(one) * 255)] * step) for one in jaw)
        yield MouthFrames(frames[work.first * step : (work.first + work.count) * step])


class ScriptedSynthesise(Scripted[SynthesiseWork]):
    """Pictures of two by two pixels, as bright as the jaw is open."""

    def __init__(
        self, delay: Seconds = 0.0, each: Seconds = 0.002, hears: bool = False, *, whole: bool = False
    ) -> None:
        """`whole`: as large as they were asked for."""
        super().__init__("synthesise", slots=2)
        self.delay = delay
        self.each = each
        self.hears = hears
        self.whole = whole

    def draws(self, avatar: object) -> bool:
        """Everybody."""
        return True

    def probe(self) -> SynthesiseWork:
        """One picture."""
        return SynthesiseWork("mira", "", ("jaw",), bytes(4))

    def units(self, work: SynthesiseWork) -> float:
        """Pictures."""
        return work.count

    async def script(self, work: SynthesiseWork) -> AsyncGenerator[Result, None]:
        """All of a run at once."""
        await asyncio.sleep(self.delay + self.each * work.count)
        rows = np.frombuffer(work.frames, "<f4").reshape(work.count, -1)
        bright = np.clip(np.rint(rows[:, work.names.index("jaw")] * 255), 0, 255).astype(np.uint8)
        width, height = work.size if self.whole else (2, 2)
        yield Pictures(memoryview(np.repeat(bright, 3 * width * height).tobytes()), width, height)


class LevelVad:
    """Takes every sound for speech."""

    name = "level"
    frame = 512

    def load(self) -> None:
        """Nothing to read."""

    def close(self) -> None:
        """Nothing to give back."""

    def new_state(self) -> Any:
        """Nothing to remember."""
        return None

    def run(self, frames: NDArray[np.float32], states: Sequence[Any]) -> NDArray[np.float32]:
        """1 for a frame that is audible, else 0."""
        loud: NDArray[np.float32] = (np.abs(frames).mean(axis=1) > AUDIBLE / 32768).astype(np.float32)
        return loud

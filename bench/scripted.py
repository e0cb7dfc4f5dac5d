"""Engines that cost nothing: what is left of a turn's CPU time is the server's own."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import Voice
from polytalk.errors import PolytalkError
from polytalk.types import (
    FEATURE_RATE,
    LISTEN_RATE,
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
    SpeakWork,
    Speech,
    TextDelta,
    ThinkWork,
    Transcript,
    Usage,
)

ANSWER = (
    "I am a scripted voice that needs no model at all. "
    "What you hear next is how long twenty five words take to say in a calm and steady voice."
)
"""27 words: what the shipped LLM answers with on average."""
WORD = SPEECH_RATE * 3 // 10
"""Samples of a spoken word."""
QUESTION = "How far away is the moon tonight?"
"""What everybody is heard to say: nothing that an avatar knows by heart."""
VOICED = 0.01
"""RMS from which a frame is taken for speech."""


STORY = (
    *("the", "sea", "was", "calm", "and", "every", "boat", "came", "home", "before", "night", "because", "old"),
    *("sailors", "said", "that", "rain", "would", "follow", "wind", "from", "northern", "mountains"),
)


class _Scripted:
    name = "scripted"

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        pass

    def load(self) -> None:
        """Nothing to read."""

    def close(self) -> None:
        """Nothing to give back."""


class ScriptedVad(_Scripted):
    """`VadEngine` by loudness."""

    frame = 512

    def new_state(self) -> Any:
        """Nothing to remember."""
        return None

    def run(self, frames: NDArray[np.float32], states: Sequence[Any]) -> NDArray[np.float32]:
        """1 for a loud frame, else 0."""
        loud: NDArray[np.float32] = (np.mean(frames * frames, axis=1) > VOICED**2).astype(np.float32)
        return loud


class ScriptedAsr(_Scripted):
    """`BatchEngine[ListenWork, Transcript]`."""

    max_batch = 64

    def probe(self) -> ListenWork:
        """A tenth of a second."""
        return ListenWork(bytes(LISTEN_RATE // 10 * SAMPLE_BYTES))

    def units(self, work: ListenWork) -> float:
        """Seconds."""
        return len(work.audio) / SAMPLE_BYTES / LISTEN_RATE

    def run(self, batch: Sequence[ListenWork]) -> Sequence[Transcript | PolytalkError]:
        """The same words for everybody."""
        return [Transcript(QUESTION)] * len(batch)


class ScriptedLlm(_Scripted):
    """`StreamEngine[ThinkWork, TextDelta | Usage]`."""

    languages = ("*",)
    slots = 1_000

    def probe(self) -> ThinkWork:
        """One word."""
        return ThinkWork((Message("user", "Hello."),))

    def units(self, work: ThinkWork) -> float:
        """Words."""
        return float(len(ANSWER.split()))

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | Usage]:
        """`ANSWER`, word by word."""
        words = ANSWER.split(" ")
        for index, word in enumerate(words):
            yield TextDelta(f" {word}" if index else word)
        yield Usage(10, len(words))


class ScriptedTalker(ScriptedLlm):
    """`ANSWER` in words that nobody was answered before, and as many: nothing of it is known, shared or cached."""

    name = "talker"

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self._answers = 0

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | Usage]:
        """Word by word."""
        self._answers += 1
        words = [f"word{self._answers}" if word in ("model", "steady") else word for word in ANSWER.split(" ")]
        for index, word in enumerate(words):
            yield TextDelta(f" {word}" if index else word)
        yield Usage(10, len(words))


def story(chance: random.Random) -> str:
    """A sentence of three to fourteen words."""
    return f"{' '.join(chance.choices(STORY, k=chance.randint(3, 14))).capitalize()}."


class Storyteller(ScriptedLlm):
    """Answers of one sentence to six, most of them short: as long as the shipped LLM's on average, less even."""

    name = "storyteller"

    async def stream(self, work: ThinkWork) -> AsyncIterator[TextDelta | Usage]:
        """A sentence at a time."""
        chance = random.Random(work.messages[-1].content)
        sentences = [story(chance) for _ in range(chance.choice((1, 1, 2, 2, 3, 4, 6)))]
        for sentence in sentences:
            yield TextDelta(f"{sentence} ")
        yield Usage(10, len(" ".join(sentences).split()))


class ScriptedTts(_Scripted):
    """`BatchEngine[SpeakWork, Speech]`: a hum for every word."""

    max_batch = 64

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        hum = np.sin(np.arange(WORD) * (2 * np.pi * 140 / SPEECH_RATE)) * 8_000
        self._word = hum.astype("<i2").tobytes()

    def voices(self) -> Sequence[Voice]:
        """One."""
        return (Voice("heart", "Scripted", ("en",), "female"),)

    def probe(self) -> SpeakWork:
        """One word."""
        return SpeakWork("Hello.", "heart")

    def units(self, work: SpeakWork) -> float:
        """Words."""
        return float(len(work.text.split()))

    def run(self, batch: Sequence[SpeakWork]) -> Sequence[Speech | PolytalkError]:
        """As long as the words would take."""
        return [Speech(self._word * len(work.text.split())) for work in batch]


class ScriptedAnalyse(_Scripted):
    """`BatchEngine[AnalyseWork, Features]`: every 10 ms are silent."""

    max_batch = 64

    def probe(self) -> AnalyseWork:
        """A tenth of a second."""
        return AnalyseWork(bytes(SPEECH_RATE // 10 * SAMPLE_BYTES))

    def units(self, work: AnalyseWork) -> float:
        """Seconds."""
        return len(work.audio) / SAMPLE_BYTES / SPEECH_RATE

    def run(self, batch: Sequence[AnalyseWork]) -> Sequence[Features | PolytalkError]:
        """Zeros."""
        counts = [-(-len(work.audio) * FEATURE_RATE // (SAMPLE_BYTES * SPEECH_RATE)) for work in batch]
        return [Features(bytes(4 * MELS * count), bytes(4 * count), 1.0) for count in counts]


class ScriptedMouth(_Scripted):
    """`BatchEngine[MouthWork, MouthFrames]`: the jaw opens and shuts."""

    max_batch = 64
    needs_features = False

    def probe(self) -> MouthWork:
        """A tenth of a second."""
        return MouthWork(MOUTH_RATE // 10)

    def units(self, work: MouthWork) -> float:
        """Seconds."""
        return work.count / MOUTH_RATE

    def run(self, batch: Sequence[MouthWork]) -> Sequence[MouthFrames | PolytalkError]:
        """A frame for every fiftieth of a second."""
        pair = bytes([0] * len(MOUTH_PARAMS) + [200] * len(MOUTH_PARAMS))
        return [MouthFrames((pair * (work.count // 2 + 1))[: work.count * len(MOUTH_PARAMS)]) for work in batch]

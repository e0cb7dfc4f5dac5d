"""What a recording says: cut at its pauses, each part heard by the recogniser, several at a time."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

import numpy as np
from msgspec import Struct

from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.ears.endpointing import ServerVad, SpeechStarted, SpeechStopped, VadSettings
from polytalk.dialogue.faces.pipeline import Step, in_order
from polytalk.dialogue.kit import Kit
from polytalk.engines.base import VadEngine
from polytalk.errors import EngineFailed
from polytalk.media.pcm import duration, to_float
from polytalk.types import LISTEN_RATE, SAMPLE_BYTES, ListenWork, Seconds, Stage, Transcript

T = TypeVar("T")
STRETCH: Seconds = 30.0
"""What is looked through for pauses at once."""
AHEAD = 4
"""Parts at the recogniser at once."""
PAUSES = VadSettings(silence_duration_ms=500, max_duration_ms=28_000)
"""Where a part ends. None is longer than what recognisers take at once."""
FIRST_WORDS: Seconds = 1.0
"""By then the first words are wanted; those of later parts as much later as they were said."""


class Compute(Protocol):
    """Runs a piece of work on a core, wanted `within` so many seconds."""

    def __call__(self, work: Callable[[], T], within: Seconds = 0.0) -> Awaitable[T]:
        """See `Runtime.compute`."""
        ...


class Segment(Struct, frozen=True):
    """A part of the recording, and its words."""

    start: Seconds
    end: Seconds
    transcript: Transcript


class Wish(Struct, frozen=True):
    """What is known of the recording beforehand."""

    language: str | None = None
    prompt: str = ""
    temperature: float = 0.0


class Span(Struct, frozen=True):
    """Where somebody speaks."""

    start_ms: int
    voice_end_ms: int
    end_ms: int
    """The silence behind it included."""


class Pauses:
    """Finds spans in a recording that comes in stretches."""

    def __init__(self, vad: VadEngine) -> None:
        self._vad = vad
        self._state: Any = vad.new_state()
        self._detector = ServerVad()
        fields = {name: getattr(PAUSES, name) for name in VadSettings.__dataclass_fields__}
        self._detector.configure(**fields)
        self._start_ms = 0

    def push(self, pcm: bytes) -> list[Span]:
        """Spans that end in this stretch, PCM16 at `LISTEN_RATE`. Blocking."""
        signal, frame = to_float(pcm), self._vad.frame
        whole = np.pad(signal, (0, -len(signal) % frame)).reshape(-1, 1, frame)
        found = []
        for samples in whole:
            event = self._detector.push(float(self._vad.run(samples, [self._state])[0]))
            if isinstance(event, SpeechStarted):
                self._start_ms = event.start_ms
            elif isinstance(event, SpeechStopped):
                found.append(Span(self._start_ms, event.voice_end_ms, event.end_ms))
        return found

    def finish(self) -> list[Span]:
        """The span that is open at the end."""
        if not self._detector.speaking:
            return []
        now = self._detector.now_ms
        return [Span(self._start_ms, now, now)]


async def dictate(
    scope: Scope, kit: Kit, vad: VadEngine, compute: Compute, pcm: bytes, wish: Wish
) -> AsyncGenerator[Segment, None]:
    """The segments of a recording, PCM16 at `LISTEN_RATE`, in order; nothing where nobody speaks.

    Raises what an engine raised.
    """
    async with aclosing(in_order(_steps(scope, kit, vad, compute, pcm, wish), AHEAD)) as segments:
        async for segment in segments:
            if segment.transcript.text:
                yield segment


async def _steps(
    scope: Scope, kit: Kit, vad: VadEngine, compute: Compute, pcm: bytes, wish: Wish
) -> AsyncGenerator[Step[Segment], None]:
    began, length = scope.clock.now(), duration(pcm, LISTEN_RATE)
    pauses = Pauses(vad)
    for number, stretch in enumerate(_stretches(pcm, vad.frame)):
        for span in await compute(lambda stretch=stretch: pauses.push(stretch), FIRST_WORDS + number * STRETCH):  # type: ignore[misc]
            yield _hear(scope, kit, pcm, span, wish, began, length)
    for span in pauses.finish():
        yield _hear(scope, kit, pcm, span, wish, began, length)


def _stretches(pcm: bytes, frame: int) -> Iterator[bytes]:
    """Whole frames of the detector, so that none is cut."""
    step = round(STRETCH * LISTEN_RATE) // frame * frame * SAMPLE_BYTES
    for at in range(0, len(pcm), step):
        yield pcm[at : at + step]


async def _hear(scope: Scope, kit: Kit, pcm: bytes, span: Span, wish: Wish, began: Seconds, length: Seconds) -> Segment:
    first, last = (ms * LISTEN_RATE // 1000 * SAMPLE_BYTES for ms in (span.start_ms, span.end_ms))
    work = ListenWork(pcm[first:last], wish.language, wish.prompt, wish.temperature)
    due = began + FIRST_WORDS + span.start_ms / 1000
    result = await (await scope.ask(Stage.LISTEN, kit.asr, work, due)).only()
    if not isinstance(result, Transcript):
        raise EngineFailed(f"{kit.asr} answered with {type(result).__name__}, not with a transcript")
    heard = Transcript(result.text.strip(), result.language, result.score, result.no_speech)
    return Segment(span.start_ms / 1000, min(span.voice_end_ms / 1000, length), heard)

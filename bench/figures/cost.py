"""What one turn costs: each stage's engine called directly, alone in this process, on the same questions and answers.

The sum is what a turn would take if nothing but the models cost anything, so cores ÷ sum is the ideal number of turns
a second. CPU time is that of the whole process, an engine's own threads included.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct

from bench.figures import orchestration
from bench.machine import describe
from bench.plan import Plan
from bench.questions import Utterance, questions
from bench.report import Figure, Row
from polytalk.config import Settings
from polytalk.dialogue.answers.sentences import SentenceSplitter
from polytalk.dialogue.persona import load_personas
from polytalk.engines import registry
from polytalk.media.pcm import duration, resample, to_float
from polytalk.types import (
    LISTEN_RATE,
    MOUTH_RATE,
    SPEECH_RATE,
    ListenWork,
    Message,
    MouthWork,
    Seconds,
    SpeakWork,
    Speech,
    TextDelta,
    ThinkWork,
)

ENDPOINTING: Seconds = 0.3


class Conversation(Struct, frozen=True):
    """What was asked and answered: the work that the stages are measured on."""

    questions: Sequence[Utterance]
    answers: Sequence[str]
    speech: Sequence[Speech]
    """Segments of all answers."""

    @property
    def spoken(self) -> Seconds:
        """Seconds of all answers."""
        return sum(duration(one.audio, SPEECH_RATE) for one in self.speech)


class Stage(Struct, frozen=True):
    """CPU seconds a turn."""

    name: str
    alone: Seconds
    batched: Seconds | None = None
    batch: int = 1

    @property
    def best(self) -> Seconds:
        """The cheaper way."""
        return self.alone if self.batched is None else min(self.alone, self.batched)


class Turns(Struct, frozen=True):
    """What turns take of the models."""

    hear: Stage
    """What only an open microphone needs."""
    stages: Sequence[Stage]
    """The others."""
    joe: Stage
    """His voice instead of heart's."""
    spoken: Seconds
    """Answer of a turn."""
    about: str


@cache
def models(plan: Plan) -> Turns:
    """Each stage's engine alone, on the same turns."""
    settings = Settings(languages=("en",))
    asked = questions()[-plan.questions :]
    count = len(asked)
    with _engine("asr", "whisper", settings.asr_choice().options) as asr:
        works = [ListenWork(resample(one.pcm, SPEECH_RATE, LISTEN_RATE), "en") for one in asked]
        listen = _listen(asr, works)
    with _engine("llm", settings.llm.engine, settings.llm.options) as llm:
        think, answers = _think(llm, [one.line.text for one in asked], settings.limits.max_reply_tokens)
    segments = [segment.strip() for answer in answers for segment in _segments(answer)]
    with _engine("tts", "hibari") as tts:
        says = [SpeakWork(segment, "heart") for segment in segments]
        speech = [one for one in tts.run(says) if isinstance(one, Speech)]
        speak = Stage("TTS (heart)", _cpu(lambda: tts.run(says)) / count)
    with _engine("tts", "joe") as tts:
        says = [SpeakWork(segment, "joe") for segment in segments]
        joe = Stage("TTS, voice joe instead", _cpu(lambda: tts.run(says)) / count)
    with _engine("mouth", settings.mouth.engine) as mouth:
        moves = [
            MouthWork(int(duration(one.audio, SPEECH_RATE) * MOUTH_RATE), 0, one.audio, one.phones) for one in speech
        ]
        move = Stage("mouth", _cpu(lambda: mouth.run(moves)) / count)
    talk = Conversation(asked, answers, speech)
    hear = _hear(talk)
    words = sum(len(answer.split()) for answer in answers) / count
    about = (
        f"{count} turns: {sum(one.seconds for one in asked) / count:.1f} s of question, {words:.0f} words "
        f"or {talk.spoken / count:.1f} s of answer; the microphone is open all the time."
    )
    return Turns(hear, [listen, think, speak, move], joe, talk.spoken / count, about)


def measure(plan: Plan) -> Figure:
    """All stages, their sum, and what it allows."""
    found = models(plan)
    parts = [found.hear, *found.stages, Stage("gateway and dialogue", orchestration.turn_seconds(plan))]
    rows: list[Row] = [_row(part) for part in parts]
    alone, best = sum(part.alone for part in parts), sum(part.best for part in parts)
    rows += [_row(Stage("sum", alone, best)), _row(found.joe)]
    cores = describe().cores
    notes = [found.about, f"Ideal: {cores} cores ÷ {best:.3f} CPU-s = {cores / best:.1f} turns a second."]
    return Figure(
        "cost", "CPU time of one turn, by stage", "models 0.29 to 0.35 CPU-s, the server's own ≤ 2 ms", rows, notes
    )


def turn_seconds(plan: Plan) -> Seconds:
    """CPU seconds that a turn's models take at their best batch size; the server's own work is not in it."""
    found = models(plan)
    return sum(part.best for part in (found.hear, *found.stages))


def per_speech(plan: Plan) -> Seconds:
    """The same for a second of answer, to a question that was recorded before."""
    found = models(plan)
    return sum(part.best for part in found.stages) / found.spoken


def _row(stage: Stage) -> Row:
    return {
        "stage": stage.name,
        "CPU ms a turn": round(stage.alone * 1000, 1),
        "batched": None if stage.batched is None else round(stage.batched * 1000, 1),
        "batch": stage.batch if stage.batch > 1 else None,
    }


def _cpu(work: Callable[[], object]) -> Seconds:
    """CPU seconds of this process for it."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _listen(asr: Any, works: Sequence[ListenWork]) -> Stage:
    alone = _cpu(lambda: [asr.run([work]) for work in works])
    batched = _cpu(lambda: asr.run(works))
    return Stage("ASR", alone / len(works), batched / len(works), min(len(works), asr.max_batch))


def _think(llm: Any, texts: Sequence[str], max_tokens: int) -> tuple[Stage, list[str]]:
    persona = load_personas("Mira")["en"]
    works = [
        ThinkWork(persona.messages([Message("user", text)]), max_tokens, max_sentences=persona.sentences)
        for text in texts
    ]

    async def answer(work: ThinkWork) -> str:
        return "".join([result.delta async for result in llm.stream(work) if isinstance(result, TextDelta)])

    async def one_by_one() -> list[str]:
        return [await answer(work) for work in works]

    async def together() -> list[str]:
        return await asyncio.gather(*(answer(work) for work in works))

    asyncio.run(answer(works[0]))  # the persona is in the prefix cache before anybody calls
    answers: list[str] = []
    alone = _cpu(lambda: answers.extend(asyncio.run(one_by_one())))
    batched = _cpu(lambda: asyncio.run(together()))
    return Stage("LLM", alone / len(works), batched / len(works), min(len(works), llm.slots)), answers


def _hear(talk: Conversation) -> Stage:
    """VAD over all that the microphone sends during a turn."""
    silence = talk.spoken + ENDPOINTING * len(talk.questions)
    heard = b"".join(resample(one.pcm, SPEECH_RATE, LISTEN_RATE) for one in talk.questions)
    with _engine("vad", "silero") as vad:
        samples = np.concatenate([to_float(heard), np.zeros(round(silence * LISTEN_RATE), np.float32)])
        frames = samples[: len(samples) // vad.frame * vad.frame].reshape(-1, 1, vad.frame)
        state = vad.new_state()
        alone = _cpu(lambda: [vad.run(frame, [state]) for frame in frames])
        batch = 8
        states = [vad.new_state() for _ in range(batch)]
        wide = frames[: len(frames) // batch * batch].reshape(-1, batch, vad.frame)
        batched = _cpu(lambda: [vad.run(frame, states) for frame in wide])
    return Stage("VAD", alone / len(talk.questions), batched / len(talk.questions), batch)


def _segments(answer: str) -> Iterable[str]:
    splitter = SentenceSplitter("en")
    yield from splitter.push(answer)
    yield from splitter.flush()


@contextmanager
def _engine(kind: str, name: str, options: Any = None) -> Iterator[Any]:
    engine = registry.create(kind, name, options or {})
    engine.load()
    if hasattr(engine, "run") and hasattr(engine, "probe"):
        engine.run([engine.probe()])  # as a worker does before it is ready
    try:
        yield engine
    finally:
        engine.close()

"""The face of one answer: speech is cut into runs, each is analysed, moved and drawn, several at once.

    speech ─▶ run ─▶ analyse ─▶ mouth ─▶ synthesise ─▶ piece
               └─▶ the next run is analysed while this one is drawn

What costs nothing is not asked for: speech with phone times is not analysed, its mouth is one job however long it is,
and without pictures it is not cut at all.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import ceil, inf

from msgspec import Struct
from msgspec.structs import replace as changed

from polytalk.avatar.bundle import Motion
from polytalk.avatar.terms import PARAMETERS
from polytalk.dialogue.answers.performance import Performance
from polytalk.dialogue.answers.speaking import Rendering, Studio
from polytalk.dialogue.dispatch import Replies, Scope
from polytalk.dialogue.faces.pipeline import Step
from polytalk.dialogue.settings import SessionSettings, Video
from polytalk.errors import EngineFailed
from polytalk.media.pcm import duration
from polytalk.schedule.runs import Pressure, length
from polytalk.types import (
    MOUTH_PARAMS,
    MOUTH_RATE,
    SAMPLE_BYTES,
    SPEECH_RATE,
    AnalyseWork,
    Features,
    MouthFrames,
    MouthWork,
    Phone,
    Pictures,
    Result,
    Seconds,
    Speech,
    Stage,
    SynthesiseWork,
    ToolDelta,
    Work,
)

FRAME_BYTES = SPEECH_RATE // MOUTH_RATE * SAMPLE_BYTES
"""Audio of one mouth frame; pieces are padded to whole frames so that frame numbers never drift from samples."""
RUNS_AHEAD = 2
"""Runs begun before the one that is next is done: one is drawn while another is analysed."""
LONGEST: Seconds = 1.0
"""Of a run with pictures: 20 MB at 512 x 512."""
CONTEXT = 20
"""Mouth frames of speech around a run that is analysed: 0.4 s, more than coarticulation reaches."""
EARSHOT: Seconds = 0.2
"""Speech around a run that an engine is given which draws by ear."""


class Piece(Struct, frozen=True):
    """Some of the answer. `text` are the words whose audio begins here ("" within a sentence)."""

    text: str = ""
    audio: bytes = b""
    mouth: bytes = b""
    pictures: Pictures | None = None
    fps: float = 0.0
    """Of the pictures, as granted."""
    offset: Seconds = 0.0
    """From the piece's first sample to the moment at which its first picture is shown."""
    phones: tuple[Phone, ...] = ()
    """Those that begin in it, timed from its first sample."""
    lasts: Seconds = 0.0
    """How long the words take, in this piece and those after it."""
    call: ToolDelta | None = None
    """In place of speech: a piece of a function call."""


class Painter(Struct, frozen=True):
    """Who draws an avatar."""

    engine: str
    hears: bool
    motion: Motion
    folder: str = ""
    """Where the avatar's files are; "" for one that comes with the package."""
    looks: str = ""
    """Changes with whatever changes its pictures: the avatar's content, the engine, its weights."""


class FaceEngines(Struct, frozen=True):
    """What faces are made with."""

    analyse: str
    mouth: str
    needs_features: bool
    """Of the mouth's engine."""
    painter: Callable[[str], Painter]
    """By avatar. Raises BadInput for one that can't be drawn here."""
    pressure: Callable[[Stage, str], Pressure] = lambda stage, engine: Pressure()
    """How an engine stands now; its slope is in the engine's own unit."""
    picture_lead: Seconds = 1.0
    """How far ahead of playback pictures are made: they are large."""


@dataclass(eq=False)
class _Place:
    """A run's place in the line: what the next one has to know of it."""

    level: "asyncio.Future[float]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    performed: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(eq=False)
class _Passage:
    """A piece of speech as the TTS gave it."""

    speech: Speech
    audio: bytes
    begins: Seconds
    """In the answer."""
    moved: "asyncio.Future[bytes] | None"
    """The mouth of all of it, when that is one job."""

    @property
    def frames(self) -> int:
        return len(self.audio) // FRAME_BYTES

    def cut(self, first: int, count: int) -> bytes:
        """Audio of some mouth frames; those beyond its ends are left out."""
        return self.audio[max(0, first) * FRAME_BYTES : (first + count) * FRAME_BYTES]


class Face:
    """One answer's."""

    def __init__(
        self,
        scope: Scope,
        engines: FaceEngines,
        studio: Studio,
        settings: SessionSettings,
        due: Callable[[Seconds], Seconds],
        account: Callable[[Replies | Rendering], None],
    ) -> None:
        """`due` tells when a moment of the answer is played, as far as is known."""
        self.mouth = settings.mouth
        """Whether mouth frames are wanted."""
        self.video = settings.video
        self._scope = scope
        self._engines = engines
        self._studio = studio
        self._avatar = settings.avatar
        self._due = due
        self._account = account
        self._last: _Place | None = None
        self._performance: Performance | None = None

    def allow(self, *, mouth: bool, fps: float) -> None:
        """There is room for no more than this."""
        self.mouth &= mouth
        if self.video is not None:
            slower = Video(self.video.form, min(fps, self.video.fps), self.video.size)
            self.video = slower if mouth and fps > 0 else None

    async def steps(self, text: str, speech: Speech, begins: Seconds) -> AsyncGenerator[Step[Piece], None]:
        """How to make each piece of some speech; it `begins` there in the answer."""
        audio = speech.audio + bytes(-len(speech.audio) % FRAME_BYTES)
        if not self.mouth and self.video is None:
            yield _ready(Piece(text, audio, phones=speech.phones, lasts=duration(audio, SPEECH_RATE)))
            return
        by_features = self._engines.needs_features or not speech.phones
        moved = None if by_features else asyncio.get_running_loop().create_future()
        passage = _Passage(speech, audio, begins, moved)
        first = 0
        while first < passage.frames:
            count = self._count(passage.frames - first, begins + first / MOUTH_RATE, by_features=by_features)
            before, self._last = self._last, _Place()
            yield self._make(passage, text, first, count, before, self._last)
            text, first = "", first + count

    def _count(self, left: int, begins: Seconds, *, by_features: bool) -> int:
        """Mouth frames of the next run: what all its engines can do in time."""
        slack, kit = self._due(begins) - self._scope.clock.now(), self._engines
        begun = None if self.video is None else begins
        engines: list[tuple[Stage, str, float]] = []
        if by_features:
            engines += [(Stage.ANALYSE, kit.analyse, 1.0), (Stage.MOUTH, kit.mouth, 1.0)]
        if self.video is not None:
            engines.append((Stage.SYNTHESISE, self._painter.engine, self.video.fps))
        longest = LONGEST if self.video is not None else inf
        whole = left / MOUTH_RATE
        runs = [whole]
        for stage, engine, units in engines:
            pressure = kit.pressure(stage, engine)
            runs.append(length(whole, replace(pressure, slope=pressure.slope * units), slack, longest, begun))
        return min(left, max(1, ceil(min(runs) * MOUTH_RATE - 1e-6)))

    async def _make(
        self, passage: _Passage, text: str, first: int, count: int, before: _Place | None, place: _Place
    ) -> Piece:
        due = self._due(passage.begins + first / MOUTH_RATE)
        if passage.moved is None:
            mouth = await self._by_features(passage, first, count, due, before, place)
        else:
            place.level.set_result(0.0)
            if first == 0:
                passage.moved.set_result(await self._by_phones(passage, due))
            step = len(MOUTH_PARAMS)
            mouth = (await passage.moved)[first * step : (first + count) * step]
        piece = Piece(
            text,
            passage.cut(first, count),
            mouth if self.mouth else b"",
            phones=phones_within(passage.speech.phones, first / MOUTH_RATE, (first + count) / MOUTH_RATE),
            lasts=passage.frames / MOUTH_RATE,
        )
        if self.video is None:
            return piece
        return await self._draw(passage, self.video, piece, mouth, first, before, place)

    async def _by_phones(self, passage: _Passage, due: Seconds) -> bytes:
        return await self._move(MouthWork(passage.frames, 0, passage.audio, passage.speech.phones), due)

    async def _by_features(
        self, passage: _Passage, first: int, count: int, due: Seconds, before: _Place | None, place: _Place
    ) -> bytes:
        lead = min(CONTEXT, first)
        level = 0.0 if before is None else await before.level
        audio = passage.cut(first - lead, lead + count + CONTEXT)
        features = await self._ask(Stage.ANALYSE, self._engines.analyse, AnalyseWork(audio, level), due)
        if not isinstance(features, Features):
            raise EngineFailed(f"{self._engines.analyse} answered with {type(features).__name__}, not with features")
        place.level.set_result(features.level)
        return await self._move(MouthWork(count, lead, phones=passage.speech.phones, features=features), due)

    async def _move(self, work: MouthWork, due: Seconds) -> bytes:
        async with aclosing(self._studio.move(self._scope, self._engines.mouth, work, due)) as moved:
            result = await moved.only()
        self._account(moved)
        if not isinstance(result, MouthFrames):
            raise EngineFailed(f"{self._engines.mouth} answered with {type(result).__name__}, not with mouth frames")
        return result.frames

    async def _draw(
        self,
        passage: _Passage,
        video: Video,
        piece: Piece,
        mouth: bytes,
        first: int,
        before: _Place | None,
        place: _Place,
    ) -> Piece:
        """The piece with its pictures; with none when it lies between two of them."""
        if before is not None:
            await before.performed  # a head that nods must have nodded before
        count = len(mouth) // len(MOUTH_PARAMS)
        starts = passage.begins + first / MOUTH_RATE
        numbers = range(_ceil(starts * video.fps), _ceil((starts + count / MOUTH_RATE) * video.fps))
        if self._performance is None:
            self._performance = Performance(self._painter.motion, self._due(0.0))
        rows = self._performance.rows([number / video.fps for number in numbers], mouth, starts)
        place.performed.set_result(None)
        if not numbers:
            return piece
        await self._wait_for_lead(starts)
        painter = self._painter
        audio, lead = b"", 0.0
        if painter.hears:
            reach = ceil(EARSHOT * MOUTH_RATE)
            ahead = min(first, reach)
            audio = passage.cut(first - ahead, ahead + count + reach)
            lead = ahead / MOUTH_RATE + numbers[0] / video.fps - starts
        work = SynthesiseWork(
            self._avatar, painter.folder, PARAMETERS, rows, (video.size, video.size), video.form, video.fps, audio, lead
        )
        result = await self._ask(Stage.SYNTHESISE, painter.engine, work, self._due(starts))
        if not isinstance(result, Pictures) or result.count != len(numbers):
            raise EngineFailed(f"{painter.engine} was asked for {len(numbers)} pictures and gave something else")
        offset = numbers[0] / video.fps - starts
        return changed(piece, pictures=result, fps=video.fps, offset=offset)

    async def _wait_for_lead(self, starts: Seconds) -> None:
        """Pictures far ahead of playback fill the memory, and are thrown away on an interruption."""
        clock = self._scope.clock
        while (ahead := self._due(starts) - clock.now() - self._engines.picture_lead) > 0:
            await asyncio.sleep(max(0.02, ahead))

    @cached_property
    def _painter(self) -> Painter:
        return self._engines.painter(self._avatar)

    async def _ask(self, stage: Stage, engine: str, work: Work, due: Seconds) -> Result:
        asked = await self._scope.ask(stage, engine, work, due)
        result = await asked.only()
        self._account(asked)
        return result


def phones_within(phones: Sequence[Phone], start: Seconds, end: Seconds) -> tuple[Phone, ...]:
    """Those that begin there, timed from `start`."""
    if not phones:
        return ()
    return tuple(Phone(one.symbol, one.start - start, one.end - start) for one in phones if start <= one.start < end)


async def _ready(piece: Piece) -> Piece:
    return piece


def _ceil(value: float) -> int:
    """Up to a whole number, forgiving what floats add to one."""
    return ceil(value - 1e-6)

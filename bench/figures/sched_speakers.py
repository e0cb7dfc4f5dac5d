"""How many can be spoken to at once so that 99.9 % of the frames come in time: by deadline ÷ first in, first out.

The real server without its gateway: sessions, workers, policy, the neural voice joe, the mouth, pictures and their
encoder. The words are given (a scripted LLM), as where another server thinks, so that the cores are all that is tight.

    speakers   ask in writing, hear an answer of one to six sentences out, and ask again after half a second;
               every other one sees a film of the face, 25 pictures a second of 512 x 512, drawn and encoded here;
               every sixth is a vip, the others are of two tenants
    beside     a clip is made meanwhile, as `POST /v1/videos` makes it: its script is spoken in the batch tier,
               nobody waits for it, and it never ends

    polytalk        as it comes: order, admission, and fewer pictures where not all fit (the brown-out ladder)
    whole pictures  order and admission; nobody is given fewer pictures
    order alone     everybody is admitted: the order and the batches
    fifo            by arrival, whatever the stage and the tier; everybody is admitted
    wide clip       the same while the clip has four sentences a core under way, as ours has while nobody talks

and polytalk and fifo once more without the clip. FIFO has the best of its settings (`BEST`): speech made as early as
can be, or at most 3 s ahead of playback; one sentence of the clip under way for each core, or four. A greedy batcher
would be the same: of these engines only the mouth, a hundredth of the work, computes several jobs together, and it
does so under FIFO too.

A number of speakers is sustained if 99.9 % of what they hear comes by the moment at which it is to be played (sound of
a film with its pictures, once encoded; pictures that are left out are late), and 95 % of the answers begin within 3 s.
The most are found by halving, contenders in turn, all of them in one process, with engines that are warm and costs that
were learnt once for all. A try that can't be saved any more is broken off.
"""

import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import uvloop
from msgspec import Struct

from bench.plan import Plan
from bench.questions import OUT
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.audience import IN_TIME, Heard, Listener
from bench.scheduler.halving import Halving
from bench.scheduler.orders import admit_all, replaced
from bench.scheduler.spread import Runs, row
from bench.scripted import story
from bench.server import PLUGIN
from polytalk.config import EngineChoice, Settings, TurnSettings, load_settings
from polytalk.dialogue import events
from polytalk.dialogue.capacity.payer import Payer
from polytalk.dialogue.clips import narration
from polytalk.dialogue.clips.parts import Parts
from polytalk.dialogue.clips.script import Sentence
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.faces.filming import FilmBegun, Filming, FilmOver, FilmPart
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings, Video
from polytalk.engines import models, registry
from polytalk.media.fragments import Encoding, FragmentWriter
from polytalk.media.labels import VisibleLabel
from polytalk.media.pcm import duration
from polytalk.schedule.demand import TurnDemand
from polytalk.types import SPEECH_RATE, Pictures, Seconds, SpeakWork, Speech, Tier

GOAL = 1.5
PAUSE: Seconds = 0.5
SETTLE: Seconds = 3.0
"""Speakers begin within its first two thirds; what comes in it is not judged."""
SECONDS: Seconds = 9.0
LEARN: Seconds = 10.0
"""A few speakers, before anything is tried: costs, demand and the face's patches are known then."""
FEW = 6
VOICE = "joe"
AVATAR = "theo"
VIDEO = Video()
VIP = Payer("desk", Tier.VIP)
OTHERS = (Payer("shop"), Payer("school"))
CLIP = Payer("studio", Tier.BATCH)
SCRIPT = 2_000
"""Sentences: more than can be spoken in any try."""


@dataclass(frozen=True)
class Way:
    """How a server decides, and what it does besides."""

    fifo: bool = False
    admits: bool = False
    browns_out: bool = False
    clip: bool = True
    max_lead_ms: int = 3_000
    clip_ahead: int = narration.AHEAD
    """Sentences of the clip under way, for each core."""


BEST = Way(fifo=True, max_lead_ms=3_000, clip_ahead=1)
"""FIFO at its best."""
WAYS: Mapping[str, Way] = {
    "polytalk": Way(admits=True, browns_out=True),
    "fifo": BEST,
    "whole pictures": Way(admits=True),
    "order alone": Way(),
    "fifo, wide clip": replace(BEST, clip_ahead=narration.AHEAD),
    "polytalk, no clip": Way(admits=True, browns_out=True, clip=False),
    "fifo, no clip": replace(BEST, clip=False),
}
GUESS = {
    "polytalk": 0.5,
    "fifo": 0.15,
    "whole pictures": 0.4,
    "order alone": 0.35,
    "fifo, wide clip": 0.1,
    "polytalk, no clip": 0.55,
    "fifo, no clip": 0.3,
}
"""Speakers ÷ mouths that never rest, from which the first search sets out."""
FINE, COARSE = (0.15, 4), (0.3, 3)
"""How near the bounds are brought, in so many tries at most: of the first two, which are measured in every run, and of
the others."""
IN_EVERY_RUN = ("polytalk", "fifo")


def _decides(way: Way) -> Way:
    """Without what it does besides: ways that decide alike are measured on one server."""
    return replace(way, clip=True, clip_ahead=narration.AHEAD)


def measure(plan: Plan) -> Figure:
    """Speakers of each way, and the ratio to FIFO's."""
    sys.path.insert(0, str(PLUGIN))
    ideal = len(os.sched_getaffinity(0)) / _rtf()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, tempfile.TemporaryDirectory() as scratch:
        found, pictures = runner.run(_search(plan.long_runs, ideal, Path(scratch)))
    beside = ratios({name: of for name, of in found.items() if WAYS[name].clip}, "fifo")
    alone = ratios({name: of for name, of in found.items() if not WAYS[name].clip}, "fifo, no clip")
    rows: list[Row] = [
        {"server": name, **row(found[name], 1), "÷ fifo's": row(of, 2)["median"], "pictures/s": pictures[name]}
        for name, of in (beside | alone).items()
    ]
    title = f"Speakers with ≥ {IN_TIME:.1%} of their frames in time, real voice, mouth and pictures"
    plot.bars("sched_speakers", title, plot.of(found, 1))
    notes = [
        f"Ideal: {ideal:.0f} mouths that never rest, from the voice's speed alone on this machine now.",
        f"Pictures a second of those who want {VIDEO.fps:.0f}, with the most speakers that were sustained.",
    ]
    setting = f"live, real voice ({VOICE}), every other speaker filmed"
    what = "speakers in time ÷ FIFO's"
    lines = [
        Line(13, f"{what}, beside a clip", GOAL, beside, at_most=False, setting=setting),
        Line(13, what, GOAL, {"polytalk": alone["polytalk, no clip"]}, at_most=False, setting=setting),
    ]
    return Figure("sched_speakers", title, f"≥ {GOAL} × FIFO's", rows, notes, lines)


def ratios(found: Runs, to: str) -> Runs:
    """Each run's number ÷ that of `to` in the same run; a number of none counts as one."""
    return {
        name: [mine / max(1.0, theirs) for mine, theirs in zip(counts, found[to], strict=False)]
        for name, counts in found.items()
    }


def _rtf() -> float:
    """Core-seconds that the voice takes for a second of speech."""
    engine = registry.create("tts", VOICE, {})
    engine.load()
    work = SpeakWork("The sea was calm and every boat came home before the rain.", VOICE)
    try:
        engine.run([work])
        began = time.process_time()
        spoken = [one for _ in range(4) for one in engine.run([work]) if isinstance(one, Speech)]
        return (time.process_time() - began) / sum(duration(one.audio, SPEECH_RATE) for one in spoken)
    finally:
        engine.close()


async def _search(runs: int, ideal: float, scratch: Path) -> tuple[Runs, dict[str, float | None]]:
    """The most speakers of each way in each run, and the pictures that they saw."""
    found: Runs = {name: [] for name in WAYS}
    pictures: dict[str, float | None] = dict.fromkeys(WAYS)
    async with AsyncExitStack() as stack:
        houses: dict[Way, Runtime] = {}
        for way in map(_decides, WAYS.values()):
            if way not in houses:
                houses[way] = await stack.enter_async_context(_house(way))
        teacher, *pupils = houses.values()
        await _try(teacher, FEW, partial(_clip, teacher, scratch), seconds=LEARN)
        for pupil in pupils:
            _teach(teacher, pupil)
        for run in range(runs):
            searches = {
                name: Halving(
                    round(found[name][-1] if found[name] else GUESS[name] * ideal),
                    *(FINE if name in IN_EVERY_RUN else COARSE),
                )
                for name in (WAYS if run == 0 else IN_EVERY_RUN)
            }
            while any(search.number for search in searches.values()):
                for name, search in searches.items():
                    if number := search.number:
                        house = houses[_decides(WAYS[name])]
                        clip = partial(_clip, house, scratch, WAYS[name].clip_ahead) if WAYS[name].clip else None
                        heard, holds = await _try(house, number, clip)
                        search.tell(number, holds)
                        if holds and heard.filmed:
                            pictures[name] = round(heard.pictures / heard.filmed, 1)
            for name, search in searches.items():
                found[name].append(float(search.most))
    return found, pictures


@asynccontextmanager
async def _house(way: Way) -> AsyncIterator[Runtime]:
    """A server that decides so."""
    scripted = EngineChoice(engine="scripted")
    settings: Settings = load_settings(
        turn=TurnSettings(max_lead_ms=way.max_lead_ms),
        vad=scripted,
        asr=scripted,
        llm=EngineChoice(engine="storyteller"),
        tts=(EngineChoice(engine=VOICE),),
    )
    with replaced(order=way.fifo, admission=False):
        house = Runtime(settings)
    models.use_cache(OUT, patches=True)  # drawn once for all contenders
    admission, demand = house.gate.admission, house.gate.demand
    if not way.admits:
        admission.request = partial(admit_all, admission)  # type: ignore[method-assign]
    if not way.browns_out:
        demand.rungs = lambda fps=0.0: TurnDemand.rungs(demand, fps)[:1]  # type: ignore[method-assign]
    async with house.running(lambda _: None):
        yield house


def _teach(teacher: Runtime, pupil: Runtime) -> None:
    """What was learnt of costs and of turns' demand."""
    for knows, learns in zip(teacher.workers._workers, pupil.workers._workers, strict=True):
        learns.desk.cost = deepcopy(knows.desk.cost)
    known, demand = teacher.gate.demand, pupil.gate.demand
    demand.spent, demand.held, demand.encoding, demand._turns = (
        dict(known.spent),
        known.held,
        known.encoding,
        known._turns,
    )


async def _try(
    house: Runtime, speakers: int, clip: Callable[[], Coroutine[Any, Any, None]] | None, seconds: Seconds = SECONDS
) -> tuple[Heard, bool]:
    """What so many hear while `clip` is made, and whether all of them are served."""
    began = time.monotonic()
    heard = Heard(speakers, began + SETTLE, began + SETTLE + seconds)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_speaker(house, heard, index)) for index in range(speakers)]
        tasks += [group.create_task(clip())] if clip is not None else []
        while (now := time.monotonic()) < heard.until and not heard.hopeless(now):
            await asyncio.sleep(0.1)
        for task in tasks:
            task.cancel()
    return heard, heard.sustained(now) and not heard.hopeless(now)


async def _speaker(house: Runtime, heard: Heard, index: int) -> None:
    listener, done = Listener(heard, time.monotonic), asyncio.Event()
    filmed = index % 2 == 1
    payer = VIP if index % 6 == 5 else OTHERS[index // 2 % 2]
    wanted = SessionSettings(AVATAR, VOICE, mouth=True, turn_detection=None, video=VIDEO if filmed else None)
    see = _projector(house, listener, done) if filmed else _loudspeaker(listener, done)
    await asyncio.sleep(SETTLE * 2 / 3 * index / heard.speakers)
    async with see as emit, house.open_session(wanted, emit, payer) as session:
        for count in range(10_000):
            done.clear()
            listener.ask()
            text = f"Tell me story number {heard.speakers * count + index}."
            session.add(Item(new_id("item"), "user", text))
            await session.respond()
            await done.wait()
            await asyncio.sleep(max(0.0, listener.ends - time.monotonic()) + PAUSE)


Emit = Callable[[events.DialogueEvent], None]


@asynccontextmanager
async def _loudspeaker(listener: Listener, done: asyncio.Event) -> AsyncIterator[Emit]:
    def emit(event: events.DialogueEvent) -> None:
        if isinstance(event, events.ResponseFinished):
            done.set()
        elif isinstance(event, events.Spoke):
            listener.hear(duration(event.audio, SPEECH_RATE))

    yield emit


class _Slice(Struct, frozen=True):
    """Of a film, as its encoder gave it."""

    lasts: Seconds
    pictures: int


class _Writer:
    """Encodes, and tells of what."""

    def __init__(
        self, encoding: Encoding, fps: float, metadata: Mapping[str, str] | None, label: VisibleLabel | None
    ) -> None:
        self._film = FragmentWriter(encoding, fps, metadata, label)
        self.mime, self.init = self._film.mime, self._film.init

    def push(self, audio: bytes, pictures: Pictures | None = None, shown_at: Seconds = 0.0) -> _Slice:
        self._film.push(audio, pictures, shown_at)
        return _Slice(duration(audio, SPEECH_RATE), pictures.count if pictures else 0)

    def finish(self) -> _Slice:
        self._film.finish()
        return _Slice(0.0, 0)


@asynccontextmanager
async def _projector(house: Runtime, listener: Listener, done: asyncio.Event) -> AsyncIterator[Emit]:
    """As `gateway.realtime.screen` has answers filmed, without a socket."""
    film: str | None = None

    def show(shot: FilmBegun | FilmPart[_Slice] | FilmOver) -> None:
        if isinstance(shot, FilmPart) and shot.data.lasts:
            listener.hear(shot.data.lasts, shot.data.pictures, filmed=True)

    filming = Filming[_Slice](house.films, show, _Writer)

    def emit(event: events.DialogueEvent) -> None:
        nonlocal film
        if isinstance(event, events.ResponseStarted):
            filming.warm(Encoding(), VIDEO.fps)
        elif isinstance(event, events.Spoke):
            if event.pictures is not None or event.response == film:
                film = event.response
                listener.film(event.pictures is not None)
                filming.add(event, Encoding())
            else:
                listener.hear(duration(event.audio, SPEECH_RATE), filmed=True)
        elif isinstance(event, events.ResponseFinished):
            if event.response == film:
                filming.end(event.response, event.item, done.set)
            else:
                done.set()

    encoding = asyncio.create_task(filming.run())
    try:
        yield emit
    finally:
        encoding.cancel()
        await asyncio.wait((encoding,))


async def _clip(house: Runtime, scratch: Path, ahead: int = narration.AHEAD) -> None:
    """Speak a script, until cancelled."""
    chance = random.Random(time.monotonic_ns())
    script = [Sentence(story(chance), line) for line in range(SCRIPT)]
    parts = Parts(scratch / new_id("clip"))
    parts.open()
    wanted = SessionSettings(AVATAR, VOICE, mouth=True)
    with patch.object(narration, "AHEAD", ahead):
        await narration.Narration(house, wanted, script, parts, CLIP).make(lambda *_: None)

"""How many can be spoken to at once so that 99.9 % of the frames come in time: by deadline ÷ first in, first out.

The real server without its gateway: sessions, workers, policy, the neural voice joe and the mouth. Joe takes more of
the cores than all else of a turn when the words come from elsewhere, as they do here (a scripted LLM), so that what is
scheduled is speech. Speakers ask in writing, hear answers of two to four sentences out, and ask again.

    polytalk         as it is: order, lead limit, admission
    order alone      everybody is admitted
    fifo, held back  by arrival, everybody is admitted, speech is made at most 3 s ahead
    fifo             by arrival, everybody is admitted, speech is made as early as can be

The number is sustained when, besides, 95 % of the answers begin within `PATIENCE`; it is found by halving, with a crowd
for each try.
"""

import asyncio
import os
import sys
import time
from dataclasses import dataclass, field

import numpy as np
import uvloop

from bench.plan import Plan
from bench.record import JITTER
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.orders import replaced
from bench.scheduler.spread import Runs, row
from bench.server import PLUGIN
from polytalk.config import EngineChoice, Settings, TurnSettings, load_settings
from polytalk.dialogue import events
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.items import Item
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.engines import registry
from polytalk.media.pcm import duration
from polytalk.schedule.playout import Playout
from polytalk.types import SPEECH_RATE, Seconds, SpeakWork, Speech

GOAL = 1.5
IN_TIME = 0.999
PATIENCE: Seconds = 3.0
PAUSE: Seconds = 0.5
SETTLE: Seconds = 4.0
"""What comes earlier is not judged."""
SECONDS: Seconds = 16.0
VOICE = "joe"


@dataclass(frozen=True)
class Way:
    """How a server decides."""

    fifo: bool = False
    admits: bool = False
    max_lead_ms: int = 3_000


WAYS = {
    "polytalk": Way(admits=True),
    "fifo": Way(fifo=True, max_lead_ms=60_000),
    "order alone": Way(),
    "fifo, held back": Way(fifo=True),
}
IN_EVERY_RUN = ("polytalk", "fifo")
"""The others are measured in the first run only: a crowd takes its time."""


@dataclass
class Heard:
    """What a crowd heard."""

    late: Seconds = 0.0
    """Speech, and so frames, that came after it should have been played."""
    spoken: Seconds = 0.0
    waits: list[Seconds] = field(default_factory=list)
    """Question to first audio."""

    @property
    def sustained(self) -> bool:
        """Whether everybody was served."""
        if not self.waits or not self.spoken:
            return False
        return self.late <= (1 - IN_TIME) * self.spoken and float(np.percentile(self.waits, 95)) <= PATIENCE


class Listener:
    """Plays one answer."""

    def __init__(self, heard: Heard, judged_from: Seconds) -> None:
        self.done = asyncio.Event()
        self._heard, self._judged_from = heard, judged_from
        self.begin()

    def begin(self) -> None:
        """A question is asked."""
        self._asked, self._playout = time.monotonic(), Playout()
        self.done.clear()

    def hear(self, event: events.DialogueEvent) -> None:
        """Of the session."""
        if isinstance(event, events.ResponseFinished):
            self.done.set()
        elif isinstance(event, events.Spoke):
            now, lasts, waited = time.monotonic(), duration(event.audio, SPEECH_RATE), self._playout.waited
            first = self._playout.started is None
            if first:
                self._playout.started = now + JITTER
            self._playout.send(lasts, now)
            if now >= self._judged_from:
                self._heard.spoken += lasts
                self._heard.late += min(lasts, self._playout.waited - waited)
                self._heard.waits += [now - self._asked] if first else []

    @property
    def ends(self) -> Seconds:
        """The moment at which all was played."""
        return self._playout.deadline()


def measure(plan: Plan) -> Figure:
    """Speakers of each way, and the ratio to FIFO's."""
    sys.path.insert(0, str(PLUGIN))
    ideal = len(os.sched_getaffinity(0)) / _rtf()
    found: Runs = {name: [] for name in WAYS}
    for run in range(plan.long_runs):
        for name, way in WAYS.items():
            if run == 0 or name in IN_EVERY_RUN:
                near = found[name] or found["fifo" if way.fifo else "polytalk"]
                found[name].append(float(_most(way, ideal, near[-1] if near else None)))
    ratios: Runs = {
        name: [mine / max(1.0, theirs) for mine, theirs in zip(counts, found["fifo"], strict=False)]
        for name, counts in found.items()
    }
    rows: list[Row] = [
        {"server": name, "measured": what, **row(values[name], 2)}
        for name in WAYS
        for what, values in (("speakers", found), ("÷ fifo's", ratios))
    ]
    title = f"Speakers with ≥ {IN_TIME:.1%} of their frames in time, real voice and mouth"
    plot.bars("sched_speakers", title, plot.of(found, 1))
    notes = [f"Ideal: {ideal:.0f} mouths that never rest, from the voice's speed alone on this machine now."]
    setting = f"live, real voice ({VOICE}) and mouth, words given"
    line = Line(13, "speakers in time ÷ FIFO's", GOAL, ratios, at_most=False, setting=setting)
    return Figure("sched_speakers", title, f"≥ {GOAL} × FIFO's", rows, notes, [line])


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


def _most(way: Way, ideal: float, near: float | None) -> int:
    """The most speakers that are sustained: halving between none and more than can be, or around what was found."""
    low, high = (0, max(2, round(1.2 * ideal))) if near is None else (round(0.7 * near), round(1.3 * near) + 1)
    while high - low > max(1, round(0.08 * high)):
        middle = (low + high) // 2
        low, high = (middle, high) if _crowd(way, middle).sustained else (low, middle)
    return low


def _crowd(way: Way, speakers: int) -> Heard:
    with (
        replaced(order=way.fifo, admission=not way.admits),
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        return runner.run(_talk(_settings(way), speakers))


def _settings(way: Way) -> Settings:
    scripted = EngineChoice(engine="scripted")
    return load_settings(
        turn=TurnSettings(max_lead_ms=way.max_lead_ms),
        vad=scripted,
        asr=scripted,
        llm=EngineChoice(engine="storyteller"),
        tts=(EngineChoice(engine=VOICE),),
    )


async def _talk(settings: Settings, speakers: int) -> Heard:
    runtime, heard = Runtime(settings), Heard()
    wanted = SessionSettings(avatar="theo", voice=VOICE, mouth=True, turn_detection=None)

    async def speaker(index: int) -> None:
        listener = Listener(heard, began + SETTLE)
        await asyncio.sleep(SETTLE * index / speakers)
        async with runtime.open_session(wanted, listener.hear) as session:
            for count in range(10_000):
                listener.begin()
                session.add(Item(new_id("item"), "user", f"Tell me story number {speakers * count + index}."))
                await session.respond()
                await listener.done.wait()
                await asyncio.sleep(max(0.0, listener.ends - time.monotonic()) + PAUSE)

    async with runtime.running(lambda _: None):
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(speaker(index)) for index in range(speakers)]
            await asyncio.sleep(SECONDS)
            for task in tasks:
                task.cancel()
    return heard

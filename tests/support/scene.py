"""A whole dialogue in one process on scripted engines: callers talk, the engines follow their script.

Meant for `looptime`: seconds of conversation take milliseconds, and the same ones every time.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from msgspec.structs import replace

from polytalk.avatar.bundle import library
from polytalk.broker.memory import MemoryBroker
from polytalk.cache.renders import Renders
from polytalk.dialogue.answers.speaking import Studio
from polytalk.dialogue.capacity.gate import Gate
from polytalk.dialogue.capacity.payer import HOUSE, UNMETERED, Meter, Payer
from polytalk.dialogue.dispatch import Dispatcher
from polytalk.dialogue.events import DialogueEvent, ResponseFinished, Spoke
from polytalk.dialogue.faces.face import FaceEngines, Painter
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.metronome import Metronome
from polytalk.dialogue.persona import Persona
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import Bounds, SessionSettings
from polytalk.dialogue.voices import Voices
from polytalk.media.pcm import silence
from polytalk.schedule.admission import MOST_RESERVED, TARGET, Admission
from polytalk.schedule.demand import TurnDemand
from polytalk.schedule.runs import Pressure
from polytalk.types import SPEECH_RATE, Seconds, Stage, Tier
from polytalk.worker.loop import StreamWorker
from tests.support.engines import (
    LevelVad,
    Scripted,
    ScriptedAnalyse,
    ScriptedAsr,
    ScriptedLlm,
    ScriptedMouth,
    ScriptedSynthesise,
    ScriptedTts,
)
from tests.support.sound import LEVEL, LoopClock, now, voice

E = TypeVar("E", bound=DialogueEvent)

MIC_STEP: Seconds = 0.04
MIRA = library()[0]
SETTINGS = SessionSettings(avatar="mira", voice="vera", mouth=True)
PERSONA = Persona(instructions="You are a test.", wrong_language="I only speak English.")
REVISIONS = {(Stage.SPEAK, "tts"): "1", (Stage.MOUTH, "mouth"): "1"}
LONGEST: Seconds = 300.0
"""Virtual seconds after which an awaited event is not coming."""


class OnePlace(TurnDemand):
    """Every turn takes one place, whatever it cost."""

    def rungs(self, fps: float = 0.0) -> list[dict[str, float]]:
        return [{"places": TARGET - MOST_RESERVED}]


class Scene:
    """The workers and the dispatcher; `call` opens sessions on them."""

    def __init__(
        self,
        asr: ScriptedAsr | None = None,
        llm: ScriptedLlm | None = None,
        tts: ScriptedTts | None = None,
        mouth: ScriptedMouth | None = None,
        analyse: ScriptedAnalyse | None = None,
        synthesise: ScriptedSynthesise | None = None,
        max_queue: int = 1_000,
        max_lead: Seconds = 3.0,
        llm_languages: tuple[str, ...] = ("*",),
        places: float = 1_000.0,
        renders: Renders | None = None,
    ) -> None:
        """`places`: how many turns there is room for at once, where a turn takes one and vips have a tenth more."""
        self.asr = asr or ScriptedAsr()
        self.llm = llm or ScriptedLlm()
        self.tts = tts or ScriptedTts()
        self.analyse = analyse or ScriptedAnalyse()
        self.mouth = mouth or ScriptedMouth()
        self.synthesise = synthesise or ScriptedSynthesise()
        self.clock = LoopClock()
        self.broker = MemoryBroker(max_queue)
        self.dispatcher = Dispatcher(self.broker, self.clock)
        self.room = True
        self.pressure: dict[Stage, Pressure] = {}
        """How busy engines are said to be; those that are not named have nothing to do and cost nothing."""
        self.gate = Gate(Admission({"places": places}), OnePlace({Stage.THINK: "places"}), self.clock)
        self.kit = Kit(
            asr=self.asr.name,
            llm=self.llm.name,
            faces=FaceEngines(
                analyse=self.analyse.name,
                mouth=self.mouth.name,
                needs_features=self.mouth.needs_features,
                painter=lambda avatar: Painter(self.synthesise.name, self.synthesise.hears, MIRA.motion),
                pressure=lambda stage, engine: self.pressure.get(stage, Pressure()),
            ),
            voices=Voices([self.tts]),
            studio=Studio(renders or Renders(), REVISIONS),
            llm_languages=llm_languages,
            gate=self.gate,
            metronome=Metronome(self.clock),
            recall=None,
            has_room=lambda: self.room,
            max_lead=max_lead,
            llm_extras=frozenset({"tools"}),
        )
        cast = (
            (Stage.LISTEN, self.asr),
            (Stage.THINK, self.llm),
            (Stage.SPEAK, self.tts),
            (Stage.ANALYSE, self.analyse),
            (Stage.MOUTH, self.mouth),
            (Stage.SYNTHESISE, self.synthesise),
        )
        self.workers = [StreamWorker(stage, engine, self.broker, self.clock) for stage, engine in cast]
        self._group = asyncio.TaskGroup()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> "Scene":
        await self._group.__aenter__()
        running = (self.dispatcher.run(), *(worker.run() for worker in self.workers))
        self._tasks = [self._group.create_task(one) for one in running]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)  # a failed assertion is shown as it is, not in a group
        if error is None:
            self._assert_nothing_is_left()

    def _assert_nothing_is_left(self) -> None:
        """Of calls that are over: no job, no memory, no work, no place."""
        assert self.dispatcher._open == {}
        assert self.broker._generations == {}
        self.assert_idle()

    def assert_idle(self) -> None:
        """No engine works, and no turn holds a place."""
        assert not any(self.busy.values())
        assert self.gate.admission.leases == {}

    def call(
        self, guess: bool = False, tier: Tier = Tier.STANDARD, meter: Meter = UNMETERED, **changes: Any
    ) -> "Caller":
        """A caller with a session of its own; `changes` are to the settings of the session.

        Without `guess` (speculation) every utterance is one request to the ASR, which keeps scripts simple.
        """
        return Caller(self, self.settings(**changes), Bounds(speculate=guess), Payer(tier.value, tier, meter))

    @staticmethod
    def settings(**changes: Any) -> SessionSettings:
        """The settings of a caller, with changes."""
        return replace(SETTINGS, **changes)

    @property
    def engines(self) -> tuple[Scripted[Any], ...]:
        """All of them."""
        return self.asr, self.llm, self.tts, self.analyse, self.mouth, self.synthesise

    @property
    def busy(self) -> dict[str, int]:
        """Requests that the engines are at."""
        return {engine.name: engine.busy for engine in self.engines}


class Caller:
    """A client: a microphone, and a record of what the session told it."""

    def __init__(self, scene: Scene, settings: SessionSettings, bounds: Bounds, payer: Payer = HOUSE) -> None:
        self.scene = scene
        self.bounds = bounds
        self.log: list[tuple[Seconds, DialogueEvent]] = []
        self.session = Session(
            scene.dispatcher, scene.kit, LevelVad(), self.personas, settings, bounds, self._note, payer
        )
        self._noted = asyncio.Event()

    async def __aenter__(self) -> "Caller":
        await self.session.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.session.__aexit__(kind, error, trace)

    # --- what the user does --------------------------------------------------------------------------------------

    async def says(self, seconds: Seconds = 1.0, level: int = LEVEL) -> None:
        """Speak."""
        await self.sends(voice(seconds, level))

    async def hushes(self, seconds: Seconds = 0.7) -> None:
        """Be silent, with the microphone on; the default is long enough to end the turn."""
        await self.sends(silence(seconds, SPEECH_RATE))

    async def asks(self, seconds: Seconds = 1.0, level: int = LEVEL) -> None:
        """Speak, and be silent until the turn has ended."""
        await self.says(seconds, level)
        await self.hushes()

    async def sends(self, pcm: bytes) -> None:
        """Send audio as a microphone does: in small pieces, as time goes by."""
        step = round(MIC_STEP * SPEECH_RATE) * 2
        for at in range(0, len(pcm), step):
            await self.session.hear(pcm[at : at + step])
            await asyncio.sleep(MIC_STEP)

    # --- what the user is told -----------------------------------------------------------------------------------

    @property
    def events(self) -> list[DialogueEvent]:
        """Everything, in order."""
        return [event for _, event in self.log]

    def all(self, kind: type[E]) -> list[E]:
        """Every event of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    def only(self, kind: type[E]) -> E:
        """The one event of a kind."""
        (event,) = self.all(kind)
        return event

    def at(self, event: DialogueEvent) -> Seconds:
        """When it was told."""
        return next(at for at, noted in self.log if noted is event)

    async def until(self, kind: type[E], count: int = 1, where: Callable[[E], bool] = lambda _: True) -> E:
        """Wait for the `count`-th event of a kind since the call began."""
        async with asyncio.timeout(LONGEST):
            while len(found := [event for event in self.all(kind) if where(event)]) < count:
                self._noted.clear()
                await self._noted.wait()
        return found[count - 1]

    async def heard(self, seconds: Seconds) -> None:
        """Wait until so much of the first answer was played."""
        started = self.at(await self.until(Spoke))
        await asyncio.sleep(max(0.0, started + seconds - now()))

    async def answered(self, count: int = 1) -> ResponseFinished:
        """Wait until the `count`-th answer is over."""
        return await self.until(ResponseFinished, count)

    def _note(self, event: DialogueEvent) -> None:
        self.log.append((now(), event))
        self._noted.set()

    @staticmethod
    def personas(avatar: str) -> Personas:
        return lambda language: PERSONA

"""Everything one process needs to hold conversations, put together from the settings."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar

from polytalk.avatar.library import Bundle, Library
from polytalk.broker.memory import MemoryBroker
from polytalk.cache.disk import DiskTier
from polytalk.cache.memory import MemoryTier
from polytalk.cache.renders import Renders
from polytalk.cache.tiers import Tiers
from polytalk.clock import RealClock
from polytalk.config import EngineChoice, Settings
from polytalk.dialogue.answers.delivery import Emit
from polytalk.dialogue.answers.speaking import Studio
from polytalk.dialogue.capacity.gate import Gate
from polytalk.dialogue.capacity.payer import HOUSE, Payer
from polytalk.dialogue.capacity.shares import Shares
from polytalk.dialogue.clips.marks import film_label
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.faces.drawing import painting
from polytalk.dialogue.faces.face import FaceEngines, Painter
from polytalk.dialogue.faces.filming import FilmKit
from polytalk.dialogue.faces.foresight import Foresight
from polytalk.dialogue.faces.idling import Idling
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.knowledge import file as knowledge_file
from polytalk.dialogue.knowledge.recall import Recall
from polytalk.dialogue.metronome import Metronome
from polytalk.dialogue.persona import Persona, load_personas
from polytalk.dialogue.session import Session
from polytalk.dialogue.settings import Bounds, SessionSettings
from polytalk.dialogue.voices import Voices
from polytalk.engines import models, registry
from polytalk.engines.base import BatchEngine, SynthesiseEngine, VadEngine
from polytalk.engines.revision import revision_of
from polytalk.errors import BadInput, ConfigError, PolytalkError
from polytalk.media.marking import Content, Marking
from polytalk.schedule.admission import Admission
from polytalk.schedule.bank import Bank
from polytalk.schedule.demand import TurnDemand
from polytalk.types import Message, Seconds, Stage, ThinkWork, Tier
from polytalk.worker.express import Express
from polytalk.worker.group import OnProgress, WorkerGroup
from polytalk.worker.pool import Pool

log = logging.getLogger(__name__)

T = TypeVar("T")


class Runtime:
    """The engines, the workers that run them, and the way to open a session on them."""

    def __init__(self, settings: Settings) -> None:
        """Chooses engines and checks their options; loads nothing. Raises SetupError."""
        models.use_cache(settings.cache_folder, patches=settings.cache.disk_bytes > 0)
        self.settings = settings
        self.avatars = Library(settings.avatars_folder)
        if settings.avatar not in self.avatars:
            raise ConfigError(f"there is no avatar {settings.avatar!r}; the avatars here are {', '.join(self.avatars)}")
        self.vad: VadEngine = _create("vad", settings.vad)
        asr = _create("asr", settings.asr_choice())
        llm = _create("llm", settings.llm)
        analyse = _create("analyse", settings.analyse)
        mouth = _create("mouth", settings.mouth)
        synthesisers = [_create("synthesise", choice) for choice in settings.synthesise_choices()]
        speakers = [_create("tts", choice) for choice in settings.tts_choices()]
        self.voices = Voices(speakers, settings.aliases)
        self._pool = Pool(settings.cores - settings.vip_cores)
        vip_pool = Pool(settings.vip_cores) if settings.vip_cores else None
        self.clock = RealClock()
        broker = MemoryBroker(settings.limits.queue_jobs)
        self.dispatcher = Dispatcher(broker, self.clock)
        engines = [
            (Stage.LISTEN, asr),
            (Stage.THINK, llm),
            *((Stage.SPEAK, speaker) for speaker in speakers),
            (Stage.ANALYSE, analyse),
            (Stage.MOUTH, mouth),
            *((Stage.SYNTHESISE, synthesiser) for synthesiser in synthesisers),
        ]
        self._known = {avatar: knowledge_file.read(path) for avatar, path in settings.knowledge.items()}
        if unknown := self._known.keys() - set(self.avatars):
            raise ConfigError(
                f"[knowledge] names {', '.join(sorted(unknown))}; the avatars are {', '.join(self.avatars)}"
            )
        embed = _create("embed", settings.embed) if self._known else None
        if embed is not None:
            engines.append((Stage.EMBED, embed))
        self.bank = Bank(float(settings.cores), self.clock.now())
        self.workers = WorkerGroup(engines, broker, self._pool, self.clock, self.bank, vip_pool)
        ceilings: dict[str, float] = {}
        self.gate = Gate(*_admission(engines, settings, ceilings), self.clock)
        self.shares = Shares(self.bank, self.workers.fair.weights, ceilings)
        if refused := self.shares.set(settings.tenants):
            raise ConfigError(f"[[tenants]] {refused[0]}")
        self.tiers = open_tiers(settings)
        self.studio = Studio(
            Renders(self.tiers), {(stage, engine.name): revision_of(engine) for stage, engine in engines}
        )
        self.gate.demand.economy = self.workers.economy
        find = partial(self._painting, synthesisers)
        self.foresight = Foresight(find, self.compute, self._pool.cores)
        self.kit = Kit(
            asr=asr.name,
            llm=llm.name,
            faces=FaceEngines(
                analyse=analyse.name,
                mouth=mouth.name,
                needs_features=mouth.needs_features,
                painter=lambda avatar: find(avatar)[1],
                pressure=self.workers.pressure,
            ),
            voices=self.voices,
            studio=self.studio,
            llm_languages=tuple(llm.languages),
            llm_extras=frozenset(getattr(llm, "extras", ())),
            gate=self.gate,
            metronome=Metronome(self.clock),
            recall=None if embed is None else Recall(self.studio, embed.name),
            has_room=self._has_room,
            may_read_ahead=lambda: getattr(llm, "reads_ahead", False) and self._pool.free > 1 and self._has_room(),
            max_lead=settings.turn.max_lead_ms / 1000,
            foresee=self.foresight.want,
        )
        self._express = Express(self._pool, self.clock)
        self.films = FilmKit(self._express.run, self.gate.learn_encoding, self.tags, partial(film_label, settings))
        self.idling = Idling(self.dispatcher, self.kit.faces, self.compute, self.films)
        self.ready = False

    @asynccontextmanager
    async def running(self, on_progress: OnProgress) -> AsyncIterator[None]:
        """Load, warm and run the engines for as long as the context lasts. Raises SetupError, EngineFailed."""
        await asyncio.to_thread(self.vad.load)
        await self.tiers.disk.open()
        try:
            await self.workers.prepare(on_progress)
        except BaseException:
            self.workers.close()
            self.tiers.disk.close()
            raise
        failed: PolytalkError | None = None
        async with asyncio.TaskGroup() as group:
            running = (self.workers.run(), self.dispatcher.run(), self.tiers.run(), self._learn())
            tasks = [group.create_task(one) for one in running]
            await self._read_personas()
            self.ready = True
            try:
                yield
            except PolytalkError as error:
                failed = error  # raised outside: the group would wrap it
            finally:
                self.ready = False
                for task in tasks:
                    task.cancel()
                self._express.close()
                self.idling.close()
                self.foresight.close()
                self.tiers.disk.close()
        if failed is not None:
            raise failed

    def open_session(self, settings: SessionSettings, emit: Emit, payer: Payer = HOUSE) -> Session:
        """A conversation, to be entered as a context manager."""
        limits, turn = self.settings.limits, self.settings.turn
        bounds = Bounds(
            max_utterance=limits.max_utterance_seconds,
            max_items=limits.max_history_items,
            max_chars=limits.max_history_chars,
            send_lead=turn.send_lead_ms / 1000,
            speculate=turn.speculate,
        )
        return Session(
            self.dispatcher,
            self.kit,
            self.vad,
            self.personas,
            settings,
            bounds,
            emit,
            payer,
        )

    def avatar(self, name: str) -> Bundle:
        """By id. Raises BadInput."""
        found = self.avatars.get(name)
        if found is None:
            known = ", ".join(self.avatars)
            raise BadInput(f"there is no avatar {name!r}; the avatars here are {known}", code="model_not_found")
        return found

    def _painting(self, synthesisers: Sequence[SynthesiseEngine], name: str) -> tuple[SynthesiseEngine, Painter]:
        """Who draws an avatar: the first engine of the settings that can. Raises BadInput."""
        return painting(synthesisers, self.avatar(name))

    async def rehearse(self) -> None:
        """Have the default avatar opened where it is drawn, so that its first film begins as any other; those that come
        with the package follow."""
        size = self.settings.video.size
        self.foresight.want(self.settings.avatar, size)
        await self.foresight.settled()
        for avatar in self.avatars.values():
            if avatar.shipped:
                self.foresight.want(avatar.id, size)

    def draws(self, avatar: str) -> bool:
        """Whether an engine here draws the avatar."""
        try:
            self.kit.faces.painter(avatar)
        except BadInput:
            return False
        return True

    async def compute(self, work: Callable[[], T], within: Seconds = 0.0) -> T:
        """On a slot of the cores: what is to be sent now, or `within` so many seconds."""
        due = self.clock.now() + within
        await self._pool.acquire(lambda: due)
        return await self._pool.run(work)

    def tags(self, content: Content = "video") -> dict[str, str]:
        """Of a film, or of speech alone: that it is AI-generated."""
        return Marking(producer="Polytalk", produce_id=new_id("film")).tags(self.settings.languages[0], content)

    def default_voice(self, avatar: Bundle) -> str:
        """The avatar's own voice when an engine here has it, else the first there is."""
        try:
            return self.voices.get(avatar.voice).voice.id
        except BadInput:
            return self.voices.first().voice.id

    def personas(self, avatar: str) -> Personas:
        """The avatar's persona, by language. One that is removed during a call speaks on as the default avatar."""
        found = self.avatars.get(avatar) or self.avatar(self.settings.avatar)
        name, file = found.name, self.settings.knowledge.get(found.id)

        def find(language: str) -> Persona:
            spoken = name.get(language) or name["en"]
            personas = _personas(spoken, file)
            return personas.get(language) or personas["en"]

        return find

    async def _learn(self) -> None:
        """Index what avatars know by their files, in the background: until then words alone find it."""
        if self.kit.recall is None:
            return
        scope = Scope(self.dispatcher, new_id("learn"), 0, Payer(tier=Tier.BATCH))
        try:
            for avatar, sides in self._known.items():
                for language, answers in sides.items():
                    knowledge = self.personas(avatar)(language).knowledge
                    own = {answer.questions for answer in answers}
                    await self.kit.recall.learn(scope, knowledge, [a for a in knowledge.answers if a.questions in own])
        except PolytalkError as error:
            log.warning("what avatars know is found by its words only: %s", error.message)

    async def _read_personas(self) -> None:
        """Have the LLM read personas, so that no first user waits for it: prefixes are cached.

        Those of the package and the default one: of avatars that users add there may be hundreds.
        """
        for avatar in self.avatars.values():
            if not avatar.shipped and avatar.id != self.settings.avatar:
                continue
            for language in self.settings.languages:
                if not self.kit.thinks_in(language):
                    continue
                messages = self.personas(avatar.id)(language).messages([Message("user", "Hi")])
                work = ThinkWork(messages, max_tokens=1)
                scope = Scope(self.dispatcher, new_id("warm"), 0)
                async for _ in await scope.ask(Stage.THINK, self.kit.llm, work, self.clock.now()):
                    pass
                await self.dispatcher.forget(scope.session)

    def _has_room(self) -> bool:
        return self._pool.idle and self.gate.roomy and not self.workers.waiting


def open_tiers(settings: Settings) -> Tiers:
    """The tiers of the cache; the disk's is empty until it is opened."""
    cache = settings.cache
    return Tiers(MemoryTier(cache.memory_bytes), DiskTier(settings.renders_folder(), cache.disk_bytes))


CORES = "cores"


def _admission(
    engines: Sequence[tuple[Stage, Any]], settings: Settings, ceilings: dict[str, float]
) -> tuple[Admission, TurnDemand]:
    """Engines that compute here share the cores; one with slots of its own is a pool of slots."""
    pools: dict[Stage, str] = {}
    capacity: dict[str, float] = {CORES: float(settings.cores - settings.vip_cores)}
    for stage, engine in engines:
        if isinstance(engine, BatchEngine):
            pools[stage] = CORES
        else:
            pools.setdefault(stage, f"{stage} slots")
            capacity[f"{stage} slots"] = capacity.get(f"{stage} slots", 0.0) + engine.slots
    return Admission(capacity, settings.limits.queue_turns, ceilings=ceilings), TurnDemand(pools)


def _create(kind: str, choice: EngineChoice) -> Any:
    return registry.create(kind, choice.engine, choice.options)


@cache
def _personas(name: str, file: Path | None) -> dict[str, Persona]:
    known = knowledge_file.read(file) if file else {}
    return load_personas(name, known)

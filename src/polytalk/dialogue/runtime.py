"""Everything one process needs to hold conversations, put together from the settings."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from typing import Any

from polytalk.avatar.bundle import Avatar, library
from polytalk.broker.memory import MemoryBroker
from polytalk.clock import RealClock
from polytalk.config import ANYBODY, EngineChoice, Settings, TenantSettings
from polytalk.dialogue.delivery import Emit
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.gate import Gate
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.persona import Persona, load_personas
from polytalk.dialogue.session import Bounds, Session
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.turn import Kit, Personas
from polytalk.dialogue.voices import Voices
from polytalk.engines import models, registry
from polytalk.engines.base import BatchEngine, VadEngine
from polytalk.errors import BadInput, ConfigError
from polytalk.schedule.admission import Admission
from polytalk.schedule.bank import Account, Bank
from polytalk.schedule.demand import TurnDemand
from polytalk.types import Message, Seconds, Stage, ThinkWork, Tier
from polytalk.worker.group import OnProgress, WorkerGroup
from polytalk.worker.pool import Pool

log = logging.getLogger(__name__)


class Runtime:
    """The engines, the workers that run them, and the way to open a session on them."""

    def __init__(self, settings: Settings) -> None:
        """Chooses engines and checks their options; loads nothing. Raises SetupError."""
        models.use_cache(settings.cache_folder)
        self.settings = settings
        self.avatars: Mapping[str, Avatar] = {avatar.id: avatar for avatar in library()}
        if settings.avatar not in self.avatars:
            raise ConfigError(f"there is no avatar {settings.avatar!r}; the avatars here are {', '.join(self.avatars)}")
        self._vad: VadEngine = _create("vad", settings.vad)
        asr = _create("asr", settings.asr_choice())
        llm = _create("llm", settings.llm)
        face = _create("face", settings.face)
        speakers = [_create("tts", choice) for choice in settings.tts_choices()]
        self.voices = Voices(speakers)
        self._pool = Pool(settings.cores)
        self.clock = RealClock()
        broker = MemoryBroker(settings.limits.queue_jobs)
        self._dispatcher = Dispatcher(broker, self.clock)
        engines = [
            (Stage.LISTEN, asr),
            (Stage.THINK, llm),
            *((Stage.SPEAK, speaker) for speaker in speakers),
            (Stage.FACE, face),
        ]
        self.bank = _bank(settings, self.clock.now())
        self.workers = WorkerGroup(engines, broker, self._pool, self.clock, self.bank)
        self.gate = Gate(*_admission(engines, settings), self.clock)
        self.kit = Kit(
            asr=asr.name,
            llm=llm.name,
            face=face.name,
            voices=self.voices,
            llm_languages=tuple(llm.languages),
            gate=self.gate,
            has_room=self._has_room,
            max_lead=settings.turn.max_lead_ms / 1000,
        )
        self.ready = False

    @asynccontextmanager
    async def running(self, on_progress: OnProgress) -> AsyncIterator[None]:
        """Load, warm and run the engines for as long as the context lasts. Raises SetupError, EngineFailed."""
        await asyncio.to_thread(self._vad.load)
        try:
            await self.workers.prepare(on_progress)
        except BaseException:
            self.workers.close()
            raise
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self.workers.run()), group.create_task(self._dispatcher.run())]
            await self._read_personas()
            self.ready = True
            try:
                yield
            finally:
                self.ready = False
                for task in tasks:
                    task.cancel()

    def open_session(self, settings: SessionSettings, emit: Emit, tenant: TenantSettings = ANYBODY) -> Session:
        """A conversation of a tenant's client, to be entered as a context manager."""
        limits, turn = self.settings.limits, self.settings.turn
        bounds = Bounds(
            max_utterance=limits.max_utterance_seconds,
            max_items=limits.max_history_items,
            send_lead=turn.send_lead_ms / 1000,
            speculate=turn.speculate,
        )
        return Session(
            self._dispatcher,
            self.kit,
            self._vad,
            self.personas,
            settings,
            bounds,
            emit,
            tenant.name,
            Tier(tenant.tier),
        )

    def avatar(self, name: str) -> Avatar:
        """By id. Raises BadInput."""
        if name not in self.avatars:
            known = ", ".join(self.avatars)
            raise BadInput(f"there is no avatar {name!r}; the avatars here are {known}", code="model_not_found")
        return self.avatars[name]

    def default_voice(self, avatar: Avatar) -> str:
        """The avatar's own voice when an engine here has it, else the first there is."""
        try:
            return self.voices.get(avatar.voice).voice.id
        except BadInput:
            return self.voices.first().voice.id

    def personas(self, avatar: str) -> Personas:
        """The avatar's persona, by language."""
        name = self.avatars[avatar].name

        def find(language: str) -> Persona:
            spoken = name.get(language) or name["en"]
            personas = _personas(spoken)
            return personas.get(language) or personas["en"]

        return find

    async def _read_personas(self) -> None:
        """Have the LLM read every avatar's persona, so that no first user waits for it: prefixes are cached."""
        for avatar in self.avatars.values():
            for language in self.settings.languages:
                if not self.kit.thinks_in(language):
                    continue
                messages = self.personas(avatar.id)(language).messages([Message("user", "Hi")])
                work = ThinkWork(messages, max_tokens=1)
                scope = Scope(self._dispatcher, new_id("warm"), 0)
                async for _ in await scope.ask(Stage.THINK, self.kit.llm, work, self.clock.now()):
                    pass
                await self._dispatcher.forget(scope.session)

    def _has_room(self) -> bool:
        return self._pool.idle and self.gate.roomy and not self.workers.waiting


def _bank(settings: Settings, now: Seconds) -> Bank:
    """An account for every tenant of the settings. Raises ConfigError when more is promised than there is."""
    bank = Bank(float(settings.cores), now)
    for tenant in settings.tenants:
        ceiling = float("inf") if tenant.ceiling is None else tenant.ceiling
        try:
            bank.open(Account(tenant.name, tenant.entitlement, ceiling, tenant.lending_limit))
        except ValueError as error:
            raise ConfigError(f"[[tenants]] {error}") from None
    return bank


CORES = "cores"


def _admission(engines: Sequence[tuple[Stage, Any]], settings: Settings) -> tuple[Admission, TurnDemand]:
    """Engines that compute here share the cores; one with slots of its own is a pool of slots."""
    pools: dict[Stage, str] = {}
    capacity: dict[str, float] = {CORES: float(settings.cores)}
    for stage, engine in engines:
        if isinstance(engine, BatchEngine):
            pools[stage] = CORES
        else:
            pools.setdefault(stage, f"{stage} slots")
            capacity[f"{stage} slots"] = capacity.get(f"{stage} slots", 0.0) + engine.slots
    ceilings = {tenant.name: tenant.ceiling for tenant in settings.tenants if tenant.ceiling is not None}
    return Admission(capacity, settings.limits.queue_turns, ceilings=ceilings), TurnDemand(pools)


def _create(kind: str, choice: EngineChoice) -> Any:
    return registry.create(kind, choice.engine, choice.options)


@cache
def _personas(name: str) -> dict[str, Persona]:
    return load_personas(name)

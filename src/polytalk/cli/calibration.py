"""What the installed engines cost on this machine, measured and kept for `polytalk plan` and `polytalk bench`.

The file is {stage: StageCost} as JSON; `sim.costs.read_calibration` reads it.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

import msgspec
import numpy as np
from msgspec import Struct

from polytalk.avatar.library import Bundle
from polytalk.avatar.motion import perform
from polytalk.cli import samples
from polytalk.cli.measure import Case, Cell, Driver, Measured, limit_of, measure_batches, measure_llm
from polytalk.cli.samples import Language
from polytalk.cli.stopwatch import Background
from polytalk.config import EngineChoice, Settings
from polytalk.dialogue.persona import load_personas
from polytalk.dialogue.runtime import Runtime
from polytalk.engines.base import BatchEngine
from polytalk.errors import SetupError
from polytalk.media.pcm import duration, resample
from polytalk.schedule.batch import WORTH
from polytalk.schedule.cost import TRUSTED, Cost
from polytalk.sim.costs import StageCost, Unit, read_calibration
from polytalk.types import (
    LISTEN_RATE,
    MOUTH_RATE,
    SAMPLE_BYTES,
    SPEECH_RATE,
    AnalyseWork,
    Features,
    ListenWork,
    MouthWork,
    Seconds,
    SpeakWork,
    Speech,
    Stage,
    SynthesiseWork,
)

SHARES = {
    Stage.SPEAK: 0.2,
    Stage.LISTEN: 0.2,
    Stage.THINK: 0.4,
    Stage.ANALYSE: 0.05,
    Stage.MOUTH: 0.05,
    Stage.SYNTHESISE: 0.1,
}
"""Of the time to measure: engines differ in how long one run takes."""
NEAR = 0.05
"""Batch sizes whose cost a work differs by less are alike: the smaller one is better, it delays nobody."""
UNITS: Mapping[Stage, Unit] = {Stage.THINK: "tokens", Stage.SYNTHESISE: "frames"}
LOCAL_LLM = "llm"
"""The pool of a language model that computes here, beside the cores' slots but on the same cores."""
CORES = "cores"
ANSWER = 24
"""Tokens of an answer whose steps are timed."""


class Figures(Struct, frozen=True):
    """One engine's."""

    stage: Stage
    engine: str
    cost: StageCost
    error: float
    """Mean relative error of the fit, over all runs."""
    relative: dict[int, float]
    """Batch size -> cost a work, measured, against a work alone."""

    @property
    def saving(self) -> float:
        """The share of a work's cost that the best batch size saves."""
        return 1 - min(self.relative.values())

    @property
    def best(self) -> int:
        """The batch size to use: the smallest that saves nearly all that can be saved, 1 when that is not worth it."""
        if self.saving < WORTH:
            return 1
        return min(size for size, share in self.relative.items() if share <= min(self.relative.values()) + NEAR)


class Calibration(Struct, frozen=True):
    """What was measured."""

    figures: tuple[Figures, ...]
    stages: dict[Stage, StageCost]
    """The engine that serves each stage by default."""
    others: float
    """The share of the machine's cores that others used meanwhile."""
    took: Seconds


def calibration_file(settings: Settings) -> Path:
    """Where the calibration of this machine is kept."""
    return settings.cache_folder / "calibration.json"


def calibrate(settings: Settings, seconds: Seconds, on_step: Callable[[str], None]) -> Calibration:
    """Load and measure every engine of the settings. Raises SetupError, EngineFailed.

    `seconds` bounds the measuring, not the loading; each size is run at least once. `on_step` is told which engine is
    at work.
    """
    began, background = time.monotonic(), Background()
    runtime = Runtime(settings)
    by_stage: dict[Stage, list[Any]] = defaultdict(list)
    for stage, engine in runtime.workers.staged:
        by_stage[stage].append(engine)
    (asr,), (llm,), speakers = by_stage[Stage.LISTEN], by_stage[Stage.THINK], by_stage[Stage.SPEAK]
    (analyse,), (mouth,), synthesisers = by_stage[Stage.ANALYSE], by_stage[Stage.MOUTH], by_stage[Stage.SYNTHESISE]
    avatar = runtime.avatar(settings.avatar)
    voice = runtime.voices.get(runtime.default_voice(avatar))
    driver = Driver()
    measured: list[tuple[Stage, Any, Measured]] = []
    speech: list[list[Speech]] = []
    questions: list[list[Case]] = []
    try:
        for engine in sorted(speakers, key=lambda one: one.name != voice.engine):
            on_step(f"speak/{engine.name}")
            engine.load()
            groups = _say(driver, engine, samples.SENTENCES, settings)
            if not speech:  # the first is the one that speaks: its speech is what the others work on
                speech = [[spoken for _, spoken in group] for group in groups]
                asked = _say(driver, engine, samples.QUESTIONS, settings)
                questions = [[_asks(spoken) for _, spoken in group] for group in asked]
            cases = [[Case(work, duration(spoken.audio, SPEECH_RATE)) for work, spoken in group] for group in groups]
            budget = seconds * SHARES[Stage.SPEAK] / len(speakers)
            measured.append((Stage.SPEAK, engine, measure_batches(driver, engine, cases, budget)))
            engine.close()
        for stage, engine in ((Stage.LISTEN, asr), (Stage.ANALYSE, analyse), (Stage.MOUTH, mouth)):
            on_step(f"{stage}/{engine.name}")
            engine.load()
            if stage is Stage.LISTEN:
                cases = questions
            elif stage is Stage.ANALYSE:
                cases = [[_sounds(one) for one in group] for group in speech]
            else:
                cases = [[_moves(one, driver, analyse, mouth) for one in group] for group in speech]
            measured.append((stage, engine, measure_batches(driver, engine, cases, seconds * SHARES[stage])))
        asr.close()
        for engine in synthesisers:
            shown = next((made for made in runtime.avatars.values() if engine.draws(made)), None)
            if shown is None:
                continue  # of its kind nobody is here
            on_step(f"{Stage.SYNTHESISE}/{engine.name}")
            engine.load()
            budget = seconds * SHARES[Stage.SYNTHESISE] / len(synthesisers)
            measured.append(
                (Stage.SYNTHESISE, engine, measure_batches(driver, engine, _pictures(engine, shown), budget))
            )
            engine.close()
        on_step(f"think/{llm.name}")
        llm.load()
        measured.append((Stage.THINK, llm, _think(driver, llm, avatar.name["en"], seconds * SHARES[Stage.THINK])))
    finally:
        for engine in runtime.workers.engines:
            engine.close()
        runtime.workers.close()
        driver.close()
    others = background.others()
    figures = tuple(_figures(stage, engine, found, settings, others) for stage, engine, found in measured)
    order = list(Stage)
    return Calibration(
        tuple(sorted(figures, key=lambda one: order.index(one.stage))),
        {one.stage: one.cost for one in reversed(figures)},  # of several voices the first
        others,
        time.monotonic() - began,
    )


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Keep it; whoever reads meanwhile finds the old one or the new one. Raises SetupError."""
    draft = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(msgspec.json.format(msgspec.json.encode(calibration.stages), indent=1))
        read_calibration(draft)
        draft.replace(path)
    except OSError as error:
        raise SetupError(f"can't write {path}: {error.strerror}; choose another file with --out") from error


def describe(choice: EngineChoice) -> str:
    """An engine as calibrations name it; options may hold keys, so only the model is told."""
    model = choice.options.get("model")
    return f"{choice.engine} {model}" if model else choice.engine


def fit(cells: Sequence[Cell]) -> Cost:
    """The scheduler's own cost model, taught by medians."""
    cost = Cost()
    for cell in cells:
        for _ in range(TRUSTED):  # it is a median: no need to see it again
            cost.observe(cell.units, cell.seconds, cell.jobs)
    return cost


def error_of(cost: Cost, runs: Sequence[Cell]) -> float:
    """Mean |predicted - took| / took over single runs: what the line misses, and what no line can know."""
    return fmean(abs(cost.predict(run.units, run.jobs) - run.seconds) / max(run.seconds, 1e-9) for run in runs)


def relative_costs(cells: Sequence[Cell]) -> dict[int, float]:
    """Batch size -> what a work costs in it, against a work of the same length alone."""
    alone = {cell.alike: cell.seconds for cell in cells if cell.jobs == 1}
    return {
        size: fmean(cell.seconds / size / alone[cell.alike] for cell in cells if cell.jobs == size)
        for size in sorted({cell.jobs for cell in cells})
    }


def _figures(stage: Stage, engine: Any, found: Measured, settings: Settings, others: float) -> Figures:
    cost = fit(found.cells)
    slope, overhead = cost.line()
    sizes = sorted({cell.jobs for cell in found.cells})
    units = {size: fmean(cell.units for cell in found.cells if cell.jobs == size) for size in sizes}
    line = {size: slope * units[size] + overhead for size in sizes}
    pool = CORES if isinstance(engine, BatchEngine) else str(stage)
    if stage is Stage.THINK:
        pool = LOCAL_LLM if found.local else str(stage)
    when = datetime.now(UTC).date().isoformat()
    return Figures(
        stage,
        engine.name,
        StageCost(
            slope=slope,
            overhead=overhead,
            units=UNITS.get(stage, "seconds"),
            pool=pool,
            max_batch=limit_of(engine),
            table={size: cost.predict(units[size], size) / line[size] for size in sizes if line[size] > 0},
            prefill=found.prefill,
            source=f"{_named(stage, engine.name, settings)}; medians, rounds: {found.rounds}; "
            f"{settings.cores} of {os.cpu_count()} cores, others used {others:.0%} of them; {when}",
        ),
        error_of(cost, found.runs),
        relative_costs(found.cells),
    )


def _named(stage: Stage, engine: str, settings: Settings) -> str:
    return next(describe(choice) for choice in choices(settings)[stage] if choice.engine == engine)


def choices(settings: Settings) -> dict[Stage, tuple[EngineChoice, ...]]:
    """The engines of the settings, by stage."""
    return {
        Stage.LISTEN: (settings.asr_choice(),),
        Stage.THINK: (settings.llm,),
        Stage.SPEAK: settings.tts_choices(),
        Stage.ANALYSE: (settings.analyse,),
        Stage.MOUTH: (settings.mouth,),
        Stage.SYNTHESISE: settings.synthesise_choices(),
    }


def _say(
    driver: Driver, engine: Any, texts: Mapping[Language, Sequence[Sequence[str]]], settings: Settings
) -> list[list[tuple[SpeakWork, Speech]]]:
    """The texts spoken by a voice of the engine, in a language that the settings name if it can."""
    voices = engine.voices()
    wanted: Sequence[Language] = settings.languages
    language, voice = next(
        ((language, voice) for language in wanted for voice in voices if language in voice.languages),
        ("en", voices[0]),
    )
    spoken = []
    for group in texts[language]:
        works = [SpeakWork(text, voice.id, language) for text in group]
        results = [driver.together(engine, [work])[0] for work in works]
        spoken.append([(work, one) for work, one in zip(works, results, strict=True) if isinstance(one, Speech)])
    return spoken


def _asks(spoken: Speech) -> Case:
    audio = resample(spoken.audio, SPEECH_RATE, LISTEN_RATE)
    return Case(ListenWork(audio), duration(audio, LISTEN_RATE))


def _sounds(spoken: Speech) -> Case:
    return Case(AnalyseWork(spoken.audio), duration(spoken.audio, SPEECH_RATE))


def _moves(spoken: Speech, driver: Driver, analyse: Any, mouth: Any) -> Case:
    lasts = duration(spoken.audio, SPEECH_RATE)
    work = MouthWork(int(lasts * MOUTH_RATE), 0, spoken.audio, spoken.phones)
    if mouth.needs_features or not spoken.phones:
        (features,) = driver.together(analyse, [AnalyseWork(spoken.audio)])
        assert isinstance(features, Features)
        work = MouthWork(work.count, phones=spoken.phones, features=features)
    return Case(work, lasts)


def _pictures(engine: Any, avatar: Bundle) -> list[list[Case]]:
    """Runs of an avatar that speaks: 5 pictures, and 10."""
    moves = [list(move.values()) for move in perform(avatar.motion, 10.0, states=[(0.0, "speaking")])]
    names = tuple(next(perform(avatar.motion, 1.0)))
    folder = "" if avatar.shipped else str(avatar.folder)
    groups = []
    for length in (5, 10):
        rows = (np.array(moves[i : i + length], "<f4").tobytes() for i in range(0, len(moves) - length, length))
        audio = bytes(SPEECH_RATE * SAMPLE_BYTES) if engine.hears else b""
        works = (SynthesiseWork(avatar.id, folder, names, row, audio=audio, lead=0.2) for row in rows)
        groups.append([Case(work, length) for work in works])
    return groups


def _think(driver: Driver, llm: Any, name: str, budget: Seconds) -> Measured:
    language: Language = "en" if {"en", "*"} & set(llm.languages) else "zh"
    persona = load_personas(name)[language]
    return measure_llm(
        driver,
        llm,
        lambda number: samples.story(persona, language, number, ANSWER),
        lambda words: samples.unread(persona, language, words),
        budget,
    )

"""`polytalk bench`: what this machine can do. `--calibrate` measures the engines and keeps the figures."""

import math
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from polytalk.cli.calibration import (
    Calibration,
    Figures,
    calibrate,
    calibration_file,
    choices,
    describe,
    write_calibration,
)
from polytalk.cli.capacity import ideal, turn_costs
from polytalk.cli.stopwatch import Stopwatch
from polytalk.config import Settings, load_settings
from polytalk.engines import models, registry
from polytalk.errors import BadInput
from polytalk.sim.costs import StageCost, read_calibration
from polytalk.types import LISTEN_RATE, Seconds, Stage

QUIET = 0.25
"""Others may use such a share of the cores before figures are doubted: caches and memory are theirs too."""
FRAMES = 300


def run(*, calibrating: bool, out: Path | None, seconds: float, languages: str | None) -> None:
    """Measure or read, and print. Raises PolytalkError."""
    if out is not None and not calibrating:
        raise BadInput("--out is where --calibrate writes; give both, or neither")
    settings = load_settings(languages=languages)
    models.use_cache(settings.cache_folder)
    console = Console(highlight=False)
    stages = None if calibrating else _kept(settings, console)
    if stages is None:
        with console.status("Waking the engines …") as status:
            found = calibrate(settings, seconds, lambda step: status.update(f"Measuring {step} …"))
        print_figures(console, found)
        stages = found.stages
        if calibrating:
            path = out or calibration_file(settings)
            write_calibration(found, path)
            console.print(f"[green]✓[/green] {path}\n")
        else:
            console.print("[dim]`polytalk bench --calibrate` keeps these figures.[/dim]\n")
    frame_cost, frame = _ears(settings)
    print_turn(console, stages, settings.cores, frame_cost, frame)


def print_figures(console: Console, found: Calibration) -> None:
    """One line an engine, and what follows from them."""
    sizes = sorted({size for one in found.figures for size in one.relative} - {1})
    table = Table(title="Engines", title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("engine", no_wrap=True)
    for name in ("ms a unit", "+ a batch", *(f"×{size}" for size in sizes), "saves", "best", "now", "fit ±"):
        table.add_column(name, justify="right", no_wrap=True)
    for one in found.figures:
        table.add_row(
            f"{one.stage}/{one.engine}",
            f"{one.cost.slope * 1000:.2f} {'seq' if one.stage is Stage.THINK else 's  '}",
            f"{one.cost.overhead * 1000:.1f}",
            *(f"{one.relative[size]:.2f}" if size in one.relative else "" for size in sizes),
            f"{one.saving:.0%}",
            str(one.best),
            str(one.cost.max_batch),
            f"{one.error:.0%}",
        )
    console.print(table)
    console.print(
        "[dim]a unit: a second of the question (listen) or the answer; of synthesise a picture; of think one\n"
        "more answer in a step. ×n: what one of n in a batch costs, against one alone. best, now: works a batch.[/dim]"
    )
    for one in found.figures:
        if advice := _advice(one):
            console.print(f"  {advice}")
    if found.others > QUIET:
        console.print(
            f"[yellow]![/yellow] Others used {found.others:.0%} of the machine meanwhile. Waiting for a core is "
            "taken off; shared caches and memory are not: measure again when it is quiet."
        )
    console.print(f"[dim]Measured in {found.took:.0f} s.[/dim]")


def print_turn(
    console: Console, stages: dict[Stage, StageCost], cores: int, frame_cost: Seconds, frame: Seconds
) -> None:
    """What a turn costs, and how many conversations follow."""
    parts = turn_costs(stages, frame_cost, frame)
    table = Table(title="One turn", title_justify="left", box=None, padding=(0, 2, 0, 0))
    table.add_column("stage")
    for name in ("alone ms", "batched ms", "batch"):
        table.add_column(name, justify="right")
    table.add_column("on")
    for part in parts:
        row = (f"{part.alone * 1000:.1f}", f"{part.batched * 1000:.1f}", str(part.size))
        table.add_row(part.stage, *row, part.pool)
    total = (f"{sum(getattr(part, name) for part in parts) * 1000:.1f}" for name in ("alone", "batched"))
    table.add_row("sum", *total, style="bold")
    console.print(table)
    best = ideal(parts, cores)
    console.print(
        f"\nIdeal on {cores} cores: [bold]{best.turns:.1f} turns a second[/bold], bound by {best.bound}.\n"
        f"A user asks every {best.cycle:.0f} s and hears {best.speech:.0f} s of answer, so that is\n"
        f"  {math.floor(best.conversations)} conversations at once, of which {math.floor(best.speakers)} hear an "
        f"answer at any moment;\n"
        f"  {math.floor(best.admitted)} of them are let in without waiting, the rest is headroom.\n"
        "[dim]Nobody reaches the ideal: `python -m bench speakers` measures what is reached.[/dim]"
    )


def _advice(one: Figures) -> str:
    limit = one.cost.max_batch
    word = "slots" if one.stage is Stage.THINK else "max_batch"
    if limit == 1:
        return ""
    costly = [size for size, share in one.relative.items() if 1 < size <= one.best and share > 1 + 0.05]
    name = f"{one.stage}/{one.engine}"
    if one.best == 1:
        return f"{name}: batches save {one.saving:.0%}, not worth a wait; {word} is {limit}, 1 would do."
    text = f"{name}: {one.best} together cost {1 - one.relative[one.best]:.0%} less each"
    if costly:
        text += f", {' or '.join(map(str, costly))} cost more"
    if one.best == limit:
        return f"{text}; {word} is {limit}, so more may pay: raise it and measure again."
    return f"{text}; {word} is {limit}."


def _kept(settings: Settings, console: Console) -> dict[Stage, StageCost] | None:
    """The calibration of the settings' engines, None when there is none."""
    path = calibration_file(settings)
    if not path.exists():
        return None
    stages = read_calibration(path).stages
    for stage, known in choices(settings).items():
        if stage not in stages:
            continue  # what a turn does not need here
        measured = stages[stage].source.partition(";")[0]
        if measured not in map(describe, known):
            console.print(
                f"[yellow]![/yellow] {path} is about {stage}/{measured}, and the settings say "
                f"{' or '.join(map(describe, known))}: measuring anew"
            )
            return None
    console.print(f"[dim]From {path}; `polytalk bench --calibrate` measures anew.[/dim]\n")
    return stages


def _ears(settings: Settings) -> tuple[Seconds, Seconds]:
    """What one frame of one microphone costs, and how long it is."""
    vad = registry.create("vad", settings.vad.engine, settings.vad.options)
    vad.load()
    try:
        state = vad.new_state()
        noise = np.random.default_rng(0).normal(0.0, 0.05, (1, vad.frame)).astype(np.float32)
        vad.run(noise, [state])
        spans = []
        for _ in range(5):
            with Stopwatch() as watch:
                for _ in range(FRAMES // 5):
                    vad.run(noise, [state])
            spans.append(watch.seconds / (FRAMES // 5))
    finally:
        vad.close()
    return sorted(spans)[len(spans) // 2], vad.frame / LISTEN_RATE

"""`python -m bench [FIGURE ...] [--table] [--runs 5] [--peers] [--quick]`."""

import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console

from bench import table
from bench.machine import Background, describe
from bench.plan import QUICK, Plan
from bench.report import Result, keep, show
from polytalk.errors import PolytalkError

FIGURES = ("first_audio", "orchestration", "cost", "speakers", "stray", "barge_in")
"""What a user sees, in the order they run: each of the first three is a part of the next."""
TABLE = (
    "sched_batching",
    "sched_turns",
    "sched_orchestration",
    "sched_first_audio",
    "sched_overload",
    "sched_fairness",
    "sched_bank",
    "sched_vip",
    "single_flight",
    "cache_zipf",
    "sched_barge_in",
    "sched_speakers",
    "sched_window",
    "sched_one_user",
    "simulated",
    "simulation",
)
"""What the scheduler promises, by number."""
NAMED = (
    "turn_ends",
    "cached_answer",
    "knowledge",
    "wav2lip",
    "mouth",
    "face",
    "sim_vs_live",
    "photo",
    "first_frame",
    "webrtc",
    "gateway_idle",
    "gateway_events",
    "gateway_added",
    "gateway_flood",
    "page_fps",
    "fuzz",
)
"""Not promised, but asked for by name."""
PEERED = ("sched_batching", "sched_orchestration", "sched_first_audio", "sched_overload")
"""Those of them that peers are measured in."""

WIDTH = 150
"""Columns of the tables, in a file too."""


def main(
    figures: Annotated[
        list[str] | None,
        typer.Argument(help=f"Any of {', '.join((*FIGURES, *TABLE, *NAMED))}; without any, the first six."),
    ] = None,
    all_of_table: Annotated[
        bool, typer.Option("--table", help="Measure all figures of the table, and make RESULTS.md.")
    ] = False,
    render: Annotated[bool, typer.Option("--render", help="Make the table of what is in bench/out already.")] = False,
    runs: Annotated[int | None, typer.Option(min=1, help="Runs of each contender, 5 when left out.")] = None,
    peers: Annotated[bool, typer.Option("--peers", help="Other servers too (bench/peers/setup.sh).")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="A first look: one short run.")] = False,
    turns: Annotated[int | None, typer.Option(min=1, help="Turns of first_audio and of stray.")] = None,
    users: Annotated[str | None, typer.Option(help="Numbers of speakers and interrupters, such as 1,2,4,8.")] = None,
) -> None:
    """Measure this machine."""
    for tier in ("MEMORY", "DISK"):  # figures are of engines; what is kept has figures of its own
        os.environ.setdefault(f"POLYTALK_CACHE__{tier}_BYTES", "0")
    os.environ.setdefault("POLYTALK_STORE__URL", "sqlite://")  # in memory: nothing of whoever measures is touched
    plan = _plan(quick, turns, users)
    plan = replace(plan, runs=runs or plan.runs, peers=peers)
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    chosen = figures or ([] if render else list(PEERED if peers else TABLE) if all_of_table else list(FIGURES))
    if unknown := set(chosen) - {*FIGURES, *TABLE, *NAMED}:
        raise typer.BadParameter(
            f"no figure {', '.join(sorted(unknown))}; there are {', '.join((*FIGURES, *TABLE, *NAMED))}"
        )
    failed = _measure(console, chosen, plan, go_on=all_of_table)
    if all_of_table or render:
        entries = table.read()
        table.keep(entries)
        table.show(console, entries)
    if failed:
        sys.exit(f"bench: not measured: {', '.join(failed)}")


def _measure(console: Console, chosen: Sequence[str], plan: Plan, *, go_on: bool) -> list[str]:
    """Those that failed, where the others are to be measured all the same."""
    machine = describe()
    failed = []
    console.print(f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB · commit {machine.commit}\n")
    for name in chosen:
        background = Background()
        try:
            with console.status(f"measuring {name} …"):
                figure = importlib.import_module(f"bench.figures.{name}").measure(plan)
        except Exception as error:
            if not go_on:
                raise
            console.print(f"{name} could not be measured: {error!r}\n")
            failed.append(name)
            continue
        result = Result(figure, machine, background.load(), plan.peers)
        keep(result)
        show(console, result)
    return failed


def _plan(quick: bool, turns: int | None, users: str | None) -> Plan:
    plan = QUICK if quick else Plan()
    if turns is not None:
        plan = replace(plan, turns=turns, strays=turns)
    if users is not None:
        try:
            numbers = tuple(int(word) for word in users.split(","))
            plan = replace(plan, users=numbers, interrupters=numbers)
        except ValueError:
            raise typer.BadParameter(f"--users takes numbers with commas between, not {users!r}") from None
    return plan


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    try:
        app()
    except PolytalkError as error:
        sys.exit(f"bench: {error.message}")

"""`python -m bench [FIGURE ...] [--quick] [--turns N] [--users 1,2,4]`."""

import importlib
import sys
import time
from typing import Annotated

import typer
from msgspec.structs import replace
from rich.console import Console

from bench.machine import Background, describe
from bench.plan import QUICK, Plan
from bench.report import Result, keep, show
from polytalk.errors import PolytalkError

FIGURES = ("first_audio", "orchestration", "cost", "speakers", "stray", "barge_in")
"""In the order they run: each of the first three is a part of the next."""
SCHEDULER = (
    "sched_batching",
    "sched_orchestration",
    "sched_first_audio",
    "sched_overload",
    "sched_fairness",
    "sched_bank",
    "sched_vip",
    "sched_barge_in",
    "sched_window",
)
"""The live scheduler on engines that sleep, against baselines and peers: an hour in all, so only when named."""

WIDTH = 130
"""Columns of the tables, in a file too."""


def main(
    figures: Annotated[
        list[str] | None,
        typer.Argument(help=f"Any of {', '.join((*FIGURES, *SCHEDULER))}; the first six when left out."),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Two minutes instead of twelve: a first look.")] = False,
    turns: Annotated[int | None, typer.Option(min=1, help="Turns of first_audio and of stray.")] = None,
    users: Annotated[str | None, typer.Option(help="Numbers of speakers and interrupters, such as 1,2,4,8.")] = None,
) -> None:
    """Measure this machine."""
    plan = _plan(quick, turns, users)
    chosen = figures or list(FIGURES)
    if unknown := set(chosen) - {*FIGURES, *SCHEDULER}:
        raise typer.BadParameter(
            f"no figure {', '.join(sorted(unknown))}; there are {', '.join((*FIGURES, *SCHEDULER))}"
        )
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    machine = describe()
    console.print(f"{machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB · commit {machine.commit}\n")
    for name in chosen:
        background, began = Background(), time.monotonic()
        with console.status(f"measuring {name} …"):
            figure = importlib.import_module(f"bench.figures.{name}").measure(plan)
        result = Result(
            figure,
            machine,
            background.load_before,
            background.load_after(),
            background.busy_seconds(),
            time.monotonic() - began,
        )
        keep(result)
        show(console, result)


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

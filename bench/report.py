"""Results as tables on the screen, and as JSON with the machine they came from."""

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.machine import Load, Machine
from bench.questions import OUT

Value: TypeAlias = str | float | int | None
Row: TypeAlias = Mapping[str, Value]


class Line(Struct, frozen=True):
    """A line of the one table of figures (bench/README.md): what is promised, and what was found."""

    number: int
    what: str
    goal: float
    runs: Mapping[str, Sequence[float]]
    """Contender -> its value in each run; `polytalk` is ours."""
    at_most: bool = True
    """The goal is a limit; else a least."""
    unit: str = ""
    setting: str = ""
    """What on: "live, sleep model", "real models", "simulated"."""


class Figure(Struct, frozen=True):
    """One measured figure."""

    name: str
    title: str
    goal: str
    rows: Sequence[Row]
    """All with the same columns."""
    notes: Sequence[str] = ()
    lines: Sequence[Line] = ()
    """What of it belongs in the table."""


class Result(Struct, frozen=True):
    """A figure and the circumstances it was measured in."""

    figure: Figure
    machine: Machine
    load: Load
    peers: bool = False
    """Peers were measured too."""


def show(console: Console, result: Result) -> None:
    """Print it."""
    figure = result.figure
    title = f"{figure.title}\n[dim]goal: {figure.goal}[/dim]"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in figure.rows[0] if figure.rows else ():
        justify: Literal["left", "right"] = "left" if isinstance(figure.rows[0][column], str) else "right"
        cells = [_shown(row[column]) for row in figure.rows]
        table.add_column(column, justify=justify, min_width=max(map(len, [*column.split(), *cells])))
    for row in figure.rows:
        table.add_row(*map(_shown, row.values()))
    console.print(table)
    for note in figure.notes:
        console.print(f"  {note}")
    console.print(
        f"  [dim]load average {result.load.before:.1f} → {result.load.after:.1f}, cores busy {result.load.busy:.0%}, "
        f"with others' work {result.load.others:.0%}; {result.load.took:.0f} s[/dim]\n"
    )


def _shown(value: Value) -> str:
    """As a cell: nobody needs a tenth of a large number."""
    return "–" if value is None else f"{value:,.0f}" if isinstance(value, float) and value >= 1000 else str(value)


def keep(result: Result) -> None:
    """Write it to `bench/out`, over the one before; a run with peers beside the one without."""
    OUT.mkdir(exist_ok=True)
    path = OUT / f"{result.figure.name}{'.peers' if result.peers else ''}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")

"""The one table: every promise of the scheduler, what was found, and beside what.

Made from what the figures left in `bench/out`, so that it can be made again without measuring; kept as
`bench/out/figures.json` and written as markdown to `bench/RESULTS.md`.
"""

import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.machine import Load, Machine
from bench.questions import OUT
from bench.report import Line, Result

OURS = "polytalk"
PEERS = ("litserve", "bentoml", "ray", "pipecat")
RESULTS = Path(__file__).parent / "RESULTS.md"
CALM = 0.2
COLUMNS = ("#", "figure", "goal", "polytalk", "met", "baselines", "peers", "others' load", "how")


class Entry(Struct, frozen=True):
    """A line, and where it comes from."""

    line: Line
    figure: str
    machine: Machine
    load: Load
    peers: dict[str, Sequence[float]] = {}
    """Peers' values, of their own run."""

    @property
    def median(self) -> float:
        """Of our runs."""
        return statistics.median(self.line.runs[OURS])

    @property
    def doubtful(self) -> bool:
        """Other processes had so much of the cores that the figure says little of the server."""
        return self.load.others > CALM and self.line.setting != "simulated"

    @property
    def met(self) -> bool:
        """Whether the median keeps the goal."""
        return self.median <= self.line.goal if self.line.at_most else self.median >= self.line.goal


def read(folder: Path = OUT) -> list[Entry]:
    """All lines that were measured, by number; peers from the runs with peers."""
    results = [msgspec.json.decode(path.read_bytes(), type=Result) for path in sorted(folder.glob("*.json"))]
    compared = {
        line.what: {name: values for name, values in line.runs.items() if name in PEERS}
        for result in results
        if result.peers
        for line in result.figure.lines
    }
    plain = {result.figure.name: result for result in results if result.peers}
    plain |= {result.figure.name: result for result in results if not result.peers}
    entries = [
        Entry(line, result.figure.name, result.machine, result.load, compared.get(line.what, {}))
        for result in plain.values()
        for line in result.figure.lines
        if line.runs.get(OURS)
    ]
    return sorted(entries, key=lambda entry: (entry.line.number, entry.line.setting != "simulated", entry.figure))


def show(console: Console, entries: Sequence[Entry]) -> None:
    """Print them as one table."""
    table = Table(title="What the scheduler promises", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in COLUMNS:
        table.add_column(column)
    for entry in entries:
        table.add_row(*cells(entry), style="" if entry.met else "yellow")
    console.print(table)


def keep(entries: Sequence[Entry]) -> None:
    """`figures.json` and `RESULTS.md`."""
    (OUT / "all").mkdir(exist_ok=True)
    (OUT / "all" / "figures.json").write_bytes(msgspec.json.format(msgspec.json.encode(entries), indent=1) + b"\n")
    RESULTS.write_text(markdown(entries))


def cells(entry: Entry) -> list[str]:
    """A row of the table."""
    line = entry.line
    goal = f"{'≤' if line.at_most else '≥'} {line.goal:g} {line.unit}".strip()
    values = line.runs[OURS]
    ours = f"{short(entry.median)} [{short(min(values))}–{short(max(values))}] n={len(values)}"
    baselines = {name: of for name, of in line.runs.items() if name != OURS and name not in PEERS}
    return [
        str(line.number),
        line.what,
        goal,
        ours,
        ("yes" if entry.met else "NO") + "?" * entry.doubtful,
        _medians(baselines.items()),
        _medians(entry.peers.items()),
        f"{entry.load.others:.0%}",
        line.setting,
    ]


def markdown(entries: Sequence[Entry]) -> str:
    """The table as a page of its own."""
    if not entries:
        return "# Results\n\nNothing was measured: `make bench`.\n"
    machine = entries[-1].machine
    commits = sorted({entry.machine.commit for entry in entries})
    met = sum(entry.met for entry in entries)
    rows = ["| " + " | ".join(row) + " |" for row in (COLUMNS, ["---"] * len(COLUMNS), *map(cells, entries))]
    loads = [_load_row(name, load) for name, load in {entry.figure: entry.load for entry in entries}.items()]
    return "\n".join(
        [
            "# Results",
            "",
            f"Made by `make bench` on {machine.cpu}, {machine.cores} cores, {machine.memory_gib} GiB, "
            f"Python {machine.python}, {machine.date[:10]}, commit {', '.join(commits)}. "
            f"{met} of {len(entries)} goals are met.",
            "What each figure means: [README.md](README.md). Cells are the median [least–most] of n runs.",
            f"A question mark: other processes had over {CALM:.0%} of the cores; measure again on an idle machine.",
            "",
            *rows,
            "",
            "## Background",
            "",
            "What else the machine did meanwhile: a figure beside much of it is worse than the machine.",
            "",
            "| command `python -m bench …` | load average | cores busy | of that others' | stolen by the host | took |",
            "| --- | --- | --- | --- | --- | --- |",
            *loads,
            "",
        ]
    )


def _load_row(name: str, load: Load) -> str:
    shares = " | ".join(f"{share:.0%}" for share in (load.busy, load.others, load.stolen))
    return f"| {name} | {load.before} → {load.after} | {shares} | {load.took:.0f} s |"


def short(value: float) -> str:
    """Three digits."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _medians(runs: Iterable[tuple[str, Sequence[float]]]) -> str:
    return ", ".join(f"{name} {short(statistics.median(values))}" for name, values in runs if values)

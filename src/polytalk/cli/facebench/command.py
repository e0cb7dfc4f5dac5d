"""`polytalk bench face`: the table, and the same as JSON."""

from pathlib import Path

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from polytalk.cli.facebench.measure import GOALS, NOTES, Row, faces, network
from polytalk.cli.facebench.wav2lip import NAME
from polytalk.config import load_settings
from polytalk.errors import BadInput

PORTRAITS = Path("../shared/portraits")
"""Looked at when nobody names another folder."""


class Kept(Struct):
    """The file of the figures."""

    goal: str
    rows: list[Row]
    notes: list[str]


def run(portraits: Path | None, out: Path | None, only: str | None = None, *, resume: bool = False) -> None:
    """Measure and print; keep what is known after every face. `resume` goes on with the faces that `out` lacks.

    Raises SetupError, EngineFailed, BadInput.
    """
    if portraits is not None and not portraits.is_dir():
        raise BadInput(f"{portraits} is no folder of portraits (JPEG files)")
    folder = portraits or (PORTRAITS if PORTRAITS.is_dir() else None)
    kept = _read(out) if resume and out is not None and out.exists() else Kept(GOALS, [], [])
    console, rows = Console(highlight=False), kept.rows
    notes = [*NOTES, *(note for note in kept.notes if note.startswith(f"{NAME}:"))]
    known = {str(row["face"]) for row in rows}
    with console.status("Measuring faces, a minute each …") as status:
        for row in faces(load_settings(), folder, notes.append, only, known):
            rows.append(row)
            status.update(f"Measuring faces, a minute each … {len(rows)} done, the last was {row['face']}")
            if out is not None:
                _write(out, rows, notes)
        if only in (None, NAME) and NAME not in known and (drawn := network(notes.append)) is not None:
            rows.append(drawn)
            if out is not None:
                _write(out, rows, notes)
    if not rows:
        raise BadInput(
            f"there is no avatar and no portrait {only!r} that can be measured"
            if only
            else "; ".join(notes[len(NOTES) :])
        )
    show(console, rows, notes)


def _read(out: Path) -> Kept:
    try:
        return msgspec.json.decode(out.read_bytes(), type=Kept)
    except msgspec.DecodeError as error:
        raise BadInput(f"{out} is no file of this command: {error}") from error


def page(kept: Kept) -> str:
    """The table in Markdown, a row for every figure and a column for every face."""
    names = [name for name in kept.rows[0] if name != "face"] if kept.rows else []
    head = ["", *(str(row["face"]) for row in kept.rows)]
    lines = [head, ["---"] * len(head)]
    lines += [[name.strip(), *map(_shown, [row.get(name) for row in kept.rows])] for name in names]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    said = "\n".join(f"- {note}" for note in kept.notes)
    return f"# The faces, measured\n\nBy `polytalk bench face`. Goal: {kept.goal}.\n\n{table}\n\n{said}\n"


def _shown(value: str | float | None) -> str:
    return "–" if value is None else str(value)


def _write(out: Path, rows: list[Row], notes: list[str]) -> None:
    out.with_suffix(".md").write_text(page(Kept(GOALS, rows, notes)), "utf-8")
    partial = out.with_name(out.name + ".partial")
    partial.write_bytes(msgspec.json.format(msgspec.json.encode(Kept(GOALS, rows, notes)), indent=1) + b"\n")
    partial.replace(out)  # whole or as it was, if this is stopped


def show(console: Console, rows: list[Row], notes: list[str]) -> None:
    """A column a face: there are more figures than faces."""
    table = Table(title=f"The face\n[dim]goal: {GOALS}[/dim]", title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("")
    for row in rows:
        table.add_column(str(row["face"]), justify="right")
    for name in [name for name in (rows[0] if rows else {}) if name != "face"]:
        table.add_row(name, *map(_shown, [row.get(name) for row in rows]))
    console.print(table)
    for note in notes:
        console.print(f"  [dim]{note}[/dim]")

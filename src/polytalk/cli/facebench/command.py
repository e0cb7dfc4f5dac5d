"""`polytalk bench face`: the table, and the same as JSON."""

from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from polytalk.cli.facebench.measure import GOALS, NOTES, Row, faces
from polytalk.config import load_settings
from polytalk.errors import BadInput

PORTRAITS = Path("../shared/portraits")
"""Looked at when nobody names another folder."""


def run(portraits: Path | None, out: Path | None, only: str | None = None) -> None:
    """Measure, print and keep. Raises SetupError, EngineFailed, BadInput."""
    if portraits is not None and not portraits.is_dir():
        raise BadInput(f"{portraits} is no folder of portraits (JPEG files)")
    folder = portraits or (PORTRAITS if PORTRAITS.is_dir() else None)
    console, notes = Console(highlight=False), list(NOTES)
    with console.status("Measuring faces, a minute each …"):
        rows = faces(load_settings(), folder, notes.append, only)
    if not rows:
        raise BadInput(
            f"there is no avatar and no portrait {only!r} that can be measured"
            if only
            else "; ".join(notes[len(NOTES) :])
        )
    show(console, rows, notes)
    if out is not None:
        kept = {"goal": GOALS, "rows": rows, "notes": notes}
        out.write_bytes(msgspec.json.format(msgspec.json.encode(kept), indent=1) + b"\n")


def show(console: Console, rows: list[Row], notes: list[str]) -> None:
    """A column a face: there are more figures than faces."""
    table = Table(title=f"The face\n[dim]goal: {GOALS}[/dim]", title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("")
    for row in rows:
        table.add_column(str(row["face"]), justify="right")
    for name in [name for name in (rows[0] if rows else {}) if name != "face"]:
        table.add_row(name, *("–" if row[name] is None else str(row[name]) for row in rows))
    console.print(table)
    for note in notes:
        console.print(f"  [dim]{note}[/dim]")

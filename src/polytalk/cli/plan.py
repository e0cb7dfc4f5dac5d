"""`polytalk plan`: how many machines a crowd needs, by simulating it."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from polytalk.cli.calibration import calibration_file
from polytalk.config import load_settings
from polytalk.errors import BadInput
from polytalk.sim.costs import Hardware, known, read_calibration
from polytalk.sim.page import assumptions, charts, page
from polytalk.sim.planner import Plan, Wish, plan, with_curves
from polytalk.sim.script import CONVERSATION, LIVE_ROOM
from polytalk.types import Seconds


def run(
    speakers: int,
    hardware: Hardware,
    *,
    p95_ttfa: Seconds,
    price: float | None = None,
    live_room: bool = False,
    out: Path | None = None,
    seed: int = 1,
) -> None:
    """Print the plan; with `out`, write the page there and its charts beside it. Raises BadInput."""
    console = Console(highlight=False)
    wish = Wish(speakers, p95_ttfa, LIVE_ROOM if live_room else CONVERSATION, price=price, seed=seed)
    with console.status("simulating …") as status:
        found = plan(hardware, wish, lambda step: status.update(f"simulating {step} …"))
        if out is not None:
            found = with_curves(found, progress=lambda step: status.update(f"simulating {step} …"))
    show(console, found)
    if out is not None:
        out.write_text(page(found), encoding="utf-8")
        for name, chart in charts(found).items():
            out.with_name(f"{out.stem}-{name}.svg").write_text(chart, encoding="utf-8")
        console.print(f"\nWritten: {out} and its charts beside it.")


def choose(gpu: str, face: str | None, calibration: Path | None) -> Hardware:
    """The costs to plan with; for this machine those that `polytalk bench --calibrate` kept, if it did.

    Raises BadInput for a machine or a face without figures.
    """
    if calibration is not None and gpu != "cpu":
        raise BadInput(f"a calibration is of this machine: use it with --gpu cpu, not with {gpu}")
    if gpu == "cpu" and calibration is None and (kept := calibration_file(load_settings())).exists():
        calibration = kept
    machines = known()
    if gpu not in machines:
        raise BadInput(f"no figures for {gpu!r}; there are {', '.join(machines)}")
    hardware = machines[gpu] if calibration is None else read_calibration(calibration)
    return hardware if face is None else hardware.with_face(face)


def show(console: Console, found: Plan) -> None:
    """The table, the expected times, and what is assumed."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name in ("pool", "engines", "each is a", "use", "$ an hour", "costs are"):
        table.add_column(name, justify="right" if name in {"engines", "use", "$ an hour"} else "left")
    for pool in found.pools:
        price = "" if pool.usd_per_hour is None else f"{pool.usd_per_hour:,.2f}"
        basis = ", ".join(sorted(set(pool.basis)))
        table.add_row(pool.pool, f"{pool.slots:,}", pool.unit, f"{pool.use:.0%}", price, basis)
    console.print(f"\n[bold]{found.wish.speakers:,} people in conversation on {found.hardware.title}[/bold]\n")
    console.print(table)
    median, p95, p99 = found.report.ttfa["all"]
    if found.usd_per_hour:
        each = found.usd_per_hour / found.wish.speakers
        console.print(f"\n${found.usd_per_hour:,.2f} an hour, {100 * each:.2f} cents a speaker.")
    console.print(
        f"First audio after {median:.2f} s (p50), {p95:.2f} s (p95), {p99:.2f} s (p99); "
        f"{100 * found.report.in_time:.2f} % of the speech in time."
    )
    console.print(f"When more come, {found.bottleneck.pool} runs out first.\n")
    for text in assumptions(found):
        console.print(f"[dim]· {text}[/dim]")

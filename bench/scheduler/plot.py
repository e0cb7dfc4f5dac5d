"""Bars with their ranges, as SVG beside the JSON: one picture a figure, without a plotting library."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench.questions import OUT

WIDTH, BAR, LEFT, TOP = 720, 26, 220, 56
SPAN = WIDTH - LEFT - 90
COLOURS = {"polytalk": "#2f6f4f"}
OTHER = "#9aa5b1"


@dataclass(frozen=True)
class Bar:
    """One contender's median, and the range of its runs."""

    label: str
    value: float
    low: float
    high: float


def bars(name: str, title: str, of: Sequence[Bar], goal: float | None = None) -> None:
    """Write `bench/out/NAME.svg`; the goal is a dashed line."""
    most = max([bar.high for bar in of] + ([goal] if goal is not None else []), default=1.0) or 1.0
    height = TOP + BAR * len(of) + 24
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" font-family="sans-serif" '
        f'font-size="13"><rect width="100%" height="100%" fill="white"/>',
        f'<text x="12" y="26" font-size="16">{escape(title)}</text>',
    ]
    for index, bar in enumerate(of):
        lines += _bar(bar, TOP + BAR * index, SPAN / most)
    if goal is not None:
        x = LEFT + goal * SPAN / most
        lines.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP - 8}" y2="{height - 18}" stroke="#c0392b" '
            f'stroke-dasharray="4 3"/><text x="{x:.1f}" y="{height - 5}" text-anchor="middle" fill="#c0392b">'
            f"goal {goal:g}</text>"
        )
    OUT.mkdir(exist_ok=True)
    (OUT / f"{name}.svg").write_text("\n".join([*lines, "</svg>\n"]))


def _bar(bar: Bar, y: int, scale: float) -> list[str]:
    colour = next((shade for name, shade in COLOURS.items() if name in bar.label), OTHER)
    middle = y + BAR / 2 - 3
    low, high = LEFT + bar.low * scale, LEFT + bar.high * scale
    return [
        f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>',
        f'<rect x="{LEFT}" y="{y}" width="{max(1.0, bar.value * scale):.1f}" height="{BAR - 6}" fill="{colour}"/>',
        f'<line x1="{low:.1f}" x2="{high:.1f}" y1="{middle}" y2="{middle}" stroke="#222"/>',
        f'<text x="{high + 6:.1f}" y="{y + 15}">{bar.value:g}</text>',
    ]


def of(runs: dict[str, list[float]], digits: int = 3) -> list[Bar]:
    """A bar for each contender."""
    return [
        Bar(name, round(statistics.median(values), digits), min(values), max(values))
        for name, values in runs.items()
        if values
    ]

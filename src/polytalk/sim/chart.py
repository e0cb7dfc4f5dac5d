"""Line charts as SVG, written by hand: a plotting library would weigh more than all of polytalk, for two charts.

A chart needs no script and no style sheet; colours follow the page's (`currentColor`), so it reads on light and dark.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 720, 360
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 40, 52
COLOURS = ("#0b84a5", "#e0592a", "#8a6fb0", "#5a9e4b", "#b8860b", "#9a5b5b")
DASHES = ("", "7 3", "2 3", "9 3 2 3", "4 4", "1 4")
"""Lines differ in more than colour."""


@dataclass(frozen=True)
class Series:
    """One line."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """Its title, and whether it counts in powers of ten."""

    title: str
    log: bool = False
    least: float = 0.0
    """Where it begins; smaller values are drawn there."""


def line_chart(title: str, x: Axis, y: Axis, series: Sequence[Series], goal: tuple[float, str] | None = None) -> str:
    """A chart; `goal` is a value of y that a dotted line shows, and its name. Raises ValueError without points."""
    points = [point for one in series for point in one.points]
    if not points:
        raise ValueError("a chart needs a point")
    across = _Scale(x, [point[0] for point in points], LEFT, WIDTH - RIGHT)
    up = _Scale(y, [point[1] for point in points] + ([goal[0]] if goal else []), HEIGHT - BOTTOM, TOP)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title)}" font-family="system-ui, sans-serif" font-size="12" fill="currentColor">',
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="600">{escape(title)}</text>',
        *_grid(across, up),
    ]
    if goal:
        level = up.at(goal[0])
        parts.append(_line(LEFT, level, WIDTH - RIGHT, level, 'stroke-dasharray="1 4" stroke-width="1.5"'))
        parts.append(f'<text x="{LEFT + 6}" y="{level - 5:.1f}" font-style="italic">{escape(goal[1])}</text>')
    for index, one in enumerate(series):
        parts += _drawn(one, index, across, up)
    return "\n".join([*parts, "</svg>"])


class _Scale:
    def __init__(self, axis: Axis, values: Sequence[float], start: float, end: float) -> None:
        self.axis = axis
        self._start, self._end = start, end
        least = axis.least if axis.log else min(axis.least, *values)
        most = max(max(values), least * 10 if axis.log else least + 1e-9)
        self.ticks = _powers(least, most) if axis.log else _round_steps(least, most)
        self._low, self._high = self._place(self.ticks[0]), self._place(self.ticks[-1])

    def at(self, value: float) -> float:
        """The pixel of a value."""
        share = (self._place(value) - self._low) / (self._high - self._low)
        return self._start + share * (self._end - self._start)

    def _place(self, value: float) -> float:
        return math.log10(max(value, self.axis.least)) if self.axis.log else value


def _grid(across: _Scale, up: _Scale) -> list[str]:
    faint = 'stroke-opacity="0.15"'
    parts = []
    for tick in up.ticks:
        parts.append(_line(LEFT, up.at(tick), WIDTH - RIGHT, up.at(tick), faint))
        parts.append(f'<text x="{LEFT - 8}" y="{up.at(tick) + 4:.1f}" text-anchor="end">{_short(tick)}</text>')
    for tick in across.ticks:
        parts.append(_line(across.at(tick), TOP, across.at(tick), HEIGHT - BOTTOM, faint))
        below = HEIGHT - BOTTOM + 18
        parts.append(f'<text x="{across.at(tick):.1f}" y="{below}" text-anchor="middle">{_short(tick)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 12}" text-anchor="middle">{escape(across.axis.title)}</text>')
    turned = f'transform="translate(16 {(TOP + HEIGHT - BOTTOM) / 2}) rotate(-90)" text-anchor="middle"'
    parts.append(f"<text {turned}>{escape(up.axis.title)}</text>")
    return parts


def _drawn(one: Series, index: int, across: _Scale, up: _Scale) -> list[str]:
    colour, dash = COLOURS[index % len(COLOURS)], DASHES[index % len(DASHES)]
    places = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in one.points)
    level = TOP + 8 + 20 * index
    key = WIDTH - RIGHT + 14
    stroke = f'stroke="{colour}" stroke-width="2" stroke-dasharray="{dash}" fill="none"'
    return [
        f'<polyline points="{places}" {stroke} stroke-linejoin="round"/>',
        *(f'<circle cx="{across.at(x):.1f}" cy="{up.at(y):.1f}" r="2.5" fill="{colour}"/>' for x, y in one.points),
        f'<polyline points="{key},{level} {key + 26},{level}" {stroke}/>',
        f'<text x="{key + 32}" y="{level + 4}">{escape(one.name)}</text>',
    ]


def _line(x1: float, y1: float, x2: float, y2: float, style: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="currentColor" {style}/>'


def _round_steps(least: float, most: float) -> list[float]:
    raw = (most - least) / 5
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw * 0.999)
    first = math.floor(least / step)
    return [step * count for count in range(first, math.ceil(most / step - 1e-9) + 1)]


def _powers(least: float, most: float) -> list[float]:
    return [10.0**power for power in range(math.floor(math.log10(least)), math.ceil(math.log10(most) - 1e-9) + 1)]


def _short(value: float) -> str:
    if abs(value) >= 1_000_000:
        return f"{value / 1_000_000:g}M"
    if abs(value) >= 10_000:
        return f"{value / 1_000:g}k"
    return f"{value:g}"

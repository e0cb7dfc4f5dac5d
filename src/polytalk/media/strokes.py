"""The letters of the AI-generated label, drawn by us as pen strokes, so that no font is needed to show it.

Only the signs that the labels use. A stroke is a row of points that a round pen follows; x goes right, y down. A
Chinese sign fills a box of 1 x 1 (one em); Latin letters stand on y = 0.9 and their capitals are 0.8 tall.
"""

from functools import cache
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polytalk.errors import BadInput

Stroke: TypeAlias = NDArray[np.float32]
"""Points [n, 2] in em."""
Point: TypeAlias = tuple[float, float]

PEN: Final = 0.088
"""Width of the pen in em."""
_GAP: Final = 0.17
"""Between the pen's paths of two letters: the room that the pen's own width takes, and some air."""
_BASE, _CAPITAL = 0.9, 0.8
_SMALL_TOP = 0.345  # top of the small letters
_MIDDLE = (_SMALL_TOP + _BASE) / 2
_BOWL = ((_BASE - _SMALL_TOP) * 0.44, (_BASE - _SMALL_TOP) / 2)  # half axes of a, d, e, g


def text_strokes(text: str) -> tuple[list[Stroke], float]:
    """The strokes of a line of text side by side, and its width in em. Raises BadInput for a sign not drawn here."""
    strokes: list[Stroke] = []
    x = 0.0
    for sign in text:
        if sign not in _glyphs():
            raise BadInput(f"the label can't show {sign!r}; it has only the signs {''.join(_glyphs())}", param="text")
        glyph, width = _glyphs()[sign]
        strokes += [stroke + np.array([x, 0], np.float32) for stroke in glyph]
        x += width + _GAP
    return strokes, x - _GAP if text else 0.0


def _line(*points: Point) -> Stroke:
    return np.array(points, np.float32)


def _curve(start: Point, *controls: Point) -> Stroke:
    """Cubic Bézier curves, one after another: three control points each."""
    pieces = []
    t = np.linspace(0, 1, 13)[:, None]
    for i in range(0, len(controls), 3):
        first, second, end = (np.array(point) for point in controls[i : i + 3])
        begin = np.array(start)
        pieces.append((1 - t) ** 3 * begin + 3 * t * (1 - t) ** 2 * first + 3 * t**2 * (1 - t) * second + t**3 * end)
        start = controls[i + 2]
    return np.concatenate(pieces).astype(np.float32)


def _arc(centre: Point, axes: Point, start: float, stop: float) -> Stroke:
    """Part of an ellipse from one angle to another, degrees against the clock from the right."""
    angle = np.radians(np.linspace(start, stop, 40))
    return np.stack([centre[0] + axes[0] * np.cos(angle), centre[1] - axes[1] * np.sin(angle)], 1).astype(np.float32)


@cache
def _glyphs() -> dict[str, tuple[list[Stroke], float]]:
    """Sign -> its strokes and its width."""
    top = _BASE - _CAPITAL
    bowl = _arc((_BOWL[0], _MIDDLE), _BOWL, 0, 360)
    right = 2 * _BOWL[0]
    stem = _line((0, _SMALL_TOP), (0, _BASE))
    arch = _curve((0, 0.6), (0, 0.43), (0.08, _SMALL_TOP), (0.2, _SMALL_TOP))
    return {
        "A": ([_line((0, _BASE), (0.3, top), (0.6, _BASE)), _line((0.105, 0.64), (0.495, 0.64))], 0.6),
        "I": ([_line((0.03, top), (0.03, _BASE))], 0.06),
        "-": ([_line((0, _MIDDLE), (0.22, _MIDDLE))], 0.22),
        "a": ([bowl, _line((right, _SMALL_TOP), (right, _BASE))], right),
        "d": ([bowl, _line((right, top - 0.02), (right, _BASE))], right),
        "e": ([_line((0, _MIDDLE), (right, _MIDDLE)), _arc((_BOWL[0], _MIDDLE), _BOWL, 0, 318)], right),
        "g": (
            [
                bowl,
                _line((right, _SMALL_TOP), (right, 0.93)),
                _curve(
                    (right, 0.93), (right, 1.06), (0.4, 1.13), (0.24, 1.13), (0.16, 1.13), (0.1, 1.11), (0.05, 1.07)
                ),
            ],
            right,
        ),
        "n": (
            [
                stem,
                arch,
                _curve((0.2, _SMALL_TOP), (0.33, _SMALL_TOP), (0.4, 0.43), (0.4, 0.57)),
                _line((0.4, 0.57), (0.4, _BASE)),
            ],
            0.4,
        ),
        "r": ([stem, arch, _line((0.2, _SMALL_TOP), (0.25, _SMALL_TOP + 0.008))], 0.24),
        "t": (
            [
                _line((0.12, 0.18), (0.12, 0.75)),
                _curve((0.12, 0.75), (0.12, 0.85), (0.17, _BASE), (0.28, _BASE - 0.01)),
                _line((0, _SMALL_TOP), (0.27, _SMALL_TOP)),
            ],
            0.27,
        ),
        "由": (
            [
                _line((0.13, 0.29), (0.87, 0.29), (0.87, 0.95), (0.13, 0.95), (0.13, 0.29)),
                _line((0.13, 0.61), (0.87, 0.61)),
                _line((0.5, 0.05), (0.5, 0.95)),
            ],
            1.0,
        ),
        "生": (
            [
                _curve((0.26, 0.07), (0.23, 0.24), (0.17, 0.37), (0.07, 0.49)),
                _line((0.2, 0.28), (0.9, 0.28)),
                _line((0.17, 0.59), (0.86, 0.59)),
                _line((0.53, 0.05), (0.53, 0.93)),
                _line((0.05, 0.93), (0.96, 0.93)),
            ],
            1.0,
        ),
        "成": (
            [
                _line((0.14, 0.25), (0.94, 0.25)),
                _curve((0.14, 0.25), (0.14, 0.55), (0.15, 0.78), (0.04, 0.95)),
                _line((0.15, 0.5), (0.43, 0.5)),
                _curve((0.43, 0.5), (0.43, 0.62), (0.43, 0.7), (0.41, 0.78), (0.4, 0.83), (0.35, 0.82), (0.27, 0.8)),
                _curve((0.56, 0.05), (0.56, 0.45), (0.66, 0.78), (0.84, 0.93), (0.91, 0.98), (0.93, 0.9), (0.94, 0.75)),
                _curve((0.84, 0.42), (0.77, 0.64), (0.65, 0.81), (0.46, 0.94)),
                _line((0.71, 0.06), (0.84, 0.15)),
            ],
            1.0,
        ),
    }

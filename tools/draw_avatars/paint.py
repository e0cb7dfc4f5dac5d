"""Colours and gradients of the bundle format."""

from collections.abc import Sequence

from polytalk.avatar.bundle import Gradient

Stop = tuple[float, str, float]


def mix(a: str, b: str, share: float) -> str:
    """`share` of b in a, in sRGB."""
    pairs = ((int(a[i : i + 2], 16), int(b[i : i + 2], 16)) for i in (1, 3, 5))
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in pairs)


def linear(x1: float, y1: float, x2: float, y2: float, *stops: str | Stop) -> Gradient:
    """A linear gradient; plain colours are spread evenly and opaque."""
    return Gradient(stops=_stops(stops), linear=(float(x1), float(y1), float(x2), float(y2)))


def radial(cx: float, cy: float, r: float, *stops: str | Stop) -> Gradient:
    """A radial gradient; plain colours are spread evenly and opaque."""
    return Gradient(stops=_stops(stops), radial=(float(cx), float(cy), float(r)))


def glow(cx: float, cy: float, r: float, color: str, alpha: float) -> Gradient:
    """A soft spot of one colour that fades out (a smooth fall-off needs four stops)."""
    fall = ((0.0, 1.0), (0.35, 0.78), (0.7, 0.24), (1.0, 0.0))
    return radial(cx, cy, r, *((at, color, round(alpha * share, 3)) for at, share in fall))


def fade(x1: float, y1: float, x2: float, y2: float, color: str, *alphas: float) -> Gradient:
    """One colour whose alpha runs through `alphas` along a line."""
    return linear(x1, y1, x2, y2, *((i / (len(alphas) - 1), color, alpha) for i, alpha in enumerate(alphas)))


def _stops(stops: Sequence[str | Stop]) -> list[Stop]:
    last = len(stops) - 1
    return [(round(i / last, 3), stop, 1.0) if isinstance(stop, str) else stop for i, stop in enumerate(stops)]

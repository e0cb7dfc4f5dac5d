"""Lips: four curves from corner to corner, the inner two of which open and close the mouth.

The curves share the same x at each share s of the width, and nothing but `press` takes part in their products, so
that the inner two never cross, and press = 1 closes them exactly: gap = (1 - press) * (jaw + upper + lower + round).
"""

from dataclasses import dataclass

import numpy as np

from polytalk.avatar.bundle import Layer
from tools.draw_avatars.curve import Curve, surface
from tools.draw_avatars.geometry import CENTRE, Points, Values, move, points, smooth
from tools.draw_avatars.layers import layer
from tools.draw_avatars.paint import linear, mix

_HALF = np.array([0.0, 0.2, 0.5, 0.83, 1.0])
SHARES: Values = np.concatenate([-_HALF[:0:-1], _HALF])
"""s of the anchors, from the left corner (-1) to the right one (1)."""


def _both(*half: float) -> Values:
    return np.array([*half[:0:-1], *half])


_UPPER = _both(0.80, 1.0, 0.80, 0.27, 0.0)
_LOWER = _both(1.00, 0.99, 0.84, 0.37, 0.0)


def bump(power: float, squareness: float = 2.2) -> Values:
    """1 in the middle of the mouth, 0 in its corners; a low power and a high squareness make it boxy."""
    shape: Values = (1 - np.abs(SHARES) ** squareness) ** power
    return shape


@dataclass(frozen=True)
class Lips:
    """Measures in pixels and colours of a pair of lips."""

    y: float
    half_width: float
    upper_height: float
    lower_height: float
    color: str
    light: str
    dark: str
    corner_lift: float = 3.0
    """How much higher the corners rest than the middle: a friendly mouth at rest."""
    drop: float = 29.0
    """How far the lower lip falls at jaw = 1."""
    gloss: float = 0.5
    """Opacity of the highlight."""

    # --- the four curves --------------------------------------------------------------------------------------------

    def _seam(self) -> Points:
        """Where closed lips meet."""
        s = np.abs(SHARES)
        bow = 1.3 * np.exp(-((s / 0.2) ** 2)) - 0.6 * np.exp(-(((s - 0.36) / 0.2) ** 2))
        return np.stack([CENTRE + self.half_width * SHARES, self.y - self.corner_lift * s**2.6 + bow], axis=1)

    def shared(self) -> dict[str, Points]:
        """What moves all four curves alike: the width of the mouth and the height of its corners."""
        x, ends = self.half_width * SHARES, np.abs(SHARES) ** 2
        return {
            "jaw": move(-0.10 * x, 5.0 * ends),
            "wide": move(0.17 * x, -2.0 * ends),
            "round": move(-0.40 * x, 2.2 * ends),
            "jaw*round": move(0.04 * x, 5.0 * ends),
            "smile": move(0.14 * x, -6.5 * np.abs(SHARES) ** 1.6 + 1.2),
        }

    def _curve(self, offset: Values | float, rises: dict[str, Values]) -> Curve:
        return Curve(self._seam() + move(0.0, offset), self.shared()).moving(
            {term: move(0.0, dy) for term, dy in rises.items()}
        )

    @property
    def inner_upper(self) -> Curve:
        """The upper edge of the opening."""
        opening = {
            "jaw": -2.5 * bump(0.8),
            "upper": -6.0 * bump(0.9),
            "round": -3.5 * bump(0.5),
            "lower": -3.6 * bump(0.8),
        }
        return self._curve(0.0, {**opening, **_sealed(opening)})

    @property
    def inner_lower(self) -> Curve:
        """The lower edge of the opening."""
        opening = {"jaw": self.drop * bump(0.6, 2.5), "round": 5.5 * bump(0.5)}
        return self._curve(0.0, {**opening, **_sealed(opening)})

    @property
    def lip_inner_lower(self) -> Curve:
        """The inner edge of the lower lip itself: tucked under the upper teeth, it rises over the opening's edge."""
        tuck = {
            "lower": -2.0 * bump(0.8),
            "jaw*lower": -6.5 * bump(0.8),
            "lower*press": 2.0 * bump(0.8),
            "press": -1.0 * bump(0.8),
        }
        return self.inner_lower.moving({term: move(0.0, dy) for term, dy in tuck.items()})

    @property
    def outer_upper(self) -> Curve:
        """The edge of the upper lip on the skin, with its bow."""
        height = self.upper_height * _UPPER
        opening = {"jaw": -1.5 * bump(0.8), "upper": -4.8 * bump(0.9), "lower": -2.4 * bump(0.8)}
        shape = {"press": 0.42 * height, "round": -1.0 - 2.5 * bump(0.6), "wide": 0.12 * height, "smile": 0.12 * height}
        return self._curve(-height, {**opening, **_sealed(opening, 0.7), **shape})

    @property
    def outer_lower(self) -> Curve:
        """The edge of the lower lip on the skin."""
        height = self.lower_height * _LOWER
        opening = {"jaw": (self.drop - 2.5) * bump(0.5, 2.6), "round": 5.0 * bump(0.5)}
        shape = {"lower": -4.5 * bump(0.8), "press": -0.42 * height, "wide": -0.12 * height, "smile": -0.08 * height}
        return self._curve(height, {**opening, **_sealed(opening, 0.88), **shape})

    # --- layers -----------------------------------------------------------------------------------------------------

    def lower(self) -> list[Layer]:
        """The lower lip: body, shade below, light on its fullest part."""
        inner, outer = self.lip_inner_lower, self.outer_lower
        w = self.half_width
        body = linear(
            CENTRE - w, 0, CENTRE + w, 0, mix(self.color, self.dark, 0.3), self.color, mix(self.color, self.dark, 0.5)
        )
        # The light falls from the left: the highlight is drawn together towards a point beside the middle.
        near = np.interp(SHARES * 0.6 - 0.08, SHARES, np.arange(len(SHARES)))
        at = {share: inner.blend(outer, share) for share in (0.2, 0.3, 0.54, 0.6)}
        ends = np.abs(SHARES) ** 2
        glow = (
            at[0.2].resample(near).blend(at[0.3].resample(near), ends),
            at[0.54].resample(near).blend(at[0.3].resample(near), ends),
        )
        return [
            surface("lip_lower", inner, outer, body),
            surface("lip_lower_shade", at[0.6], outer, self.dark, opacity=0.26),
            surface("lip_lower_light", *glow, self.light, opacity=self.gloss),
        ]

    def upper(self) -> list[Layer]:
        """The upper lip, in shade, with a lit edge, and the line where the lips meet."""
        inner, outer = self.inner_upper, self.outer_upper
        w = self.half_width
        tones = (mix(self.color, self.dark, share) for share in (0.5, 0.32, 0.7))
        thick = 1.5 * bump(0.35)
        line = mix(self.dark, "#4a1620", 0.5)
        return [
            surface("lip_upper", outer, inner, linear(CENTRE - w, 0, CENTRE + w, 0, *tones)),
            surface("lip_upper_light", outer, outer.blend(inner, 0.4), self.light, opacity=0.22),
            surface(
                "lip_seam",
                inner.shifted(-thick).moving({"press": move(0.0, 0.4 * thick)}),
                inner.shifted(0.4 * thick),
                line,
                opacity=0.85,
            ),
            *(self._corner(end) for end in (0, -1)),
        ]

    def _corner(self, end: int) -> Layer:
        """The small shade in a corner of the mouth; it goes with the corner."""
        x, y = self._seam()[end]
        side = np.sign(x - CENTRE)
        spot = points(
            *((x + side * dx, y + dy) for dx, dy in ((-2.5, -0.2), (0.8, -1.4), (2.8, -0.9), (1.8, 1.0), (-1, 0.9)))
        )
        moves = {term: moved[end] for term, moved in self.shared().items()}
        name = "left" if side < 0 else "right"
        return layer(
            f"mouth_corner_{name}",
            smooth(spot),
            self.dark,
            opacity=0.24,
            fields=moves,
            opacity_deltas={"smile": 0.12, "round": -0.2},
        )


def _sealed(opening: dict[str, Values], share: float = 1.0) -> dict[str, Values]:
    """The products with `press` that take the opening back."""
    return {f"{term}*press": -share * dy for term, dy in opening.items()}

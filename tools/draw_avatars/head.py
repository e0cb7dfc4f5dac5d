"""The skin of the face: its base shape and the planes of light and shade on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from polytalk.avatar.bundle import Layer
from tools.draw_avatars.geometry import CENTRE, Field, Outline, Points, ellipse, mirror, move, points, smooth, symmetric
from tools.draw_avatars.layers import layer
from tools.draw_avatars.muscles import Muscles
from tools.draw_avatars.paint import fade, glow, linear

Pairs = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Skin:
    """The tones of one complexion."""

    base: str
    light: str
    shade: str
    """For planes turned from the light."""
    deep: str
    """For cast shadows."""
    blush: str


@dataclass(frozen=True)
class Head:
    """A face's contour and its shaded side (right halves, from the crown to the chin); light falls from the left."""

    contour: Pairs
    plane: Pairs
    """The inner edge of the plane in shade, from the temple to the chin."""
    skin: Skin
    muscles: Muscles
    blush: float = 0.3

    @property
    def fields(self) -> dict[str, Field]:
        """How the skin of the lower face moves."""
        return self.muscles.fields()

    def layers(self) -> list[Layer]:
        """The base, the planes, then what stands out or lies deep; all clipped by the base."""
        return [*self._planes(), *self._chin(), *(part for side in (-1, 1) for part in self._cheek(side))]

    def _planes(self) -> list[Layer]:
        s, f, c = self.skin, self.fields, CENTRE
        chin = self.muscles.chin_y
        base = linear(c - 70, 110, c + 90, chin, s.light, (0.42, s.base, 1.0), (1.0, s.base, 1.0))
        edge = [pair for pair in self.contour if pair[1] > self.plane[0][1]]
        side = smooth([*self.plane, *reversed(edge)], corners=(0, len(self.plane) - 1, len(self.plane), -1))
        soft = smooth(
            points((c + 40, 90), (c + 110, 90), (c + 110, chin + 20), (c, chin + 20), (c + 24, chin - 60)),
            corners=(0, 1, 2, 3),
        )
        rim = smooth(points((c - 110, 120), (c - 70, 120), (c - 60, chin - 40), (c - 110, chin)), corners=(0, 1, 2, 3))
        return [
            layer("face", smooth(symmetric(self.contour)), base, fields=f),
            layer("plane_soft", soft, fade(c + 40, 0, c + 98, 0, s.shade, 0.0, 0.3, 0.75), clip="face"),
            layer("plane_side", side, s.shade, fields=f, clip="face", opacity=0.26),
            layer("plane_rim", rim, fade(c - 98, 0, c - 74, 0, s.shade, 0.42, 0.0), clip="face"),
            layer("forehead_light", ellipse(c - 20, 166, 62, 62), glow(c - 20, 166, 62, s.light, 0.7), clip="face"),
        ]

    def _chin(self) -> list[Layer]:
        s, f, m, c = self.skin, self.fields, self.muscles, CENTRE
        y, chin = m.mouth_y, m.chin_y
        below = points(
            (c - 20, y + 18), (c, y + 16.6), (c + 20, y + 18), (c + 11, y + 21.8), (c, y + 23), (c - 11, y + 21.8)
        )
        under = points((c - 40, chin - 3), (c, chin - 3), (c + 44, chin - 8), (c + 30, chin + 12), (c - 28, chin + 12))
        groove = points((c - 3.2, y - 25), (c + 3.2, y - 25), (c + 4.8, y - 11), (c, y - 9.4), (c - 4.8, y - 11))
        follow: Mapping[str, Field] = {
            **f,
            "jaw": lambda p: m.jaw(p) + move(0.0, 6.5),
            "round": lambda p: move(-0.2 * (p[:, 0] - c), 3.5),
        }
        return [
            layer(
                "chin_light", ellipse(c - 4, chin - 19, 20, 20), glow(c - 4, chin - 19, 20, s.light, 0.55), clip="face"
            ),
            layer(
                "chin_shade", smooth(under), fade(0, chin - 8, 0, chin + 6, s.shade, 0.0, 0.55), fields=f, clip="face"
            ),
            layer("below_lip", smooth(below, corners=(0, 2)), s.shade, fields=follow, opacity=0.5),
            layer("philtrum", smooth(groove), fade(c - 4, 0, c + 5, 0, s.shade, 0.1, 0.34), fields=f),
        ]

    def _cheek(self, side: int) -> list[Layer]:
        s, f, y = self.skin, self.fields, self.muscles.mouth_y
        name = "left" if side < 0 else "right"
        x, top = CENTRE + side * 57, y - 56
        return [
            layer(
                f"cheek_light_{name}",
                ellipse(x, top, 26, 26),
                glow(x, top, 26, s.light, 0.6 if side < 0 else 0.28),
                clip="face",
            ),
            layer(
                f"blush_{name}",
                ellipse(x + side * 5, top + 20, 34, 34),
                glow(x + side * 5, top + 20, 34, s.blush, self.blush),
                clip="face",
            ),
            layer(
                f"smile_fold_{name}",
                self._fold(side),
                s.shade,
                fields=f,
                opacity=0.10 if side < 0 else 0.16,
                opacity_deltas={"smile": 0.3, "wide": 0.26, "round": -0.1},
            ),
        ]

    def _fold(self, side: int) -> Outline:
        """The nasolabial fold, from the wing of the nose past the corner of the mouth."""
        w, y = self.muscles.half_width, self.muscles.mouth_y
        right: Points = points(
            (CENTRE + 26, y - 37),
            (CENTRE + w + 1, y - 25),
            (CENTRE + w + 11, y - 8),
            (CENTRE + w + 12, y + 4),
            (CENTRE + w + 14, y - 9),
            (CENTRE + w + 6, y - 27),
        )
        return smooth(right if side > 0 else mirror(right), corners=(0, 3))

"""What is behind the lips: a cavity, two rows of teeth and a tongue, clipped by the opening."""

from collections.abc import Mapping
from dataclasses import dataclass

from polytalk.avatar.bundle import Layer, Stroke
from tools.draw_avatars.curve import surface
from tools.draw_avatars.geometry import CENTRE, Field, Outline, Points, ellipse, join, move, points, smooth
from tools.draw_avatars.layers import layer
from tools.draw_avatars.lips import Lips, bump
from tools.draw_avatars.paint import linear, mix

HOLE = "mouth_hole"
"""The id of the opening."""


def _scale_x(share: float, dy: float = 0.0) -> Field:
    return lambda p: move(share * (p[:, 0] - CENTRE), dy)


@dataclass(frozen=True)
class Mouth:
    """Lips and what they open on."""

    lips: Lips
    cavity: str = "#4a1620"
    tooth: str = "#fbf4ec"
    tongue: str = "#c9616a"

    def layers(self) -> list[Layer]:
        """Everything, in painting order: the upper lip covers the lower one when that is tucked in."""
        return [
            *self._cavity(),
            *self._tongue(),
            *self._teeth(),
            *self._shade(),
            *self.lips.lower(),
            *self.lips.upper(),
        ]

    def _cavity(self) -> list[Layer]:
        y, lips = self.lips.y, self.lips
        depth = linear(0, y - 4, 0, y + lips.drop, mix(self.cavity, "#000000", 0.5), self.cavity)
        return [surface(HOLE, lips.inner_upper, lips.inner_lower, depth)]

    def _tongue(self) -> list[Layer]:
        w, drop = self.lips.half_width, self.lips.drop
        moves: Mapping[str, Field | Points] = {
            "jaw": move(0.0, 0.82 * drop),
            "tongue": move(0.0, -4.0),
            "jaw*tongue": move(0.0, -0.5 * drop),
            "round": _scale_x(-0.36, 4.0),
        }
        body = self._at((-0.66, 20), (-0.6, 7), (-0.3, 1.0), (0, 2.0), (0.3, 1.0), (0.6, 7), (0.66, 20))
        base = mix(self.tongue, self.cavity, 0.25)
        return [
            layer("tongue", smooth(body, corners=(0, 6)), base, fields=moves, clip=HOLE),
            layer(
                "tongue_light",
                ellipse(CENTRE - 3, self.lips.y + 7.5, 0.36 * w, 3.8),
                mix(self.tongue, "#ffffff", 0.18),
                fields=moves,
                clip=HOLE,
                opacity=0.45,
            ),
        ]

    def _teeth(self) -> list[Layer]:
        w, y, drop = self.lips.half_width, self.lips.y, self.lips.drop
        low_moves: Mapping[str, Field] = {
            "jaw": _scale_x(-0.06, 0.93 * drop),
            "round": _scale_x(-0.34, 6.0),
            "wide": _scale_x(0.1),
        }
        top_moves: Mapping[str, Field | Points] = {
            "round": _scale_x(-0.34, -7.0),
            "wide": _scale_x(0.12),
            "smile": _scale_x(0.1, 0.8),
            "teeth": move(0.0, 1.5),
            "upper": move(0.0, -1.0),
        }
        low = self._at((-0.62, 22), (-0.6, 2.5), (-0.3, -1.0), (0, -1.6), (0.3, -1.0), (0.6, 2.5), (0.62, 22))
        gum = self._at((-0.9, -20), (0.9, -20), (0.86, -3), (0, -4), (-0.86, -3))
        top = self._at(
            (-0.88, -16),
            (0.88, -16),
            (0.84, 0.5),
            (0.58, 4.8),
            (0.28, 6.6),
            (0, 7.0),
            (-0.28, 6.6),
            (-0.58, 4.8),
            (-0.84, 0.5),
        )
        dim = mix(self.tooth, self.cavity, 0.42)
        enamel = linear(
            CENTRE - w,
            y,
            CENTRE + w,
            y,
            dim,
            (0.28, self.tooth, 1.0),
            (0.66, self.tooth, 1.0),
            mix(dim, self.cavity, 0.15),
        )
        tip: Mapping[str, Field | Points] = {"jaw": move(0.0, 0.30 * drop), "round": _scale_x(-0.3)}
        return [
            layer(
                "teeth_lower",
                smooth(low, corners=(0, 6)),
                mix(self.tooth, self.cavity, 0.3),
                fields=low_moves,
                clip=HOLE,
                opacity=0.75,
            ),
            layer(
                "gum_upper", smooth(gum, corners=(0, 1)), mix(self.cavity, "#d98a86", 0.5), fields=top_moves, clip=HOLE
            ),
            layer(
                "teeth_upper",
                smooth(top, corners=(0, 1)),
                enamel,
                fields=top_moves,
                clip=HOLE,
                opacity=0.94,
                opacity_deltas={"teeth": 0.06},
            ),
            layer(
                "teeth_gaps",
                self._gaps(),
                fields=top_moves,
                clip=HOLE,
                opacity=0.15,
                stroke=Stroke(mix(self.tooth, self.cavity, 0.75), 0.9),
            ),
            layer(
                "tongue_tip",
                ellipse(CENTRE, y + 6.2, 0.40 * w, 4.4),
                mix(self.tongue, "#ffffff", 0.1),
                fields=tip,
                clip=HOLE,
                opacity=0.0,
                opacity_deltas={"tongue": 1.0},
            ),
        ]

    def _gaps(self) -> Outline:
        lines = [self._at((0, -9), (0, 6.6))]
        for side in (-1, 1):
            lines += [self._at((side * at, -9), (side * at * 0.98, low)) for at, low in ((0.27, 6.2), (0.52, 5.0))]
        return join([smooth(line, closed=False) for line in lines])

    def _shade(self) -> list[Layer]:
        """The shadow of the upper lip on the teeth."""
        edge = self.lips.inner_upper
        return [
            surface(
                "teeth_shade",
                edge,
                edge.shifted(2.8 * bump(0.6)),
                mix(self.cavity, "#000000", 0.4),
                clip=HOLE,
                opacity=0.3,
            )
        ]

    def _at(self, *pairs: tuple[float, float]) -> Points:
        """Points in half widths of the mouth and in pixels below the seam."""
        return points(*((CENTRE + u * self.lips.half_width, self.lips.y + v) for u, v in pairs))

"""Brows, nose and ears."""

from dataclasses import dataclass

import numpy as np

from polytalk.avatar.bundle import Gradient, Layer, Stroke
from tools.draw_avatars.geometry import (
    CENTRE,
    Field,
    Outline,
    Points,
    Values,
    ellipse,
    join,
    move,
    points,
    polyline,
    ribbon,
    smooth,
)
from tools.draw_avatars.layers import layer
from tools.draw_avatars.muscles import ramp
from tools.draw_avatars.paint import fade, glow, linear, mix


@dataclass(frozen=True)
class Brow:
    """One brow, from `inner` over `arch` to `outer` (points of the right side; mirrored for the left)."""

    side: int
    inner: tuple[float, float]
    arch: tuple[float, float]
    outer: tuple[float, float]
    thickness: float
    color: str

    def layers(self) -> list[Layer]:
        """A tapered body and the strokes of its hairs."""
        body = self._place(self._body())
        outline = smooth(body, corners=(5,))
        return [
            layer(self._id("brow"), outline, self._tone(), depth=1.1, fields=self._moves(), opacity=0.92),
            layer(
                self._id("brow_hair"),
                self._strands(),
                depth=1.1,
                fields=self._moves(),
                opacity=0.28,
                clip=self._id("brow"),
                stroke=Stroke(mix(self.color, "#000000", 0.35), 0.8),
            ),
        ]

    def _tone(self) -> Gradient:
        """Thinner hair at the inner end."""
        ends = self._place(points(self.inner, self.outer))[:, 0]
        return linear(ends[0], 0, ends[1], 0, (0.0, self.color, 0.5), (0.22, self.color, 0.95), (1.0, self.color, 1.0))

    def _spine(self) -> Points:
        (x0, y0), (x1, y1), (x2, y2) = self.inner, self.arch, self.outer
        return points(
            (x0, y0),
            ((x0 + x1) / 2 - 1, (y0 + y1) / 2 - 0.6),
            (x1, y1),
            ((x1 + x2) / 2 + 1.5, (y1 + y2) / 2 - 1.6),
            (x2, y2),
        )

    def _body(self) -> Points:
        spine, half = self._spine(), self.thickness / 2
        upper = spine - move(0.0, half * np.array([0.62, 0.95, 1.0, 0.62, 0.0]))
        lower = spine + move(0.0, half * np.array([0.9, 1.0, 0.75, 0.5, 0.0]))
        start = points((spine[0, 0] - 2.0, spine[0, 1] + half * 0.5))
        return np.concatenate([start, upper, lower[-2::-1]])

    def _strands(self) -> Outline:
        spine = self._spine()
        along = np.linspace(0.1, 3.4, 11)
        hairs = []
        for at in along:
            x, y = np.interp(at, range(5), spine[:, 0]), np.interp(at, range(5), spine[:, 1])
            lean = 1.5 + at * 1.6
            half = self.thickness * (0.5 if at < 2.4 else 0.34)
            line = points((x - lean * 0.5, y + half * 0.9), (x + lean + 1, y - half * 0.9))
            hairs.append(polyline(self._place(line), closed=False))
        return join(hairs)

    def _moves(self) -> dict[str, Field]:
        def inner(p: Points) -> Values:
            return 1 - ramp(np.abs(p[:, 0] - CENTRE), abs(self.inner[0] - CENTRE) - 2, abs(self.arch[0] - CENTRE) + 8)

        return {
            "+brow": lambda p: move(0.0, -6.5 - 1.5 * (1 - inner(p))),
            "-brow": lambda p: move(-self.side * 2.5 * inner(p), 3.2 + 1.6 * inner(p)),
            "blink": lambda p: move(0.0, 0.7),
        }

    def _place(self, outline: Points) -> Points:
        return outline if self.side > 0 else np.stack([2 * CENTRE - outline[:, 0], outline[:, 1]], axis=1)

    def _id(self, name: str) -> str:
        return f"{name}_{'left' if self.side < 0 else 'right'}"


@dataclass(frozen=True)
class Nose:
    """A nose from the brow to its base; light falls from the upper left, so the right flank is in shade."""

    top: float
    base: float
    half_width: float
    bridge: float
    shadow: str
    light: str
    line: str

    def layers(self, skin: dict[str, Field]) -> list[Layer]:
        """Flank, ball, wings, nostrils, highlights. `skin` moves what lies at its base."""
        c, b, w = CENTRE, self.base, self.half_width
        t, k = self.top, self.bridge
        lift = {term: field for term, field in skin.items() if term in ("smile", "upper")}
        flank = smooth(
            [
                (c + k + 5, t),
                (c + k + 1.5, t + 16),
                (c + k + 0.5, t + 36),
                (c + k + 4, b - 18),
                (c + k + 5, b - 8),
                (c + w * 0.62, b - 2),
                (c + w + 1, b - 5),
                (c + w + 1.5, b - 14),
                (c + w - 3, b - 22),
                (c + k + 7, b - 36),
                (c + k + 6, t + 30),
                (c + k + 11, t + 10),
            ],
            corners=(0, 11),
        )
        under = smooth(
            [
                (c - w * 0.78, b - 2),
                (c - w * 0.35, b + 2.0),
                (c, b + 4.2),
                (c + w * 0.35, b + 2.0),
                (c + w * 0.78, b - 2),
                (c + w * 0.5, b + 3),
                (c, b + 8.5),
                (c - w * 0.5, b + 3),
            ],
            corners=(0, 4),
        )
        ball = smooth(
            [
                (c - w * 0.55, b - 6),
                (c - w * 0.40, b - 0.5),
                (c - 2, b + 2.4),
                (c + 3, b + 2.4),
                (c + w * 0.42, b - 0.5),
                (c + w * 0.55, b - 6),
                (c + w * 0.3, b - 2.6),
                (c, b - 1.4),
                (c - w * 0.3, b - 2.6),
            ],
            corners=(0, 5),
        )
        result = [
            layer("nose_flank", flank, fade(c, 0, c + w + 2, 0, self.shadow, 0.30, 0.42, 0.26), depth=1.2, fields=lift),
            layer("nose_under", under, fade(0, b - 3, 0, b + 9, self.shadow, 0.55, 0.12), depth=1.15, fields=lift),
            layer("nose_ball", ball, self.shadow, depth=1.3, opacity=0.30, fields=lift),
        ]
        for side in (-1, 1):
            name = "left" if side < 0 else "right"
            wing = ribbon(
                [
                    (c + side * (w - 2.5), b - 16),
                    (c + side * (w + 0.6), b - 9.5),
                    (c + side * (w + 0.2), b - 3.6),
                    (c + side * (w - 4.4), b - 1.0),
                ],
                2.2,
                widest=0.6,
            )
            nostril = smooth(
                [
                    (c + side * w * 0.26, b + 0.6),
                    (c + side * w * 0.42, b - 2.8),
                    (c + side * w * 0.68, b - 3.4),
                    (c + side * w * 0.74, b - 1.4),
                    (c + side * w * 0.5, b + 0.2),
                ],
                corners=(0,),
            )
            result += [
                layer(f"nose_wing_{name}", wing, self.line, depth=1.2, opacity=0.42 if side < 0 else 0.6, fields=lift),
                layer(f"nostril_{name}", nostril, self.line, depth=1.25, opacity=0.85, fields=lift),
            ]
        bridge_light = smooth(
            [
                (c - 3.4, t + 14),
                (c - 1, t + 12),
                (c + 0.6, t + 30),
                (c + 1.2, b - 24),
                (c - 2.4, b - 24),
                (c - 3.6, t + 32),
            ]
        )
        return [
            *result,
            layer(
                "nose_bridge_light",
                bridge_light,
                fade(0, t + 10, 0, b - 22, self.light, 0.0, 0.34, 0.2, 0.0),
                depth=1.25,
                fields=lift,
            ),
            layer(
                "nose_tip_light",
                ellipse(c - 2.5, b - 11, 8, 7),
                glow(c - 2.5, b - 11, 8, self.light, 0.8),
                depth=1.35,
                fields=lift,
            ),
            layer(
                "nose_tip_spark", ellipse(c - 3.2, b - 12.2, 3.0, 2.1), self.light, depth=1.35, opacity=0.5, fields=lift
            ),
        ]


@dataclass(frozen=True)
class Ear:
    """An ear, its top at the brow and its lobe at the nose's base."""

    side: int
    x: float
    top: float
    bottom: float
    width: float
    skin: str
    shadow: str

    def layers(self) -> list[Layer]:
        """The shell and its folds."""
        s, x, t, b, w = self.side, self.x, self.top, self.bottom, self.width
        h = b - t

        def at(*pairs: tuple[float, float]) -> Points:
            return points(*((x + s * u * w, t + v * h) for u, v in pairs))

        shell = smooth(
            at(
                (-0.3, 0.16),
                (0.2, 0.0),
                (0.72, 0.04),
                (1.0, 0.22),
                (0.95, 0.48),
                (0.68, 0.72),
                (0.5, 0.93),
                (0.16, 1.0),
                (-0.2, 0.86),
                (-0.5, 0.5),
            )
        )
        fold = smooth(
            at(
                (0.0, 0.24),
                (0.35, 0.12),
                (0.68, 0.17),
                (0.8, 0.34),
                (0.7, 0.54),
                (0.45, 0.7),
                (0.4, 0.6),
                (0.55, 0.46),
                (0.6, 0.32),
                (0.4, 0.24),
                (0.1, 0.34),
            )
        )
        bowl = smooth(at((-0.1, 0.44), (0.25, 0.38), (0.42, 0.5), (0.3, 0.68), (0.05, 0.74), (-0.2, 0.62)))
        name = "left" if s < 0 else "right"
        return [
            layer(f"ear_{name}", shell, self.skin, depth=0.8),
            layer(f"ear_fold_{name}", fold, self.shadow, depth=0.8, opacity=0.4),
            layer(f"ear_bowl_{name}", bowl, self.shadow, depth=0.8, opacity=0.6),
        ]

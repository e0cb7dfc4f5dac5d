"""An eye: white, iris and lid between two lid curves that share their corners, so that a blink closes them exactly."""

from dataclasses import dataclass

import numpy as np

from polytalk.avatar.bundle import Layer
from tools.draw_avatars.curve import Curve, surface
from tools.draw_avatars.geometry import Points, Values, ellipse, join, move, ribbon
from tools.draw_avatars.layers import layer
from tools.draw_avatars.paint import mix

_T = np.array([-1.0, -0.72, -0.38, 0.0, 0.38, 0.72, 1.0])
"""Shares of the half width, from the inner corner to the outer one."""
_UPPER = np.array([0.0, 0.54, 0.88, 1.0, 0.95, 0.67, 0.0])
_LOWER = np.array([0.0, 0.40, 0.78, 1.0, 1.05, 0.80, 0.0])
_SPAN = 1 - _T**2
_DEPTH = 1.12
"""Parallax of what is set in the face."""


@dataclass(frozen=True)
class Eye:
    """Measures in pixels and colours of one eye; `side` is -1 for the one left in the picture, 1 for the right."""

    side: int
    x: float
    y: float
    half_width: float
    upper: float
    lower: float
    iris: float
    iris_color: str
    skin: str
    shadow: str
    lash: str
    lash_width: float
    lashes: bool = False
    tilt: float = 2.4
    """How much higher the outer corner lies than the inner one."""
    white: str = "#fdf8f3"

    def layers(self) -> list[Layer]:
        """Socket, ball, lids, lashes; in painting order."""
        return [*self._socket(), *self._ball(), *self._lids(), *self._lash_line()]

    # --- lids -------------------------------------------------------------------------------------------------------

    def _base(self) -> Points:
        return np.stack([self.x + self.side * self.half_width * _T, self.y - self.tilt * (_T + 1) / 2], axis=1)

    @property
    def _upper_lid(self) -> Curve:
        shut = self.upper * _UPPER + 0.88 * self.lower * _LOWER
        kept = {"gaze_y": 3.4 * _SPAN, "smile": 0.7 * _SPAN}
        return self._lid(-self.upper * _UPPER, shut, kept)

    @property
    def _lower_lid(self) -> Curve:
        return self._lid(
            self.lower * _LOWER, -0.12 * self.lower * _LOWER, {"gaze_y": 1.2 * _SPAN, "smile": -2.8 * _SPAN}
        )

    def _lid(self, offset: Values, shut: Values, open_moves: dict[str, Values]) -> Curve:
        """A lid that shuts by `shut`; what else moves it counts only as far as it is open."""
        moves = {"blink": move(0.0, shut)}
        for term, dy in open_moves.items():
            moves |= {term: move(0.0, dy), f"{term}*blink": move(0.0, -dy)}
        return Curve(self._base() + move(0.0, offset), moves)

    # --- layers -----------------------------------------------------------------------------------------------------

    def _id(self, name: str) -> str:
        return f"{name}_{'left' if self.side < 0 else 'right'}"

    def _socket(self) -> list[Layer]:
        """Soft shade above and below, on the skin."""
        still = {"blink": move(0.0, 0.4 * _SPAN), "smile": move(0.0, -1.6 * _SPAN)}
        upper, lower = Curve(self._upper_lid.anchors), Curve(self._lower_lid.anchors, still)
        return [
            surface(
                self._id("socket"),
                upper.shifted(-self.upper * (0.25 + 0.6 * _SPAN)),
                lower,
                self.shadow,
                opacity=0.13,
                depth=1.06,
            ),
            surface(
                self._id("socket_deep"),
                upper.shifted(-self.upper * 0.42 * _SPAN - 1.5),
                lower.shifted(-1.0),
                self.shadow,
                opacity=0.14,
                depth=1.06,
            ),
            surface(
                self._id("eye_bag"),
                lower.shifted(0.5 * _SPAN),
                lower.shifted(4.4 * _SPAN),
                self.shadow,
                opacity=0.12,
                depth=1.06,
            ),
        ]

    def _ball(self) -> list[Layer]:
        clip, r, color = self._id("eye"), self.iris, self.iris_color
        y = self.y - self.tilt / 2 + self.lower + 1.6 - r
        gaze = {"gaze_x": move(6.0, 0.0), "gaze_y": move(0.0, 4.6)}

        def disc(name: str, dx: float, dy: float, rx: float, ry: float, fill: str, opacity: float = 1.0) -> Layer:
            outline = ellipse(self.x + dx, y + dy, rx, ry)
            return layer(self._id(name), outline, fill, depth=_DEPTH, fields=gaze, clip=clip, opacity=opacity)

        dark, upper = mix(color, "#120a08", 0.6), self._upper_lid
        corner = ellipse(self.x - self.side * (self.half_width - 1.0), self.y - 0.2, 4.2, 3.4)
        pink, shade = mix(self.skin, "#c4504a", 0.4), mix(self.shadow, "#2a1512", 0.6)
        return [
            surface(clip, upper, self._lower_lid, self.white, depth=_DEPTH),
            layer(self._id("eye_corner"), corner, pink, depth=_DEPTH, clip=clip, opacity=0.7),
            disc("iris_rim", 0, 0, r, r, dark),
            disc("iris", 0, 0.2, r * 0.9, r * 0.9, mix(color, "#120a08", 0.18)),
            disc("iris_glow", 0, r * 0.30, r * 0.68, r * 0.58, mix(color, "#e59a4c", 0.45), 0.8),
            disc("iris_light", 0, r * 0.46, r * 0.44, r * 0.32, mix(color, "#f3bd78", 0.65), 0.7),
            disc("pupil", 0, 0, r * 0.46, r * 0.46, "#140c0b"),
            surface(
                self._id("lid_shade"),
                upper.shifted(-1.0),
                upper.shifted(5.4 * (0.5 + 0.5 * _SPAN)),
                shade,
                depth=_DEPTH,
                clip=clip,
                opacity=0.30,
            ),
            disc("glint", -r * 0.36, -r * 0.34, r * 0.25, r * 0.27, "#ffffff", 0.96),
            disc("glint_small", r * 0.38, r * 0.40, r * 0.12, r * 0.12, "#ffffff", 0.5),
        ]

    def _lids(self) -> list[Layer]:
        lid = self._upper_lid
        sink = {
            "blink": move(0.0, 3.4 * (0.4 + 0.6 * _SPAN)),
            "gaze_y": move(0.0, 1.2 * _SPAN),
            "+brow": move(0.0, -1.5 + 0 * _T),
        }
        crease = Curve(lid.anchors - move(0.0, (self.upper * 0.34 + 1.2) * (0.62 + 0.38 * _SPAN)), sink)
        crease.anchors[0] += [self.side * 3.0, 1.0]
        crease.anchors[-1] += [self.side * 1.0, 2.0]
        rim = self._lower_lid
        line = mix(self.shadow, self.lash, 0.4)
        return [
            surface(self._id("lid"), crease, lid, mix(self.skin, self.shadow, 0.30), depth=_DEPTH, opacity=0.92),
            surface(
                self._id("crease"),
                crease.shifted(-0.8 * _SPAN),
                crease.shifted(0.7 * _SPAN),
                line,
                depth=_DEPTH,
                opacity=0.8,
            ),
            surface(
                self._id("lid_rim"),
                rim.shifted(-0.2),
                rim.shifted(1.1 * _SPAN * np.linspace(0.3, 1.0, 7)),
                line,
                depth=_DEPTH,
                opacity=0.65,
            ),
        ]

    def _lash_line(self) -> list[Layer]:
        """The dark edge of the upper lid, thicker to the outer corner, with a small wing."""
        lid, w = self._upper_lid, self.lash_width
        thick = w * np.array([0.2, 0.55, 0.85, 1.0, 1.1, 1.15, 0.5])
        wing = np.zeros((len(_T), 2))
        wing[-1] = [self.side * w * (1.3 if self.lashes else 0.5), -w * (0.9 if self.lashes else 0.3)]
        top, low = (Curve(lid.anchors + move(0.0, dy) + wing, lid.moves) for dy in (-0.8 * thick, 0.2 * thick))
        line = surface(self._id("lash_line"), top, low, self.lash, depth=_DEPTH)
        return [line, self._lashes()] if self.lashes else [line]

    def _lashes(self) -> Layer:
        """Lashes of the outer half, swept outwards; they fall with the lid and turn down as it shuts."""
        lid = self._upper_lid.shifted(-0.5 * self.lash_width)
        hairs, moves = [], {term: list[Points]() for term in lid.moves}
        for t, length in ((0.62, 4.4), (0.8, 5.4), (0.95, 5.8)):
            root = np.array([np.interp(t, _T, lid.anchors[:, 0]), np.interp(t, _T, lid.anchors[:, 1])])
            way = np.array([self.side * (0.7 + 0.5 * t), -0.86 + 0.34 * t])
            bend = np.array([self.side * 0.14, 0.1]) * length
            hair = ribbon(np.stack([root, root + way * length * 0.5 + bend, root + way * length]), 1.5, widest=0.25)
            hairs.append(hair)
            turn = 1.35 * np.clip(root[1] - hair.anchors[:, 1], 0, length)
            for term, moved in lid.moves.items():
                fall = np.interp(t, _T, moved[:, 1])
                moves[term].append(move(0.0, fall + (turn if term == "blink" else 0.0 * turn)))
        fields = {term: np.concatenate(parts) for term, parts in moves.items()}
        return layer(self._id("lashes"), join(hairs), self.lash, depth=_DEPTH, fields=fields)

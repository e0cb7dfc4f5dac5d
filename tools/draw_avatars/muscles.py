"""How skin follows the mouth: one displacement field for each parameter, used by every layer of the lower face."""

from dataclasses import dataclass

import numpy as np

from tools.draw_avatars.geometry import CENTRE, Field, Points, Values, move


def ramp(x: Values, start: float, end: float) -> Values:
    """Smoothstep: 0 before `start`, 1 after `end`."""
    t = np.clip((x - start) / (end - start), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@dataclass(frozen=True)
class Muscles:
    """Where the mouth and the chin are, and how far they go."""

    mouth_y: float
    half_width: float
    chin_y: float
    drop: float = 19.0
    """How far the chin falls at jaw = 1."""

    def fields(self) -> dict[str, Field]:
        """The displacement of skin for each term."""
        return {
            "jaw": self.jaw,
            "wide": lambda p: self._corners(p, 4.0, -1.0) + self._cheeks(p, 2.0, -1.5),
            "round": lambda p: self._corners(p, -5.0, 0.5) + self._cheeks(p, -2.0, 1.0),
            "smile": lambda p: self._corners(p, 4.5, -4.5) + self._cheeks(p, 3.0, -5.0),
            "press": lambda p: move(0.0, -2.0 * self._chin(p)),
            "lower": lambda p: move(0.0, -3.0 * self._chin(p)),
            "upper": lambda p: move(0.0, -2.0 * self._near(p, 0.0, self.mouth_y - 16, 26, 12)),
        }

    def jaw(self, p: Points) -> Points:
        """The mandible turns about the ears: the chin falls most, the cheeks are drawn in a little."""
        x, y = p.T
        side = np.abs(x - CENTRE)
        fall = self.drop * ramp(y, self.mouth_y - 26, self.chin_y - 6) * (1 - 0.72 * ramp(side, 20, 100))
        draw_in = -0.03 * (x - CENTRE) * ramp(y, self.mouth_y - 50, self.mouth_y + 20)
        return move(draw_in, fall)

    def _chin(self, p: Points) -> Values:
        return self._near(p, 0.0, self.chin_y - 18, 40, 24)

    def _corners(self, p: Points, dx: float, dy: float) -> Points:
        side = np.sign(p[:, 0] - CENTRE)
        weight = self._near(p, self.half_width + 4, self.mouth_y, 22, 24)
        return move(side * dx * weight, dy * weight)

    def _cheeks(self, p: Points, dx: float, dy: float) -> Points:
        side = np.sign(p[:, 0] - CENTRE)
        weight = self._near(p, self.half_width + 28, self.mouth_y - 34, 34, 30)
        return move(side * dx * weight, dy * weight)

    @staticmethod
    def _near(p: Points, side: float, y: float, width: float, height: float) -> Values:
        """A bell around (±side, y)."""
        weight: Values = np.exp(-((((np.abs(p[:, 0] - CENTRE) - side) / width) ** 2) + ((p[:, 1] - y) / height) ** 2))
        return weight

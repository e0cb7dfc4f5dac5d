"""Curves that know how they move, and the surfaces between two of them: lips, lids, an opening."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from polytalk.avatar.bundle import Layer, Paint
from tools.draw_avatars.geometry import Outline, Points, Values, move, smooth
from tools.draw_avatars.layers import layer


@dataclass(frozen=True)
class Curve:
    """Anchors from one corner to the other, and the displacement of each for every term."""

    anchors: Points
    moves: Mapping[str, Points] = field(default_factory=dict)

    def shifted(self, dy: Values | float, dx: Values | float = 0.0) -> "Curve":
        """The same curve elsewhere, moving alike."""
        return Curve(self.anchors + move(dx, dy), self.moves)

    def moving(self, moves: Mapping[str, Points]) -> "Curve":
        """The same curve with more movement: terms that it has already are added up."""
        terms = dict.fromkeys((*self.moves, *moves))
        return Curve(self.anchors, {term: self.moved(term) + moves.get(term, 0.0) for term in terms})

    def blend(self, other: "Curve", share: Values | float) -> "Curve":
        """The curve at `share` of the way to another."""
        weight = np.broadcast_to(np.asarray(share, float), len(self.anchors))[:, None]
        terms = dict.fromkeys((*self.moves, *other.moves))
        moves = {term: self.moved(term) * (1 - weight) + other.moved(term) * weight for term in terms}
        return Curve(self.anchors * (1 - weight) + other.anchors * weight, moves)

    def resample(self, at: Values) -> "Curve":
        """The curve through its own points at the (fractional) anchor numbers `at`."""

        def pick(rows: Points) -> Points:
            index = np.arange(len(rows))
            return np.stack([np.interp(at, index, rows[:, 0]), np.interp(at, index, rows[:, 1])], axis=1)

        return Curve(pick(self.anchors), {term: pick(moved) for term, moved in self.moves.items()})

    def moved(self, term: str) -> Points:
        """The displacement for one term."""
        return self.moves.get(term, np.zeros_like(self.anchors))


def surface(
    name: str,
    first: Curve,
    second: Curve,
    fill: Paint,
    *,
    depth: float = 1.0,
    opacity: float = 1.0,
    clip: str | None = None,
) -> Layer:
    """The layer between two curves that share their corners."""
    outline, fields = between(first, second)
    return layer(name, outline, fill, fields=fields, depth=depth, opacity=opacity, clip=clip)


def between(first: Curve, second: Curve) -> tuple[Outline, Mapping[str, Points]]:
    """The closed path along `first` and back along `second`, and its movement."""

    def there_and_back(a: Points, b: Points) -> Points:
        return np.concatenate([a, b[-2:0:-1]])

    outline = smooth(there_and_back(first.anchors, second.anchors), corners=(0, len(first.anchors) - 1))
    terms = dict.fromkeys((*first.moves, *second.moves))
    return outline, {term: there_and_back(first.moved(term), second.moved(term)) for term in terms}

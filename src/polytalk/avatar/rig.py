"""The rig: parameters in, deformed outlines, opacities and affines out. Pure numpy, linear in its terms.

The browser evaluates the same formulas (web/src/face); docs/avatars.md states them.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar
from polytalk.avatar.terms import Factor, parse_term

Floats = NDArray[np.float64]
_HEAD_X, _HEAD_Y, _HEAD_ROLL = (Factor(name, "") for name in ("head_x", "head_y", "head_roll"))


class Shape(NamedTuple):
    """What one parameter vector makes of a rig."""

    coords: Floats
    """Deformed coordinates of all layers one after another, [P]; `Rig.slices` cuts them."""
    opacity: Floats
    """[L], in 0..1."""
    affine: Floats
    """[L, 2, 3]: a point (x, y) of layer l is painted at affine[l] @ (x, y, 1)."""


class Rig:
    """Evaluates an avatar's deltas for all layers at once.

    `outlines` replaces each layer's control points and deltas by another linear form of them, for example by
    flattened curves: [1 + number of its terms, n] arrays, the points first. Holds no state between calls.
    """

    def __init__(self, avatar: Avatar, outlines: Sequence[Floats] | None = None) -> None:
        layers = avatar.layers
        if outlines is None:
            outlines = [np.array([layer.points, *layer.deltas.values()], dtype=np.float64) for layer in layers]
        terms = sorted({term for layer in layers for term in (*layer.deltas, *layer.opacity_deltas)})
        row = {term: index for index, term in enumerate(terms)}
        ends = np.cumsum([outline.shape[1] for outline in outlines])
        self.slices = [
            slice(int(end) - outline.shape[1], int(end)) for end, outline in zip(ends, outlines, strict=True)
        ]
        """Where each layer's coordinates lie in `Shape.coords`."""
        self._terms = [parse_term(term) for term in terms]
        self._points = np.concatenate([outline[0] for outline in outlines])
        deltas = np.zeros((len(terms), self._points.size))
        self._opacity = np.array([layer.opacity for layer in layers])
        self._opacity_deltas = np.zeros((len(terms), len(layers)))
        for index, (layer, outline, where) in enumerate(zip(layers, outlines, self.slices, strict=True)):
            for term, delta in zip(layer.deltas, outline[1:], strict=True):
                deltas[row[term], where] = delta
            for term, change in layer.opacity_deltas.items():
                self._opacity_deltas[row[term], index] = change
        # Nine in ten of the deltas are 0: most terms move a few layers.
        moved = [np.flatnonzero(delta) for delta in deltas]
        self._moves = [(where, delta[where]) for where, delta in zip(moved, deltas, strict=True)]
        self._depth = np.array([layer.depth for layer in layers])
        self._roll = np.radians(avatar.head.roll) * np.array([layer.roll for layer in layers])
        self._shift = np.array(avatar.head.shift)
        self._pivot = np.array(avatar.pivot)

    def evaluate(self, parameters: Mapping[str, float]) -> Shape:
        """Deform under `parameters` (missing ones are 0, values outside their range are clamped)."""
        values = np.array([term.value(parameters) for term in self._terms])
        coords = self._points.copy()
        for value, (where, delta) in zip(values, self._moves, strict=True):
            if value:
                coords[where] += value * delta
        opacity = np.clip(self._opacity + values @ self._opacity_deltas, 0.0, 1.0)
        return Shape(coords, opacity, self._affine(parameters))

    def _affine(self, parameters: Mapping[str, float]) -> Floats:
        """Roll about the pivot, then the parallax shift."""
        angle = self._roll * _HEAD_ROLL.value(parameters)
        move = np.array([_HEAD_X.value(parameters), _HEAD_Y.value(parameters)]) * self._shift
        turn = np.stack([np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)], axis=-1).reshape(-1, 2, 2)
        offset = self._pivot - turn @ self._pivot + self._depth[:, None] * move
        return np.concatenate([turn, offset[..., None]], axis=-1)

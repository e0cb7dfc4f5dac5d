"""Which of the shapes that were drawn before is near enough to the one that is asked for."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar
from polytalk.avatar.photo.codebook import SHUT, Terms
from polytalk.avatar.warp import Floats

FADE = 4.0
"""Pixels that a layer's appearing counts for."""
_APART = 1e3


class Place(NamedTuple):
    """Where a shape is kept."""

    slot: int
    new: bool
    """Nothing near was known: what the slot holds is to be drawn anew, under exactly these parameters."""


class Book:
    """Shapes of some layers, by where their points are: at most `room` of them, the longest unused one makes room.

    What is near is a distance in the space of points, root mean square, so whatever comes back is never further off.
    """

    def __init__(
        self, avatar: Avatar, layers: frozenset[str], scale: tuple[float, float], near: float, room: int
    ) -> None:
        """`scale` is pixels of the picture for one of the drawing, each way; `near` is in pixels of the picture."""
        members = [layer for layer in avatar.layers if layer.id in layers]
        names = sorted({term for layer in members for term in (*layer.deltas, *layer.opacity_deltas)})
        self._terms = Terms(names)
        rows = {name: list[NDArray[np.float64]]() for name in names}
        points = 0
        for layer in members:
            for name in names:
                delta = np.array(layer.deltas.get(name, np.zeros(len(layer.points)))).reshape(-1, 2) * scale
                fade = layer.opacity_deltas.get(name, 0.0) * FADE * np.sqrt(len(delta))
                rows[name].append(np.append(delta.ravel(), fade))
            points += len(layer.points) // 2
        table = np.stack([np.concatenate(rows[name]) for name in names])
        # |x @ table| = |x @ root| for a root of the Gram matrix: as many numbers as terms, not as points.
        values, vectors = np.linalg.eigh(table @ table.T / max(1, points))
        self._root = (vectors * np.sqrt(np.maximum(values, 0.0))).astype(np.float32)
        self._near = near * near
        self._keys = np.zeros((room, len(names) + 1), np.float32)
        self._used = np.zeros(room, np.int64)
        self._count = self._clock = 0

    @property
    def room(self) -> int:
        """How many shapes it holds."""
        return len(self._keys)

    def find(self, parameters: Mapping[str, float]) -> Place:
        """The nearest shape that is near, or a slot for this one."""
        key = self._key(parameters)
        self._clock += 1
        if self._count:
            away = self._keys[: self._count] - key
            square = np.einsum("kd,kd->k", away, away)
            slot = int(square.argmin())
            if square[slot] <= self._near:
                self._used[slot] = self._clock
                return Place(slot, new=False)
        return Place(self._take(key), new=True)

    def add(self, parameters: Mapping[str, float]) -> int:
        """The slot for a shape that was drawn before, however near others are."""
        self._clock += 1
        return self._take(self._key(parameters))

    def _key(self, parameters: Mapping[str, float]) -> Floats:
        values = self._terms.values(self._terms.vector(parameters)) @ self._root
        return np.append(values, _APART * (parameters.get("press", 0.0) > SHUT)).astype(np.float32)

    def _take(self, key: Floats) -> int:
        if self._count < len(self._keys):
            slot = self._count
            self._count += 1
        else:
            slot = int(self._used.argmin())
        self._keys[slot], self._used[slot] = key, self._clock
        return slot

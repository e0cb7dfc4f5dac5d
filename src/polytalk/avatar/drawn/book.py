"""Which shape stands for the one that is asked for: the same for the same parameters, whatever was drawn before."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.bundle import Avatar
from polytalk.avatar.photo.codebook import MOUTH, SHUT, Terms
from polytalk.avatar.photo.visemes import MOUTHS
from polytalk.avatar.terms import PARAMETERS, SIGNED

FADE = 4.0
"""Pixels that a layer's appearing counts for."""
SMILES = 32
"""Steps of a smile: a tenth of a pixel each."""


_KEPT = 8
"""Smiles whose mouths are kept in place: speakers keep theirs."""
_COLUMNS = [PARAMETERS.index(name) for name in MOUTH]


class Shapes(Protocol):
    """Stands one shape for many."""

    def find(self, parameters: Mapping[str, float], /) -> dict[str, float]:
        """The parameters of the shape that is drawn in place of these."""
        ...


class Measure:
    """How far some layers' points are apart under two settings of parameters: pixels, root mean square."""

    def __init__(self, avatar: Avatar, layers: frozenset[str], scale: tuple[float, float]) -> None:
        """`scale` is pixels of the picture for one of the drawing, each way."""
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
        table = np.array([np.concatenate(rows[name]) for name in names]).reshape(len(names), 2 * points + len(members))
        # |x @ table| = |x @ root| for a root of the Gram matrix: as many numbers as terms, not as points.
        values, vectors = np.linalg.eigh(table @ table.T / max(1, points))
        self._root = vectors * np.sqrt(np.maximum(values, 0.0))

    def key(self, parameters: Mapping[str, float]) -> NDArray[np.float64]:
        """[D]: the distance of two of them is that of the shapes."""
        return self.keys(self._terms.vector(parameters))

    def keys(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """[..., D] of vectors as `Terms` has them."""
        result: NDArray[np.float64] = self._terms.values(vectors) @ self._root
        return result

    def vector(self, parameters: Mapping[str, float]) -> NDArray[np.float64]:
        """Of all parameters, clamped."""
        return self._terms.vector(parameters)


class Grid:
    """Rounds every parameter, to steps that all move the shape equally far."""

    def __init__(self, measure: Measure, names: tuple[str, ...], step: float) -> None:
        """`step` in pixels, at most: what one moves depends on the others."""
        others: list[dict[str, float]] = [{}, *({name: 1.0} for name in names), *MOUTHS.values()]
        self._steps: dict[str, float] = {}
        for name in names:
            ends = (-1.0, 1.0) if name in SIGNED else (1.0,)
            moved = [
                measure.key({**one, name: end}) - measure.key({**one, name: 0.0}) for one in others for end in ends
            ]
            self._steps[name] = min(1.0, step / max(1e-6, *(float(np.linalg.norm(one)) for one in moved)))

    def find(self, parameters: Mapping[str, float]) -> dict[str, float]:
        """See Shapes."""
        found = {name: round(parameters.get(name, 0.0) / step) * step for name, step in self._steps.items()}
        press = parameters.get("press", 0.0)
        if "press" in found and (found["press"] > SHUT) != (press > SHUT):
            found["press"] = press  # sealed lips are not parted a little
        return found


class Book:
    """Mouths: those that speech takes, where one is near, else a grid's."""

    def __init__(self, measure: Measure, names: tuple[str, ...], near: float) -> None:
        """`near` in pixels."""
        self._measure, self._grid, self._near = measure, Grid(measure, names, near), near * near
        self._smiling: dict[int, NDArray[np.float64]] = {}

    def find(self, parameters: Mapping[str, float]) -> dict[str, float]:
        """See Shapes."""
        smile = round(min(1.0, max(0.0, parameters.get("smile", 0.0))) * SMILES)
        mouths, shut = spoken()
        away = self._keys(smile) - self._measure.key(parameters)
        square = np.einsum("kd,kd->k", away, away)
        square[shut != (parameters.get("press", 0.0) > SHUT)] = np.inf  # sealed lips are not taken for parted ones
        at = int(square.argmin())
        if square[at] > self._near:
            return self._grid.find(parameters)
        return dict(zip(MOUTH, mouths[at].tolist(), strict=True)) | {"smile": smile / SMILES}

    def _keys(self, smile: int) -> NDArray[np.float64]:
        """[mouths, D]."""
        if smile not in self._smiling:
            if len(self._smiling) == _KEPT:
                self._smiling.clear()
            mouths, _ = spoken()
            rest = self._measure.vector({"smile": smile / SMILES})
            vectors = np.tile(rest, (len(mouths), 1))
            vectors[:, _COLUMNS] = mouths
            self._smiling[smile] = self._measure.keys(vectors)
        return self._smiling[smile]


@cache
def spoken() -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """[mouths, parameters] that stand for those of speech (tools/speech_mouths.py), the most frequent first; and which
    of them are sealed."""
    lines = files(__package__).joinpath("mouths.txt").read_text().split()
    mouths = np.array([list(bytes.fromhex(line)) for line in lines]) / 255
    return mouths, mouths[:, MOUTH.index("press")] > SHUT

"""256 mouth shapes that stand for all, chosen by where they put the lips; a frame is a blend of two of them."""

from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar.photo.face import Floats, PhotoFace, term_of
from polytalk.avatar.photo.visemes import MOUTHS
from polytalk.avatar.terms import PARAMETERS, SIGNED

MOUTH = ("jaw", "wide", "round", "press", "upper", "lower", "teeth", "tongue")
"""What a code sets; eyes, smile and head are moved apart from it."""
SIZE = 256
SEALED = 24
"""Codes among them whose lips are shut: frames with `press` beyond `SHUT` are made of these alone."""
SHUT = 0.9
SAMPLES = 6000
NEAR = 24
"""How many neighbours of the nearest code are tried as its partner."""
INSIDE = 0.35
"""What a pixel of teeth or tongue counts beside one of the lips."""
_COLUMN = {name: index for index, name in enumerate(PARAMETERS)}
_LOWEST = np.array([-1.0 if name in SIGNED else 0.0 for name in PARAMETERS])


class Terms:
    """Values of many terms at once."""

    def __init__(self, names: list[str]) -> None:
        """Halves of signed parameters have no place in these."""
        self.names = names
        index = np.full((len(names), 3), len(PARAMETERS))
        for row, name in enumerate(names):
            for column, factor in enumerate(term_of(name).factors):
                index[row, column] = _COLUMN[factor.parameter]
        self._index = index

    def vector(self, parameters: Mapping[str, float]) -> NDArray[np.float64]:
        """Clamped parameters, and a 1 for terms with fewer factors."""
        values = [parameters.get(name, 0.0) for name in PARAMETERS]
        return np.append(np.minimum(1.0, np.maximum(_LOWEST, values)), 1.0)

    def values(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """[..., T] of vectors [..., parameters + 1]."""
        result: NDArray[np.float64] = vectors[..., self._index].prod(axis=-1)
        return result


class Blend(NamedTuple):
    """Code `first` and a share 0..1 of code `second`."""

    first: int
    second: int
    share: float


class Codebook:
    """Finds the codes for a mouth."""

    def __init__(self, face: PhotoFace, chosen: NDArray[np.intp] | None = None) -> None:
        """`chosen` is what another one of the same face chose, to save the time."""
        weights = _weights(face)
        self.terms = Terms(sorted(weights))
        table = np.stack([weights[name] for name in self.terms.names])  # [T, D]
        samples = _samples()
        keys = self.terms.values(samples) @ table
        # Lips have few degrees of freedom: a dozen directions hold all but a hundredth of a pixel.
        axes = np.linalg.eigh(np.cov(keys.T))[1][:, :-13:-1].T
        self._table = table @ axes.T
        self._project = table
        low = self.terms.values(samples) @ self._table
        if chosen is None or chosen.max() >= len(samples):
            shut = samples[:, _COLUMN["press"]] > SHUT
            chosen = np.concatenate(
                [choose(low, np.flatnonzero(shut), SEALED), choose(low, np.flatnonzero(~shut), SIZE - SEALED)]
            )
        self.chosen = chosen
        """[SIZE] among the samples."""
        self.vectors = samples[chosen]
        """[SIZE, parameters + 1]; the first `SEALED` are shut."""
        self._keys = low[chosen]

    def parameters(self, code: int) -> dict[str, float]:
        """What a code looks like, for the reference."""
        return {name: float(self.vectors[code, _COLUMN[name]]) for name in MOUTH}

    def find(self, vector: NDArray[np.float64]) -> Blend:
        """The two codes whose blend puts the lips nearest to where the parameters do."""
        key = self.terms.values(vector) @ self._table
        sealed = vector[_COLUMN["press"]] > SHUT
        return nearest_blend(key, self._keys[:SEALED] if sealed else self._keys)

    def lips(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """[..., L, 2] displacements of the lips' edges in pixels, of parameter vectors."""
        flat = self.terms.values(vectors) @ self._project
        count = self._lip_numbers
        return flat[..., :count].reshape(*flat.shape[:-1], -1, 2)

    @property
    def _lip_numbers(self) -> int:
        return int(self._project.shape[1]) - 2 * 3


def nearest_blend(key: NDArray[np.float64], keys: NDArray[np.float64]) -> Blend:
    """The two of `keys` [K, D] whose blend is nearest to `key` [D]."""
    away = key - keys
    square = np.einsum("kd,kd->k", away, away)
    near = np.argpartition(square, min(NEAR, len(keys) - 1))[:NEAR]
    first = int(near[np.argmin(square[near])])
    side = keys[near] - keys[first]
    length = np.einsum("kd,kd->k", side, side)
    share = np.clip(side @ away[first] / np.maximum(length, 1e-9), 0.0, 1.0)
    rest = away[first] - share[:, None] * side
    # A blend of shapes far apart shows both of them: prefer near partners.
    cost = np.einsum("kd,kd->k", rest, rest) + 0.04 * share * (1 - share) * length
    best = int(np.argmin(cost))
    return Blend(first, int(near[best]), float(share[best]))


def _weights(face: PhotoFace) -> dict[str, NDArray[np.float64]]:
    """By term: displacements of the lips' edges, then of teeth and tongue at a lower weight; [D] numbers."""
    lips = face.lips.ravel()
    inside = [face.sheet(name) for name in ("upper_teeth", "lower_teeth", "tongue")]
    terms = {term for one in (face.sheet("mouth"), *inside) for term in one.deltas}
    found = {}
    for term in terms:
        if not all(factor.parameter in MOUTH for factor in term_of(term).factors):
            continue
        edge = face.sheet("mouth").deltas.get(term)
        rows = [np.zeros((len(lips), 2)) if edge is None else edge[lips]]
        for one in inside:
            delta = one.deltas.get(term)
            middle = np.zeros((1, 2)) if delta is None else delta.mean(axis=0, keepdims=True)
            rows.append(middle * INSIDE * np.sqrt(len(lips)) / 4)
        found[term] = np.concatenate(rows).ravel().astype(np.float64)
    return found


@cache
def _samples() -> NDArray[np.float64]:
    """[`SAMPLES`, parameters + 1]: the visemes, then what mouths do on their way from one to the next."""
    chance = np.random.default_rng(1)
    pure = np.array([[shape.get(name, 0.0) for name in MOUTH] for shape in MOUTHS.values()])
    pairs = chance.integers(0, len(pure), (SAMPLES, 3))
    weights = chance.dirichlet((0.6, 0.6, 0.25), SAMPLES)
    mixed = np.einsum("sk,skp->sp", weights, pure[pairs])
    mixed[:, 0] *= chance.uniform(0.7, 1.2, SAMPLES)
    mixed *= np.where(chance.uniform(size=SAMPLES) < 0.3, chance.uniform(0.2, 1.0, SAMPLES), 1.0)[:, None]
    press = MOUTH.index("press")
    sealing = chance.uniform(size=SAMPLES) < 0.22
    mixed[sealing, press] = np.clip(chance.uniform(0.2, 1.5, int(sealing.sum())), 0, 1)
    mixed[: len(pure)] = pure
    full = np.zeros((SAMPLES, len(PARAMETERS) + 1))
    full[:, [_COLUMN[name] for name in MOUTH]] = np.clip(mixed, 0, 1)
    full[:, -1] = 1.0
    return full


def choose(keys: NDArray[np.float64], among: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """`count` of the samples that stand for all of them: k-means, then the sample nearest to each mean."""
    chance = np.random.default_rng(2)
    data = keys[among].astype(np.float32)
    centres: Floats = data[np.concatenate([[0], 1 + chance.choice(len(data) - 1, count - 1, replace=False)])].copy()
    norms = (data * data).sum(1, keepdims=True)
    for _ in range(12):
        square = norms - 2 * data @ centres.T + (centres * centres).sum(1)
        owner = square.argmin(axis=1)
        sums = np.zeros_like(centres)
        np.add.at(sums, owner, data)
        counts = np.bincount(owner, minlength=count)
        empty = counts == 0
        centres = np.where(empty[:, None], centres, sums / np.maximum(counts, 1)[:, None])
        if empty.any():  # to the samples that are served worst
            centres[empty] = data[np.argsort(square.min(axis=1))[-int(empty.sum()) :]]
    square = norms - 2 * data @ centres.T + (centres * centres).sum(1)
    chosen: NDArray[np.intp] = square.argmin(axis=0)
    chosen[0] = 0  # the first of the visemes exactly: a face at rest is its photograph
    found: NDArray[np.intp] = among[chosen]
    return found

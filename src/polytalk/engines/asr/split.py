"""Cutting long recordings where nobody speaks."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from polytalk.types import LISTEN_RATE

_GRAIN = LISTEN_RATE // 50  # 20 ms: loudness is looked at in these
_PAUSE = 10  # grains: a pause between words lasts about 200 ms


def at_quiet_points(samples: NDArray[np.float32], longest: int) -> list[NDArray[np.float32]]:
    """Pieces of at most `longest` samples, cut in the quietest 200 ms of each piece's second half.

    The pieces follow one another without gap or overlap.
    """
    if longest < 4 * _PAUSE * _GRAIN:
        raise ValueError(f"a piece must be longer than {longest} samples")
    cuts = [0]
    while len(samples) - cuts[-1] > longest:
        start = cuts[-1] + longest // 2
        cuts.append(start + _quietest(samples[start : cuts[-1] + longest]))
    return [samples[start:end] for start, end in pairwise([*cuts, len(samples)])]


def _quietest(samples: NDArray[np.float32]) -> int:
    """The middle of the 200 ms with the least energy, in samples."""
    grains = samples[: len(samples) // _GRAIN * _GRAIN].reshape(-1, _GRAIN)
    energy = np.convolve(np.square(grains).sum(axis=1), np.ones(_PAUSE), mode="valid")
    return int(energy.argmin() + _PAUSE // 2) * _GRAIN

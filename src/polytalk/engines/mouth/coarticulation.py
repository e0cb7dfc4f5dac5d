"""Gestures to movement: dominance functions, lips that really seal, and rest in silence.

Cohen & Massaro, "Modeling coarticulation in synthetic visual speech" (1993): at every moment a parameter is the mean
of all gestures' targets, weighted by dominances that decay exponentially with the distance in time,
F(t) = sum D_i(t) T_i / sum D_i(t), D_i(t) = a_i exp(-r |t - t_i|). Two changes: the distance is counted from the
inner part of the phone instead of its centre, so that long phones hold their shape; and `press` is a bilabial's seal,
laid over the mean, because an average never quite closes.
"""

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.mouth.visemes import JAW, PRESS, Gestures
from polytalk.types import MOUTH_PARAMS, Seconds

#             jaw   wide  round press upper lower teeth tongue blink
ANTICIPATION = (24.0, 15.0, 9.0, 1.0, 22.0, 40.0, 24.0, 30.0, 1.0)
"""Decay of a dominance before its gesture, per second: rounding starts 0.1 s early, a tuck only 0.025 s."""
CARRY_OVER = (28.0, 20.0, 16.0, 1.0, 26.0, 50.0, 28.0, 30.0, 1.0)
"""Decay after the gesture: articulators let go sooner than they prepare."""
HOLD = 0.5
"""Inner share of a phone at which its dominance is full."""
NEIGHBOURS = 4
"""Gestures on either side that can matter: at ten phones a second the next one weighs a few per cent at most."""

SEAL_SHARE = 0.35
"""Share of a bilabial on each side of its middle in which the lips are shut."""
SEAL_LEAST: Seconds = 0.021
"""Shut at least this long on each side: one frame at 50 Hz whatever the phase."""
SEAL_APPROACH: Seconds = 0.06
SEAL_RELEASE: Seconds = 0.045
SEALED_JAW = 0.06

RELAX: Seconds = 0.12
"""From the end of speech to rest."""
PREPARE: Seconds = 0.1
"""From rest to the first phone."""


def blend(gestures: Gestures, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """Parameters [T, P] in 0..1 at `times` (seconds, rising). Linear in T; zeros when there is no gesture."""
    if not len(gestures.start):
        return np.zeros((len(times), len(MOUTH_PARAMS)), dtype=np.float32)
    values = _smooth(_weighted(gestures, times))
    values *= _speaking(gestures, times)[:, None]
    sealed = _sealed(gestures, times)
    values[:, PRESS] = sealed
    values[:, JAW] += sealed * (np.minimum(values[:, JAW], SEALED_JAW) - values[:, JAW])
    return values


def _weighted(gestures: Gestures, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """The mean of the nearest gestures' targets by dominance."""
    centre = (gestures.start + gestures.end) / 2
    inner = (gestures.end - gestures.start) / 2 * HOLD
    order = np.searchsorted(np.sort(centre), times)[:, None] + np.arange(-NEIGHBOURS, NEIGHBOURS)
    present = (order >= 0) & (order < len(centre))
    near = np.argsort(centre, kind="stable")[np.clip(order, 0, len(centre) - 1)]  # [T, K]
    offset = times[:, None] - centre[near]
    distance = np.maximum(np.abs(offset) - inner[near], 0.0).astype(np.float32)
    rates = np.where(
        (offset < 0)[:, :, None], np.array(ANTICIPATION, dtype=np.float32), np.array(CARRY_OVER, dtype=np.float32)
    )
    exponent = -rates * distance[:, :, None]
    exponent -= exponent.max(axis=1, keepdims=True)  # far from all gestures the nearest still counts: no 0 / 0
    weight = gestures.dominance[near] * np.exp(exponent) * present[:, :, None]
    total: NDArray[np.float32] = (weight * gestures.target[near]).sum(axis=1) / weight.sum(axis=1)
    return total


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Rounds the kinks that exponentials have at phone borders: a binomial filter of three frames."""
    padded = np.concatenate([values[:1], values, values[-1:]])
    result: NDArray[np.float32] = (padded[:-2] + 2 * padded[1:-1] + padded[2:]) / 4
    return result


def _speaking(gestures: Gestures, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """1 while a phone sounds, falling to 0 within `RELAX` after it and rising from 0 in `PREPARE` before it."""
    ends = np.maximum.accumulate(gestures.end)
    following = np.searchsorted(gestures.start, times, side="right")
    since = times - np.concatenate([[-np.inf], ends])[following]
    until = np.concatenate([gestures.start, [np.inf]])[following] - times
    level = np.maximum(1 - since / RELAX, 1 - until / PREPARE)
    clipped = np.clip(level, 0.0, 1.0)
    eased: NDArray[np.float32] = (clipped * clipped * (3 - 2 * clipped)).astype(np.float32)
    return eased


def _sealed(gestures: Gestures, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """How shut the lips are at each time by bilabials alone: 1 around their middles."""
    seals = gestures.target[:, PRESS] == 1
    start, end = gestures.start[seals], gestures.end[seals]
    if not len(start):
        return np.zeros(len(times), dtype=np.float32)
    hold = np.maximum((end - start) * SEAL_SHARE, SEAL_LEAST)
    offset = times[:, None] - (start + end) / 2
    ramp = np.where(offset < 0, SEAL_APPROACH, SEAL_RELEASE)
    shut = np.clip(1 - (np.abs(offset) - hold) / ramp, 0.0, 1.0).max(axis=1)
    result: NDArray[np.float32] = shut.astype(np.float32)
    return result

"""What stays and what lives: the patch's border, the likeness to the portrait, blinks and the head's motion."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar import landmarks
from polytalk.avatar import points as at
from polytalk.avatar.motion import perform
from polytalk.avatar.pictures import Frame
from polytalk.avatar.points import Points
from polytalk.cli.facebench.subjects import Subject
from polytalk.types import Seconds

MINUTE: Seconds = 60.0
FPS = 25.0
LOOKED_AT = 24
"""Pictures of the minute in which the face is looked for."""
RIGID = (
    *at.LEFT_EYE,
    *at.RIGHT_EYE,
    at.NOSE_ROOT,
    at.NOSE_BRIDGE,
    at.NOSE_BACK,
    at.NOSE_TIP,
    at.LEFT_SIDE,
    at.RIGHT_SIDE,
)
"""What neither speech nor blinks move."""
BINS = 8
_SHUT = 0.5


class Life(NamedTuple):
    """Of an idle minute."""

    blinks: int
    sway: float
    """Root mean square of the nose's way from its mean place, in per cent of the distance between the eyes."""


class Likeness(NamedTuple):
    """Between the portrait's face and rendered ones, the worst of some."""

    shape: float
    """RMS distance of the rigid points after shift, turn and scale, in per cent of the eyes' distance."""
    colour: float
    """1 - intersection of the colours' histograms over the face."""


def life(subject: Subject, cache: Path) -> Life:
    """Blinks are counted on the pixels that a blink changes; the head's place by landmarks."""
    renderer = subject.renderer
    lids: list[float] = []
    pictures: list[Frame] = []
    moves = list(perform(subject.motion, MINUTE, states=[(0.0, "listening")], fps=FPS, seed=1))
    every = len(moves) // LOOKED_AT
    for number, move in enumerate(moves):
        looked_at = number % every == 0
        if not looked_at and move["blink"] == 0.0 and lids and lids[-1] < _SHUT:
            lids.append(0.0)  # the same eyes, elsewhere: not worth a picture
            continue
        picture = renderer.frame(move)
        # The same pose with the eyes open and shut: a smile or a lean alone is no blink.
        open_, shut = (renderer.frame(move | {"blink": value}).astype(np.float32) for value in (0.0, 1.0))
        change = shut - open_
        most = max(1.0, float((change**2).sum()))  # eyes behind glasses do not blink
        lids.append(float(((picture.astype(np.float32) - open_) * change).sum() / most))
        if looked_at:
            pictures.append(picture)
    count = times_above(lids)
    found = [faces[0].points for faces in landmarks.find_each(pictures, cache) if faces]
    if not found:
        return Life(count, np.nan)
    noses = np.array([points[at.NOSE_TIP, :2] for points in found])
    away = np.linalg.norm(noses - noses.mean(0), axis=1)
    return Life(count, 100 * float(np.sqrt((away**2).mean())) / _eyes(found[0]))


def jitter(subject: Subject, moves: Sequence[dict[str, float]], cache: Path) -> float:
    """How unevenly the forehead, which speech leaves alone, moves in a live stream. NaN where no face is found."""
    (faces,) = landmarks.find_each([subject.renderer.frame({})], cache)
    if not faces:
        return np.nan
    points = faces[0].points
    left, right = points[at.LEFT_EYE[0], 0], points[at.RIGHT_EYE[0], 0]
    top, bottom = sorted((points[at.FOREHEAD, 1], points[at.BROWS_MIDDLE, 1]))
    part = np.s_[max(0, int(top)) : int(bottom), int(left) : int(right)]
    draw = subject.renderer.planes("full")
    if draw is None:  # whole pictures, anew every time
        light = [subject.renderer.frame(move)[part] @ np.array([0.299, 0.587, 0.114], np.float32) for move in moves]
    else:
        light = [draw(move)[0][part].astype(np.float32) for move in moves]
    return unevenness([np.asarray(one, np.float32) for one in light])


def unevenness(seen: Sequence[NDArray[np.float32]]) -> float:
    """RMS change of the step from one picture [H, W] to the next, in pixels, for steps of a pixel at most.

    A step is the shift that explains the difference best to the first order (Lucas & Kanade 1981).
    """
    steps = np.array([_step(one, other) for one, other in pairwise(seen)])
    return float(np.sqrt((np.diff(steps, axis=0) ** 2).sum(axis=1).mean()))


def _step(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float64]:
    down, across = np.gradient((one + other) / 2)
    slopes = np.stack([across.ravel(), down.ravel()], axis=-1).astype(np.float64)
    found = np.linalg.lstsq(slopes, (one - other).ravel().astype(np.float64), rcond=None)[0]
    return np.asarray(found, np.float64)


def times_above(values: Sequence[float], level: float = _SHUT) -> int:
    """How often they rise above the level."""
    above = np.array([-np.inf, *values]) > level
    return int((above[1:] & ~above[:-1]).sum())


def likeness(portrait: Frame, pictures: list[Frame], cache: Path) -> Likeness:
    """The worst of the pictures. NaN where no face is found."""
    own, *others = landmarks.find_each([portrait, *pictures], cache)
    pairs = [(faces[0].points, picture) for faces, picture in zip(others, pictures, strict=True) if faces]
    if not own or not pairs:
        return Likeness(np.nan, np.nan)
    reference = own[0].points
    shapes = [_apart(reference, points) for points, _ in pairs]
    mine = _histogram(portrait, reference)
    colours = [1 - float(np.minimum(mine, _histogram(picture, points)).sum()) for points, picture in pairs]
    return Likeness(100 * max(shapes) / _eyes(reference), max(colours))


def _apart(one: Points, other: Points) -> float:
    """RMS distance after the best similarity (Umeyama 1991), complex numbers for points of the plane."""
    a, b = (points[list(RIGID), :2] @ np.array([1, 1j]) for points in (one, other))
    a, b = a - a.mean(), b - b.mean()
    fit = np.vdot(b, a) / np.vdot(b, b)
    return float(np.sqrt((np.abs(a - fit * b) ** 2).mean()))


def _eyes(points: Points) -> float:
    return float(np.linalg.norm(points[at.LEFT_EYE[0], :2] - points[at.RIGHT_EYE[0], :2]))


def _histogram(picture: Frame, points: Points) -> NDArray[np.float64]:
    """[BINS³] shares of the face's pixels, from brows to chin."""
    low, high = points[:, :2].min(0).astype(int), points[:, :2].max(0).astype(int)
    face = picture[max(0, low[1]) : high[1], max(0, low[0]) : high[0]].reshape(-1, 3)
    counts, _ = np.histogramdd(face, bins=BINS, range=[(0, 256)] * 3)
    return np.asarray(counts.ravel() / counts.sum(), np.float64)

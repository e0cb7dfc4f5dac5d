"""Lips on rendered pictures: how far they are open, by landmarks and by pixels; when, beside the sound; and seals."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.avatar import landmarks, points
from polytalk.avatar.motion import perform
from polytalk.avatar.pictures import Frame
from polytalk.cli.facebench.said import Said
from polytalk.cli.facebench.subjects import Subject, interior
from polytalk.types import SPEECH_RATE, Seconds

FPS = 25
AT_ONCE = 100
"""Pictures that one process looks for landmarks in."""
WITHIN: Seconds = 0.06
SHUT_GAP = 0.03
"""Height of the opening over its width, by landmarks: less is shut, as at a photograph's taking in."""
SHUT_AREA = 0.01
"""Visible inside of the mouth over the square of its width at rest: less is shut."""
LAGS = 5
"""Pictures that are tried on either side: 0.2 s."""
VOWELS = frozenset("aɑɒæɐʌəɚᵊɛɜeɪᵻiɔoʊuAIOWYQ")
QUIET_DB = -40.0

Series = NDArray[np.float64]


class Opening(NamedTuple):
    """Of each picture, by two rulers."""

    moments: Series
    gap: Series
    """By landmarks, height over width; NaN where no face was found."""
    area: Series
    """By pixels, over the mouth's squared width; NaN where the inside can't be told."""


def opening(subject: Subject, said: Said, cache: Path, only: NDArray[np.bool_] | None = None) -> Opening:
    """Of the pictures as a clip has them; of those for which `only` is true."""
    moves = list(perform(subject.motion, said.lasts, states=[(0.0, "speaking")], mouth=said.mouth, fps=FPS, seed=1))
    chosen = range(len(moves)) if only is None else np.flatnonzero(only[: len(moves)]).tolist()
    width, rest = _at_rest(subject, cache)
    gaps: list[float] = []
    for start in range(0, len(chosen), AT_ONCE):
        part = [subject.renderer.frame(moves[number]) for number in chosen[start : start + AT_ONCE]]
        gaps += gap_of(part, cache)
    area = [
        np.nan if subject.ghost is None else (interior(subject.ghost.frame(moves[number])) - rest) / width**2
        for number in chosen
    ]
    return Opening(np.array(chosen) / FPS, np.array(gaps), np.array(area, np.float64))


def gap_of(pictures: Sequence[Frame], cache: Path) -> list[float]:
    """Height over width of the mouth's opening in each, NaN where no face was found."""
    found = landmarks.find_each(pictures, cache) if pictures else []
    return [points.mouth_gap(faces[0].points) if faces else np.nan for faces in found]


def near(said: Said) -> NDArray[np.bool_]:
    """Which pictures lie within `WITHIN` of a seal."""
    moments = np.arange(round(said.lasts * FPS)) / FPS
    away = np.abs(moments[:, None] - said.closures)
    return np.asarray((away <= WITHIN + 1e-9).any(axis=1), np.bool_)


def seals(seen: Opening, said: Said) -> tuple[int, int, int]:
    """/m b p/ that have pictures, and how many of them are shut by landmarks, and by pixels."""
    count = shut_gap = shut_area = 0
    for middle in said.closures:
        close = np.abs(seen.moments - middle) <= WITHIN + 1e-9
        if not close.any():
            continue
        count += 1
        shut_gap += bool(_least(seen.gap[close]) < SHUT_GAP)
        shut_area += bool(_least(seen.area[close]) < SHUT_AREA)
    return count, shut_gap, shut_area


def offset(pairs: Sequence[tuple[Series, Series]]) -> Seconds:
    """How much later the first of each pair does what the second does: where they correlate best, in all pairs at once.

    [T] each, `FPS` a second; between pictures by a parabola.
    """
    scores = np.mean([_scores(np.nan_to_num(one), other) for one, other in pairs], axis=0)
    best = int(np.clip(np.argmax(scores), 1, 2 * LAGS - 1))
    before, peak, after = scores[best - 1 : best + 2]
    bend = before - 2 * peak + after
    return float(best - LAGS + (0.5 * (before - after) / bend if bend < 0 else 0.0)) / FPS


def loudness(said: Said, moments: Series) -> Series:
    """[T] dB around each moment, `QUIET_DB` of the loudest at least."""
    samples = np.frombuffer(said.audio, "<i2").astype(np.float64)
    reach = SPEECH_RATE // FPS // 2
    power = np.array(
        [np.mean(samples[max(0, at - reach) : at + reach] ** 2) for at in (moments * SPEECH_RATE).astype(int)]
    )
    level: Series = np.maximum(10 * np.log10(power / power.max() + 1e-12), QUIET_DB)
    return level


def vowels(said: Said, moments: Series) -> Series:
    """[T] the share of a picture's time around each moment that is a vowel."""
    reach = 0.5 / FPS
    spans = [(one.start, one.end) for one in said.phones if one.symbol and one.symbol[0] in VOWELS]
    shares = [
        sum(max(0.0, min(end, at + reach) - max(start, at - reach)) for start, end in spans) * FPS for at in moments
    ]
    return np.array(shares)


def _scores(one: Series, other: Series) -> list[float]:
    length = len(one) - 2 * LAGS
    middle = other[LAGS : LAGS + length]
    return [float(np.corrcoef(one[lag : lag + length], middle)[0, 1]) for lag in range(2 * LAGS + 1)]


def _at_rest(subject: Subject, cache: Path) -> tuple[float, float]:
    """The mouth's width in pixels, and what shows of its inside."""
    (faces,) = landmarks.find_each([subject.renderer.frame({})], cache)
    width = 80.0 if not faces else float(np.linalg.norm(faces[0].points[78, :2] - faces[0].points[308, :2]))
    return width, 0.0 if subject.ghost is None else interior(subject.ghost.frame({}))


def _least(values: Series) -> float:
    return float(np.nanmin(values)) if np.isfinite(values).any() else np.inf

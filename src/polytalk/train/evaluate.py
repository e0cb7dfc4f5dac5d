"""How well frames of a mouth fit speech whose phones are known. Measured against phone times, never against a model."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.analyse.mels import Mels
from polytalk.engines.mouth.mouthnet import MouthNet
from polytalk.engines.mouth.visemes import JAW, PRESS
from polytalk.train.dataset import wanted
from polytalk.types import (
    MOUTH_PARAMS,
    MOUTH_RATE,
    SAMPLE_BYTES,
    AnalyseWork,
    Features,
    MouthFrames,
    Phone,
    Seconds,
    Speech,
)

BILABIALS = frozenset("mbp")
WITHIN: Seconds = 0.06
"""A closure counts when the lips are shut this near to the middle of the phone."""
SHUT = 0.75
"""`press` from which lips are shut."""
LAGS = 10
"""Frames of lag that are tried on each side: 0.2 s."""

Frames = NDArray[np.float32]


class Score(NamedTuple):
    """Of one voice or of several."""

    correlation: float
    """Mean over the parameters that move of Pearson's r with what the phone times ask for."""
    closures: int
    """/m b p/ in the speech."""
    hit: int
    """Of them, how many found the lips shut."""
    shut: int
    """Times the lips were shut."""
    idle: int
    """Of them, how many without an /m b p/ within `WITHIN`."""
    offset: Seconds
    """How much later the mouth opens than the phones ask; positive lags."""

    @property
    def hit_rate(self) -> float:
        """Share of closures that were seen."""
        return self.hit / max(self.closures, 1)

    @property
    def idle_rate(self) -> float:
        """Share of shut lips that had no reason."""
        return self.idle / max(self.shut, 1)


def as_values(frames: MouthFrames) -> Frames:
    """[F, P] in 0..1."""
    return np.frombuffer(frames.frames, dtype=np.uint8).reshape(-1, len(MOUTH_PARAMS)).astype(np.float32) / np.float32(
        255
    )


def score_net(net: MouthNet, speech: Sequence[Speech]) -> Score:
    """Score the net on speech whose phones are known; it hears the audio alone."""
    return score(zip(net.move(analysed(speech)), speech, strict=True))


def analysed(speech: Sequence[Speech]) -> list[Features]:
    """What the engine `mels` says of the sound."""
    results = Mels().run([AnalyseWork(said.audio) for said in speech])
    return [result for result in results if isinstance(result, Features)]


def score(pairs: Iterable[tuple[Frames, Speech]]) -> Score:
    """Score mouths against the speech they were made for."""
    pairs = list(pairs)
    counts = np.array([_count(frames, speech.phones) for frames, speech in pairs]).sum(axis=0)
    asked = [wanted(speech.phones, len(speech.audio) // SAMPLE_BYTES) for _, speech in pairs]
    said, meant = np.concatenate([frames for frames, _ in pairs]), np.concatenate(asked)
    used = [column for column in range(len(MOUTH_PARAMS)) if meant[:, column].std() > 0]
    correlation = float(np.mean([correlate(said[:, column], meant[:, column]) for column in used]))
    closures, hit, shut, idle = (int(count) for count in counts)
    return Score(correlation, closures, hit, shut, idle, lag(said[:, JAW], meant[:, JAW]))


def correlate(one: Frames, other: Frames) -> float:
    """Pearson's r; 0 when one of them does not move."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt(np.sum(one * one) * np.sum(other * other)))
    return float(np.sum(one * other)) / size if size > 0 else 0.0


def lag(one: Frames, other: Frames) -> Seconds:
    """By how much `one` comes after `other` where they agree best, to a fraction of a frame by a parabola."""
    length = len(one) - 2 * LAGS
    scores = np.array([correlate(one[s : s + length], other[LAGS : LAGS + length]) for s in range(2 * LAGS + 1)])
    best = int(np.clip(scores.argmax(), 1, 2 * LAGS - 1))
    before, peak, after = scores[best - 1 : best + 2]
    bend = before - 2 * peak + after
    return float(best - LAGS + (0.5 * (before - after) / bend if bend < 0 else 0.0)) / MOUTH_RATE


def _count(frames: Frames, phones: Sequence[Phone]) -> tuple[int, int, int, int]:
    """Closures, hits, times shut, idle ones."""
    shut = frames[:, PRESS] >= SHUT
    edges = np.flatnonzero(np.diff(np.concatenate([[False], shut, [False]]).astype(np.int8)))
    starts, ends = edges[::2] / MOUTH_RATE, (edges[1::2] - 1) / MOUTH_RATE
    bilabials = [phone for phone in phones if phone.symbol in BILABIALS]
    middles = np.array([(phone.start + phone.end) / 2 for phone in bilabials])
    near = (starts[None, :] - WITHIN <= middles[:, None]) & (middles[:, None] <= ends[None, :] + WITHIN)
    first, last = np.array([p.start for p in bilabials]), np.array([p.end for p in bilabials])
    touches = (starts[None, :] - WITHIN <= last[:, None]) & (first[:, None] <= ends[None, :] + WITHIN)
    return len(bilabials), int(near.any(axis=1).sum()), len(starts), int((~touches.any(axis=0)).sum())

"""What the audio alone tells of the mouth: how loud it is, and where its energy lies."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.analyse import mels
from polytalk.engines.mouth.visemes import JAW, ROUND, TEETH, UPPER, WIDE
from polytalk.types import FEATURE_RATE, MELS, MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE, Features

HOP = SPEECH_RATE // MOUTH_RATE
"""Samples from one mouth frame to the next."""
WINDOW = 2 * HOP
"""Samples that loudness looks at, a frame's moment in their middle."""
OPEN = 0.75
"""Jaw in the loudest frames."""
_KERNEL = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16
"""Lips have mass: values are smoothed over 0.1 s, evenly to both sides so that nothing lags."""
_STEP = FEATURE_RATE // MOUTH_RATE
_AROUND = np.array([1, 2, 1], dtype=np.float32) / 4
"""Feature frames before, at and after a mouth frame's moment."""


def frame_count(samples: int) -> int:
    """Mouth frames of so much audio: the last one may be partly beyond it."""
    return math.ceil(samples / HOP)


def loudness(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """[T] in 0..1 of audio (`SPEECH_RATE`, -1..1): 1 at the level of its own loud frames, 0 in silence."""
    count = frame_count(len(audio))
    padded = np.zeros(max(count - 1, 0) * HOP + WINDOW, dtype=np.float32)
    padded[HOP : HOP + len(audio)] = audio[: len(padded) - HOP]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    rms = np.sqrt(np.einsum("ij,ij->i", frames, frames) / WINDOW)
    return mels.loudness(rms, mels.loud_level(rms, 0.0, 0.0))


def mouth(features: Features) -> NDArray[np.float32]:
    """Parameters [T, P] in 0..1 from audio alone: no seals, but an opening and a width that go with the sound.

    The jaw follows loudness except in hisses; lips spread when energy lies above 1.6 kHz (the second formant of
    front vowels) and round when it lies under 0.9 kHz.
    """
    level = _at_mouth_frames(_floats(features.loudness)[:, None])[:, 0]
    values = np.zeros((len(level), len(MOUTH_PARAMS)), dtype=np.float32)
    if not len(values):
        return values
    power = 10 ** _at_mouth_frames(_floats(features.mels).reshape(-1, MELS))
    low, middle, high = (power[:, _bands(a, b)].sum(axis=1) for a, b in ((250, 900), (1600, 3600), (4500, 7600)))
    hiss = high / (low + middle + high)
    front = np.clip((np.log10(middle / low) + 1.4) / 1.6, 0.0, 1.0)  # 0 at 14 dB less, 1 at 2 dB more
    voiced = level * (1 - hiss)
    values[:, JAW] = OPEN * voiced**1.5 * (1 - 0.4 * front)
    values[:, WIDE] = 0.8 * voiced * np.clip(2 * front - 0.6, 0.0, 1.0)
    values[:, ROUND] = 0.7 * voiced * np.clip(0.7 - 2 * front, 0.0, 1.0)
    values[:, TEETH] = np.maximum(0.8 * level * hiss, 0.3 * voiced)
    values[:, UPPER] = 0.2 * voiced
    return _smooth(values)


def _floats(data: bytes) -> NDArray[np.float32]:
    return np.frombuffer(data, "<f4")


def _at_mouth_frames(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """[ceil(n / 2), …] of [n, …]: means around every second feature frame."""
    padded = np.pad(values, ((1, 1), (0, 0)), mode="edge") if len(values) else values
    result: NDArray[np.float32] = sum(
        (share * padded[i : i + len(values) : _STEP] for i, share in enumerate(_AROUND)),
        start=np.zeros((-(-len(values) // _STEP), values.shape[1]), np.float32),
    )
    return result


def _bands(low: float, high: float) -> Any:
    """Which mel bands peak between two frequencies."""
    peaks = mels.centres()[1:-1]
    return (peaks >= low) & (peaks < high)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    reach = len(_KERNEL) // 2
    padded = np.pad(values, ((reach, reach), (0, 0)))
    result: NDArray[np.float32] = sum(
        (share * padded[i : i + len(values)] for i, share in enumerate(_KERNEL)), start=np.zeros_like(values)
    )
    return result

"""What the audio alone tells of the mouth: how loud it is, and where its energy lies."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.face.visemes import JAW, ROUND, TEETH, UPPER, WIDE
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE

HOP = SPEECH_RATE // MOUTH_RATE
"""Samples from one mouth frame to the next."""
WINDOW = 2 * HOP
"""Samples that a frame looks at, its moment in their middle."""
FLOOR = 0.004
"""RMS under which there is silence, whatever the rest is (-48 dBFS)."""
RANGE_DB = 30.0
"""Span between a closed and an open mouth below the loud frames' level."""
OPEN = 0.75
"""Jaw in the loudest frames."""
_KERNEL = np.array([1, 4, 6, 4, 1], dtype=np.float32) / 16
"""Lips have mass: values are smoothed over 0.1 s, evenly to both sides so that nothing lags."""
_INNER = slice(HOP // 2, HOP // 2 + HOP)
"""The part of a frame whose spectrum is taken: 20 ms resolve 50 Hz, and bands are wider."""
_HANN = np.hanning(HOP).astype(np.float32)
_BIN = SPEECH_RATE / HOP


@dataclass(frozen=True, slots=True)
class Sound:
    """Speech in mouth frames."""

    rms: NDArray[np.float32]
    """[T] of full scale."""
    frames: NDArray[np.float32]
    """[T, WINDOW] samples around each frame's moment, -1..1."""


def frame_count(samples: int) -> int:
    """Mouth frames of so much audio: the last one may be partly beyond it."""
    return math.ceil(samples / HOP)


def listen(audio: NDArray[np.float32]) -> Sound:
    """Cut audio (`SPEECH_RATE`, -1..1) into overlapping frames, frame i around i / `MOUTH_RATE` seconds."""
    count = frame_count(len(audio))
    padded = np.zeros(max(count - 1, 0) * HOP + WINDOW, dtype=np.float32)
    padded[HOP : HOP + len(audio)] = audio[: len(padded) - HOP]
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    return Sound(np.sqrt(np.einsum("ij,ij->i", frames, frames) / WINDOW), frames)


def loudness(sound: Sound) -> NDArray[np.float32]:
    """[T] in 0..1: 1 at the level of the loud frames, 0 at `RANGE_DB` below it and under `FLOOR`."""
    if not len(sound.rms):
        return sound.rms
    loud = max(float(np.percentile(sound.rms, 90)), FLOOR)
    decibels = 20 * np.log10(np.maximum(sound.rms, 1e-6) / loud)
    level = np.clip(1 + decibels / RANGE_DB, 0.0, 1.0)
    result: NDArray[np.float32] = np.where(sound.rms < FLOOR, 0.0, level).astype(np.float32)
    return result


def mouth(sound: Sound) -> NDArray[np.float32]:
    """Parameters [T, P] in 0..1 from audio alone: no seals, but an opening and a width that go with the sound.

    The jaw follows loudness except in hisses; lips spread when energy lies above 1.6 kHz (the second formant of
    front vowels) and round when it lies under 0.9 kHz.
    """
    values = np.zeros((len(sound.rms), len(MOUTH_PARAMS)), dtype=np.float32)
    if not len(values):
        return values
    level = loudness(sound)
    power = np.abs(np.fft.rfft(sound.frames[:, _INNER] * _HANN, axis=1)) ** 2 + 1e-6
    low, middle, high = (power[:, _bin(a) : _bin(b)].sum(axis=1) for a, b in ((250, 900), (1600, 3600), (4500, 11000)))
    hiss = high / (low + middle + high)
    front = np.clip((np.log10(middle / low) + 1.4) / 1.6, 0.0, 1.0)  # 0 at 14 dB less, 1 at 2 dB more
    voiced = level * (1 - hiss)
    values[:, JAW] = OPEN * voiced**1.5 * (1 - 0.4 * front)
    values[:, WIDE] = 0.8 * voiced * np.clip(2 * front - 0.6, 0.0, 1.0)
    values[:, ROUND] = 0.7 * voiced * np.clip(0.7 - 2 * front, 0.0, 1.0)
    values[:, TEETH] = np.maximum(0.8 * level * hiss, 0.3 * voiced)
    values[:, UPPER] = 0.2 * voiced
    return _smooth(values)


def _bin(hertz: float) -> int:
    return round(hertz / _BIN)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    reach = len(_KERNEL) // 2
    padded = np.pad(values, ((reach, reach), (0, 0)))
    result: NDArray[np.float32] = sum(
        (share * padded[i : i + len(values)] for i, share in enumerate(_KERNEL)), start=np.zeros_like(values)
    )
    return result

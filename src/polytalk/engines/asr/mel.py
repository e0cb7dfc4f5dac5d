"""The log-mel spectrogram that Whisper was trained on, in numpy.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), section 2.2; the mel scale is
Slaney's (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above, triangles of equal area.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from polytalk.types import LISTEN_RATE

WINDOW = 400
"""Samples under one Hann window: 25 ms."""
HOP = 160
"""Samples from one frame to the next: 10 ms."""
BANDS = 80
_FLOOR = -10.0  # log10 of the power that stands for silence
_RANGE = 8.0  # what is more than 80 dB below the loudest point is cut off
_KNEE_HZ, _KNEE_MEL = 1000.0, 15.0
_LOG_STEP = np.log(6.4) / 27.0


def log_mel(samples: NDArray[np.float32], frames: int) -> NDArray[np.float32]:
    """Features [80, frames] of audio in -1..1 at 16 kHz, followed by silence.

    Audio longer than `frames` hops is cut. Values lie within about -1.5..1.5.
    """
    heard = min(-(-(len(samples) + WINDOW // 2) // HOP), frames)  # windows that reach over the end count
    padded = np.zeros(heard * HOP + WINDOW, dtype=np.float32)
    body = samples[: len(padded) - WINDOW // 2]
    padded[WINDOW // 2 : WINDOW // 2 + len(body)] = body
    mirror = min(WINDOW // 2, len(body) - 1)  # the first window is centred on sample 0: its left half is a mirror image
    if mirror > 0:
        padded[WINDOW // 2 - mirror : WINDOW // 2] = body[mirror:0:-1]
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: heard * HOP : HOP]
    power = np.abs(np.fft.rfft(windows * _hann(), axis=1)) ** 2
    level = np.full((BANDS, frames), _FLOOR, dtype=np.float32)
    level[:, :heard] = np.log10(np.maximum(_filters() @ power.T, 1e-10))
    features: NDArray[np.float32] = (np.maximum(level, level.max() - _RANGE) + 4.0) / 4.0
    return features


@cache
def _hann() -> NDArray[np.float32]:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)  # periodic


@cache
def _filters() -> NDArray[np.float32]:
    """[80, 201] triangles over the bins of the Fourier transform."""
    bins = np.fft.rfftfreq(WINDOW, 1.0 / LISTEN_RATE)
    edges = _hertz(np.linspace(0.0, float(_mel(LISTEN_RATE / 2)), BANDS + 2))
    rise = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    fall = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    area = 2.0 / (edges[2:] - edges[:-2])
    return (np.maximum(0.0, np.minimum(rise, fall)) * area[:, None]).astype(np.float32)


def _mel(hertz: float) -> float:
    return _KNEE_MEL * hertz / _KNEE_HZ if hertz < _KNEE_HZ else _KNEE_MEL + float(np.log(hertz / _KNEE_HZ)) / _LOG_STEP


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < _KNEE_MEL, mel * _KNEE_HZ / _KNEE_MEL, _KNEE_HZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL)))

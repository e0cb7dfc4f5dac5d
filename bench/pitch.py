"""How high a voice is: enough to tell the project's two voices apart, no more."""

import numpy as np

from polytalk.media.pcm import to_float
from polytalk.types import SPEECH_RATE

WINDOW = SPEECH_RATE // 25
"""Samples of 40 ms."""
LOWEST, HIGHEST = 70, 320
"""Hz."""
VOICED = 0.5
"""Normalised autocorrelation from which a window is taken for a vowel."""


def median_pitch(pcm: bytes) -> float | None:
    """Median fundamental frequency in Hz of PCM16 at `SPEECH_RATE`; None when nothing in it is voiced.

    Autocorrelation per window (Rabiner, "On the use of autocorrelation analysis for pitch detection", 1977).
    """
    audio = to_float(pcm)
    windows = audio[: len(audio) // WINDOW * WINDOW].reshape(-1, WINDOW)
    spectrum = np.fft.rfft(windows, 2 * WINDOW)
    correlation = np.fft.irfft(np.abs(spectrum) ** 2)[:, :WINDOW]
    shortest, longest = SPEECH_RATE // HIGHEST, SPEECH_RATE // LOWEST
    lags = correlation[:, shortest:longest]
    energy = correlation[:, 0]
    voiced = lags.max(axis=1, initial=0.0) > VOICED * np.maximum(energy, 1e-3 * WINDOW)
    if not voiced.any():
        return None
    return float(np.median(SPEECH_RATE / (shortest + lags[voiced].argmax(axis=1))))

"""Speech as Wav2Lip hears it: 80 mel bands, 80 times a second, in the scale it was trained on.

Its paper takes them from Tacotron 2's preparation of speech at 16 kHz: pre-emphasis, spectra of 800 samples every 200,
bands in Slaney's mel scale ("Auditory Toolbox", 1998), decibels mapped from -100..0 to -4..4.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from polytalk.media.pcm import resample, to_float
from polytalk.types import SPEECH_RATE, Seconds

RATE = 16_000
HOP = 200
WINDOW = 800
BANDS = 80
LOWEST, HIGHEST = 55.0, 7_600.0
PREEMPHASIS = 0.97
FRAMES = 16
"""Mel frames that one picture is drawn from: 0.2 s …"""
BEFORE: Seconds = 0.04
"""… which begin so long before its moment, as in training."""
FRAME_RATE = RATE / HOP


def windows(audio: bytes, moments: list[Seconds]) -> NDArray[np.float32]:
    """[T, 1, BANDS, FRAMES] for pictures at moments of the audio (PCM16 at `SPEECH_RATE`); silence beyond its ends."""
    mels = bands(to_float(resample(audio, SPEECH_RATE, RATE)) if audio else np.zeros(0, np.float32))
    starts = np.array([round((moment - BEFORE) * FRAME_RATE) for moment in moments])
    pad = FRAMES + max(0, -int(starts.min(initial=0)), int(starts.max(initial=0)) - mels.shape[1] + FRAMES)
    padded = np.pad(mels, ((0, 0), (pad, pad)), constant_values=-4.0)
    every = np.lib.stride_tricks.sliding_window_view(padded, FRAMES, axis=1)
    result: NDArray[np.float32] = np.ascontiguousarray(every[:, starts + pad].swapaxes(0, 1)[:, None])
    return result


def bands(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """[BANDS, T] in -4..4 of audio (`RATE`, -1..1), frame i around sample i * HOP."""
    emphasised = np.append(audio[:1], audio[1:] - PREEMPHASIS * audio[:-1])
    padded = np.pad(emphasised, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) @ _filters()
    decibels = 20 * np.log10(np.maximum(power, 1e-5)) - 20
    result: NDArray[np.float32] = np.clip(8 * (decibels + 100) / 100 - 4, -4, 4).T.astype(np.float32)
    return result


@cache
def _filters() -> NDArray[np.float64]:
    """[WINDOW / 2 + 1, BANDS] triangles of equal area."""
    low, high = _mel(LOWEST), _mel(HIGHEST)
    points = np.array([_hertz(mel) for mel in np.linspace(low, high, BANDS + 2)])
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rise = (hertz - points[:-2]) / (points[1:-1] - points[:-2])
    fall = (points[2:] - hertz) / (points[2:] - points[1:-1])
    result: NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall)) * 2 / (points[2:] - points[:-2])
    return result


LINEAR = 200 / 3
"""Hertz a mel up to 1 kHz; above, 27 mels are a factor of 6.4."""
STEP = np.log(6.4) / 27


def _mel(hertz: float) -> float:
    return hertz / LINEAR if hertz < 1000 else 15 + float(np.log(hertz / 1000)) / STEP


def _hertz(mel: float) -> float:
    return mel * LINEAR if mel < 15 else 1000 * float(np.exp(STEP * (mel - 15)))

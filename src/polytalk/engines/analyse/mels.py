"""The default analysis: 40 mel bands and loudness, every 10 ms; a millisecond for three seconds of speech."""

import math
from collections.abc import Mapping, Sequence
from functools import cache

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import parse_options
from polytalk.errors import BadInput, PolytalkError
from polytalk.types import FEATURE_RATE, MELS, SAMPLE_BYTES, SPEECH_RATE, AnalyseWork, Features, Seconds

HOP = SPEECH_RATE // FEATURE_RATE
WINDOW = SPEECH_RATE // 40
"""25 ms: pitch is not resolved, formants are."""
SPECTRUM = 640
"""Points of the Fourier transform."""
LOWEST, HIGHEST = 60.0, 7_600.0
"""Hertz: what a recording of 16,000 samples a second has; a hiss that lies higher has its like below."""
FLOOR = 1e-10
"""Power that is added to every band, so that silence has a logarithm."""
QUIET = 0.004
"""RMS under which there is silence, whatever the rest is (-48 dBFS)."""
RANGE_DB = 30.0
"""Span between silence and the loud frames' level."""
FORGET: Seconds = 2.0
"""After so long a level that was louder counts half."""


class MelsOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[analyse.options]`: none."""


class Mels:
    """`BatchEngine[AnalyseWork, Features]`."""

    max_batch = 64

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "mels"
        parse_options(MelsOptions, options or {}, "analyse")

    def load(self) -> None:
        """Compute the filters once."""
        filters()

    def close(self) -> None:
        """Nothing to give back."""

    def probe(self) -> AnalyseWork:
        """A tenth of a second of silence."""
        return AnalyseWork(bytes(SPEECH_RATE // 10 * SAMPLE_BYTES))

    def units(self, work: AnalyseWork) -> float:
        """Seconds of audio."""
        return len(work.audio) / SAMPLE_BYTES / SPEECH_RATE

    def run(self, batch: Sequence[AnalyseWork]) -> Sequence[Features | PolytalkError]:
        """BadInput for audio that is not whole samples."""
        return [self._analyse(work) for work in batch]

    def _analyse(self, work: AnalyseWork) -> Features | PolytalkError:
        if len(work.audio) % SAMPLE_BYTES:
            return BadInput(f"audio has {len(work.audio)} bytes; PCM16 samples take two each", param="audio")
        audio = np.frombuffer(work.audio, dtype="<i2").astype(np.float32) / np.float32(32768)
        frames = cut(audio)
        rms = levels(frames)
        level = loud_level(rms, work.level, len(audio) / SPEECH_RATE)
        return Features(
            log_mels(frames).astype("<f4").tobytes(), loudness(rms, level).astype("<f4").tobytes(), float(level)
        )


def cut(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """[T, WINDOW]: audio (`SPEECH_RATE`, -1..1) around each frame's moment, silence beyond its ends; T is even."""
    count = 2 * -(-len(audio) // (2 * HOP))
    padded = np.zeros(max(count - 1, 0) * HOP + WINDOW, dtype=np.float32)
    part = audio[: len(padded) - WINDOW // 2]
    padded[WINDOW // 2 : WINDOW // 2 + len(part)] = part
    return np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]


def log_mels(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """[T, MELS]: log10 of each band's power; a sine at full scale has about 0 in its band."""
    spectrum = np.fft.rfft(frames * _window(), SPECTRUM, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    result: NDArray[np.float32] = np.log10(power @ filters() + np.float32(FLOOR))
    return result


def levels(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """[T]: RMS of each frame."""
    result: NDArray[np.float32] = np.sqrt(np.einsum("ij,ij->i", frames, frames) / WINDOW)
    return result


def loud_level(rms: NDArray[np.float32], before: float, lasts: Seconds) -> float:
    """RMS of the loud frames, or what is left of the level before if that is more; never in the noise."""
    own = float(np.percentile(rms, 90)) if len(rms) else 0.0
    return max(own, before * math.exp2(-lasts / FORGET), QUIET)


def loudness(rms: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    """[T] in 0..1: 1 at `level`, 0 at `RANGE_DB` below it and under `QUIET`."""
    decibels = 20 * np.log10(np.maximum(rms, 1e-6) / level)
    result: NDArray[np.float32] = np.where(rms < QUIET, 0.0, np.clip(1 + decibels / RANGE_DB, 0.0, 1.0))
    return result.astype(np.float32)


def centres() -> NDArray[np.float64]:
    """[MELS + 2] hertz: where the bands peak, with the feet of the first and the last.

    Even steps of mel = 2595 log10(1 + f / 700) (O'Shaughnessy, "Speech Communication", 1987).
    """
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOWEST, HIGHEST))
    result: NDArray[np.float64] = 700 * (10 ** (np.linspace(low, high, MELS + 2) / 2595) - 1)
    return result


@cache
def _window() -> NDArray[np.float32]:
    window = np.hanning(WINDOW)
    scaled: NDArray[np.float32] = (window * 2 / window.sum()).astype(np.float32)
    return scaled


@cache
def filters() -> NDArray[np.float32]:
    """[bins, MELS]: triangles that reach to their neighbours' centres, so that each bin counts once in all."""
    hertz = np.arange(SPECTRUM // 2 + 1) * (SPEECH_RATE / SPECTRUM)
    points = centres()
    rise = (hertz[:, None] - points[:-2]) / (points[1:-1] - points[:-2])
    fall = (points[2:] - hertz[:, None]) / (points[2:] - points[1:-1])
    return np.clip(np.minimum(rise, fall), 0.0, None).astype(np.float32)

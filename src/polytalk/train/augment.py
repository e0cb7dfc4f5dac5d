"""One recording as other people, rooms and microphones would give it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray

from polytalk.types import SPEECH_RATE, Phone

Samples = NDArray[np.float32]


def vary(audio: Samples, phones: Sequence[Phone], random: np.random.Generator) -> tuple[Samples, tuple[Phone, ...]]:
    """Another throat and tempo, a room, a band, noise and a codec, each by chance; phones keep to their sounds.

    `audio` is -1..1 at `SPEECH_RATE`.
    """
    factor = float(np.clip(np.exp(random.normal(0, 0.11)), 0.78, 1.28))
    varied = soxr.resample(audio, SPEECH_RATE, SPEECH_RATE * factor)
    before, after = (int(random.integers(0, SPEECH_RATE // 2)) if random.random() < 0.4 else 0 for _ in range(2))
    varied = np.pad(varied, (before, after))
    moved = tuple(
        Phone(p.symbol, p.start * factor + before / SPEECH_RATE, p.end * factor + before / SPEECH_RATE) for p in phones
    )
    level = float(np.sqrt(np.mean(np.square(varied)))) + 1e-6
    varied = _through(varied, random)
    varied *= level / (float(np.sqrt(np.mean(np.square(varied)))) + 1e-9)
    if random.random() < 0.5:
        varied = varied + _noise(len(varied), random) * level * 10 ** (-random.uniform(12, 45) / 20)
    varied = varied * 10 ** (random.uniform(-18, 6) / 20)
    if random.random() < 0.1:
        varied = _mu_law(varied)
    return np.clip(varied, -1, 1).astype(np.float32), moved


def _through(audio: Samples, random: np.random.Generator) -> Samples:
    """A room, a microphone and a line as one filter."""
    size = 1 << (len(audio) + SPEECH_RATE // 2).bit_length()
    hertz: Any = np.arange(size // 2 + 1) * (SPEECH_RATE / size)
    octaves = np.log2(np.maximum(hertz, 50) / 1000)
    points = np.linspace(-4.5, 3.7, 9)
    decibels: Any = np.interp(octaves, points, random.normal(0, 3.0, 9)) + random.normal(0, 1.2) * octaves
    response: Any = 10 ** (np.clip(decibels, -24, 12) / 20)
    line = random.random()
    if line < 0.12:  # telephone
        response = response * _pass(hertz, random.uniform(150, 350), random.uniform(3000, 3800))
    elif line < 0.45:
        response = response * _pass(hertz, random.uniform(20, 150), random.uniform(4000, 9000))
    if random.random() < 0.3:
        response = response * np.fft.rfft(_room(random), size)
    result: Samples = np.fft.irfft(np.fft.rfft(audio, size) * response, size)[: len(audio)].astype(np.float32)
    return result


def _pass(hertz: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
    """Fourth-order slopes on both sides."""
    result: NDArray[np.float64] = 1 / np.sqrt(1 + (hertz / high) ** 8) / np.sqrt(1 + (low / (hertz + 1)) ** 8)
    return result


def _room(random: np.random.Generator) -> Samples:
    """An impulse response: the direct sound, then noise that dies away (60 dB in 0.1 to 0.4 s)."""
    decay = random.uniform(0.1, 0.4)
    times = np.arange(int(decay * SPEECH_RATE)) / SPEECH_RATE
    tail = random.normal(0, 1, len(times)) * np.exp(-6.9 * times / decay)
    tail[: int(random.uniform(0.001, 0.008) * SPEECH_RATE)] = 0
    tail *= 10 ** (-random.uniform(3, 18) / 20) / np.sqrt(np.sum(np.square(tail)))
    tail[0] = 1.0
    return tail.astype(np.float32)


def _noise(count: int, random: np.random.Generator) -> Samples:
    """Noise of RMS 1 whose spectrum falls by 0 to 6 dB an octave."""
    spectrum = np.fft.rfft(random.normal(0, 1, count))
    spectrum /= np.maximum(np.arange(len(spectrum)), 20.0 * count / SPEECH_RATE) ** random.uniform(0, 1)
    noise = np.fft.irfft(spectrum, count)
    result: Samples = (noise / (np.sqrt(np.mean(np.square(noise))) + 1e-12)).astype(np.float32)
    return result


def _mu_law(audio: Samples) -> Samples:
    """Eight bits a sample as telephones have them (ITU-T G.711)."""
    squeezed = np.sign(audio) * np.log1p(255 * np.abs(np.clip(audio, -1, 1))) / np.log(256)
    stepped = np.round(squeezed * 127) / 127
    result: Samples = (np.sign(stepped) * np.expm1(np.abs(stepped) * np.log(256)) / 255).astype(np.float32)
    return result

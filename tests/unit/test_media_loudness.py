"""Files are as loud as platforms play them, and no peak clips."""

from collections.abc import Iterator

import numpy as np
import pytest

from polytalk.media.loudness import CEILING, TARGET, Level, find_level, levelled, measure
from polytalk.media.pcm import from_float
from polytalk.types import SPEECH_RATE


def voice(amplitude: float, *, peaks: float = 0.0, seconds: float = 6.0) -> list[bytes]:
    """A tone that swells like syllables, some of them with a peak, in pieces of 0.25 s."""
    t = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    signal = amplitude * np.sin(2 * np.pi * 180 * t) * (0.55 + 0.45 * np.sin(2 * np.pi * 3 * t))
    signal[:: SPEECH_RATE // 4] += peaks
    pcm = from_float(signal.astype(np.float32))
    step = SPEECH_RATE // 2
    return [pcm[start : start + step] for start in range(0, len(pcm), step)]


@pytest.mark.parametrize("amplitude", [0.03, 0.1, 0.3])
def test_soft_and_loud_voices_become_equally_loud(amplitude: float) -> None:
    pieces = voice(amplitude)
    level = find_level(lambda: pieces)
    after = measure(levelled(pieces, level))
    assert after.integrated == pytest.approx(TARGET, abs=0.3)
    assert after.peak <= CEILING


def test_peaks_are_held_under_the_ceiling_and_nothing_moves_in_time() -> None:
    pieces = voice(0.08, peaks=0.7)
    level = find_level(lambda: pieces)
    assert level.limited
    result = b"".join(levelled(pieces, level))
    whole = b"".join(pieces)
    assert len(result) == len(whole)
    assert measure([result]).peak <= CEILING
    before, after = (np.frombuffer(pcm, "<i2").astype(float) for pcm in (whole, result))
    size = 1 << 19
    alike = np.fft.irfft(np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size)))
    assert int(np.argmax(alike)) == 0


def test_silence_stays_silence() -> None:
    pieces = [bytes(SPEECH_RATE)] * 4
    assert find_level(lambda: pieces) == Level()
    assert b"".join(levelled(pieces, Level())) == bytes(4 * SPEECH_RATE)


def test_an_hour_is_never_in_memory_at_once() -> None:
    """Pieces are taken one by one, as they are given on."""
    taken = 0

    def hours() -> Iterator[bytes]:
        nonlocal taken
        for piece in voice(0.3, peaks=0.5) * 100:
            taken += 1
            yield piece

    out = levelled(hours(), Level(3.0, limited=True))
    next(out)
    assert taken < 5

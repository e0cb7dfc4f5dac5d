"""The mel frames that a mouth net hears."""

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.mouth.features import MELS, SILENT, mel_frames
from polytalk.types import SPEECH_RATE


def tone(hertz: float, seconds: float = 1.0, level: float = 0.3) -> NDArray[np.float32]:
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(seconds * SPEECH_RATE)) / SPEECH_RATE)).astype(np.float32)


def test_there_are_two_frames_for_each_mouth_frame() -> None:
    assert mel_frames(tone(300, 0.41)).shape == (42, MELS)
    assert mel_frames(np.zeros(0, dtype=np.float32)).shape == (0, MELS)


def test_a_frame_is_about_its_moment() -> None:
    click = np.zeros(SPEECH_RATE, dtype=np.float32)
    click[SPEECH_RATE // 2] = 1.0
    assert mel_frames(click).sum(axis=1).argmax() == 50


def test_a_higher_tone_is_in_a_higher_band() -> None:
    peaks = [int(mel_frames(tone(hertz)).mean(axis=0).argmax()) for hertz in (150, 400, 1000, 3000, 7000)]
    assert peaks == sorted(set(peaks))


def test_gain_changes_nothing() -> None:
    speech = tone(300) * np.linspace(0.5, 1, SPEECH_RATE, dtype=np.float32)
    assert np.allclose(mel_frames(speech), mel_frames(speech / np.float32(4)), atol=1e-2)


def test_silence_stays_silence() -> None:
    hum = np.random.default_rng(0).normal(0, 1e-5, SPEECH_RATE).astype(np.float32)
    assert (mel_frames(hum) == SILENT).all()

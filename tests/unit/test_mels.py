"""The analysis: every 10 ms described, however the speech is cut, and quiet pieces stay quiet."""

import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.engines.analyse.mels import Mels
from polytalk.engines.base import BatchEngine
from polytalk.errors import BadInput, ConfigError
from polytalk.types import MELS, SPEECH_RATE, AnalyseWork, Features


def noise(seconds: float, level: float, seed: int = 0) -> bytes:
    signal = np.random.default_rng(seed).normal(0, level, round(seconds * SPEECH_RATE))
    return (np.clip(signal, -1, 1) * 32767).astype("<i2").tobytes()


def analyse(audio: bytes, level: float = 0.0) -> Features:
    (features,) = Mels().run([AnalyseWork(audio, level)])
    assert isinstance(features, Features)
    return features


def loudness(features: Features) -> NDArray[np.float32]:
    return np.frombuffer(features.loudness, "<f4")


def test_there_are_a_hundred_frames_a_second() -> None:
    engine = Mels()
    assert isinstance(engine, BatchEngine)
    engine.load()
    features = analyse(noise(1.0, 0.1))
    assert len(loudness(features)) == 100
    assert np.frombuffer(features.mels, "<f4").reshape(-1, MELS).shape == (100, MELS)
    assert engine.units(AnalyseWork(noise(1.0, 0.1))) == 1.0


def test_frames_inside_a_cut_are_those_of_the_whole() -> None:
    audio = noise(1.0, 0.1)
    whole, part = analyse(audio), analyse(audio[SPEECH_RATE // 2 : SPEECH_RATE])  # from 0.25 s to 0.5 s
    mels = np.frombuffer(whole.mels, "<f4").reshape(-1, MELS)[25:50]
    cut = np.frombuffer(part.mels, "<f4").reshape(-1, MELS)[:25]
    assert np.allclose(mels[2:-2], cut[2:-2], atol=1e-4)


def test_a_quiet_piece_after_a_loud_one_is_quiet() -> None:
    loud = analyse(noise(0.6, 0.2))
    alone, after = analyse(noise(0.6, 0.02, 1)), analyse(noise(0.6, 0.02, 1), loud.level)
    assert loudness(alone).mean() > 0.9
    assert loudness(after).mean() < 0.5
    assert alone.level < after.level < loud.level, "what was louder is forgotten slowly"


def test_silence_is_silent_and_nothing_is_nothing() -> None:
    assert loudness(analyse(bytes(SPEECH_RATE))).max() == 0
    assert analyse(b"").mels == b""


def test_half_a_sample_and_unknown_options_are_refused() -> None:
    (refused,) = Mels().run([AnalyseWork(b"abc")])
    assert isinstance(refused, BadInput)
    with pytest.raises(ConfigError, match="bands"):
        Mels({"bands": 80})

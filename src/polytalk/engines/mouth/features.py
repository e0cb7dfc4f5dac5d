"""What a net that moves the mouth hears: `Features` against the level of the speech itself.

So neither gain nor the sample rate of a recording matters. The bands are those of `engines.analyse.mels`.
"""

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.analyse import mels
from polytalk.types import FEATURE_RATE, MELS, Features

__all__ = ["MELS", "MEL_RATE", "SILENT", "heard", "mel_frames"]

MEL_RATE = FEATURE_RATE
"""Mel frames a second: frames 2 i and 2 i + 1 belong to mouth frame i."""
SILENT = -2.5
"""Lowest value of a band, in units of 20 dB below the loud frames' level."""


def heard(features: Features) -> NDArray[np.float32]:
    """[T, MELS] in units of 20 dB, 0 at the level of the loud frames, never under `SILENT`."""
    power = np.frombuffer(features.mels, "<f4").reshape(-1, MELS)
    return _against(power, features.level)


def mel_frames(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same of audio (`SPEECH_RATE`, -1..1), T two for each mouth frame: what nets are trained on."""
    frames = mels.cut(audio)
    return _against(mels.log_mels(frames), mels.loud_level(mels.levels(frames), 0.0, 0.0))


def _against(power: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    values: NDArray[np.float32] = power / np.float32(2) - np.float32(np.log10(level))
    return np.clip(values, SILENT, None, out=values)

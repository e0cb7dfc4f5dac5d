"""Audio that says what it is: a constant level for a voice, zeros for silence."""

import asyncio

import numpy as np
from numpy.typing import NDArray

from polytalk.media.pcm import samples
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE, Seconds

LEVEL = 8_000
"""How loud a voice is when it does not matter."""
AUDIBLE = 300
FRAME = SPEECH_RATE // MOUTH_RATE


def voice(seconds: Seconds, level: int = LEVEL, rate: int = SPEECH_RATE) -> bytes:
    """PCM16 of a voice; resampling keeps its level."""
    return np.full(round(seconds * rate), level, "<i2").tobytes()


def tone(seconds: Seconds, level: int = LEVEL, rate: int = SPEECH_RATE) -> bytes:
    """A voice that codecs keep, which take a constant level out."""
    moments = np.arange(round(seconds * rate)) / rate
    return (np.cos(2 * np.pi * 300 * moments) * level).astype("<i2").tobytes()


def level_of(pcm: bytes) -> int:
    """The level of the voice in the audio, to the nearest hundred; 0 for silence."""
    loud = np.abs(samples(pcm).astype(int))
    loud = loud[loud > AUDIBLE]
    return round(float(np.median(loud)), -2).__int__() if loud.size else 0


def mouth_of(audio: bytes) -> bytes:
    """The mouth that `ScriptedMouth` gives to speech: open as wide as the audio of each frame is loud."""
    signal: NDArray[np.int16] = samples(audio)
    signal = signal[: signal.size // FRAME * FRAME]
    opened = (np.abs(signal.reshape(-1, FRAME)[:, 0].astype(int)) >> 8).astype(np.uint8)
    return np.repeat(opened, len(MOUTH_PARAMS)).tobytes()


def now() -> Seconds:
    """The running loop's time, which looptime moves."""
    return asyncio.get_running_loop().time()


class LoopClock:
    """A `Clock` on the running loop's time."""

    def now(self) -> Seconds:
        """See Clock."""
        return now()

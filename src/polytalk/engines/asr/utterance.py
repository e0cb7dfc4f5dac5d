"""What any recogniser checks of an utterance before it listens."""

import numpy as np
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.types import LISTEN_RATE, SAMPLE_BYTES, ListenWork

SHORTEST = LISTEN_RATE // 10
"""Samples: what is shorter than 100 ms holds no word."""
LONGEST = 600 * LISTEN_RATE
"""Samples of one utterance: 10 minutes."""
_QUIET = 1e-3  # -60 dBFS at the loudest sample: no microphone that works is as quiet as that


def samples(work: ListenWork) -> NDArray[np.float32] | None:
    """The audio in -1..1, or None when it is too short or too quiet to hold a word. Raises BadInput."""
    size = len(work.audio)
    if size % SAMPLE_BYTES:
        raise BadInput(f"{size} bytes are no PCM16 audio: two bytes make a sample", param="audio")
    if size > LONGEST * SAMPLE_BYTES:
        seconds = size / SAMPLE_BYTES / LISTEN_RATE
        raise BadInput(f"an utterance of {seconds:.0f} s is too long: send at most 600 s at once", param="audio")
    audio = np.frombuffer(work.audio, dtype="<i2").astype(np.float32) / 32768.0
    if len(audio) < SHORTEST or np.abs(audio).max() < _QUIET:
        return None
    return audio


def primary(language: str | None) -> str | None:
    """The language of a tag: "en" for "en-GB"."""
    return language.replace("_", "-").partition("-")[0].lower() if language else None

"""Resampling for ears: what goes in comes out a millisecond later.

soxr's stream (`Resampler`) works in blocks and holds back 6 to 37 ms, which a listener of recordings never notices and
a detector of turns does with every turn. This is a plain polyphase filter: a windowed sinc of Kaiser's (1974).
"""

from math import gcd

import numpy as np
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.media.pcm import samples

_HALF = 54
"""Taps on each side of the middle, at the rate both have in common (48 kHz for 24 and 16): 1.1 ms."""
_STOP_BETA = 5.65
"""Kaiser's window for 60 dB in the stop band."""
_PASS = 0.9
"""The share of the lower rate's band that passes."""


class QuickResampler:
    """Converts PCM16 mono from one rate to another, piece by piece, without seams between the pieces."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if rate_in <= 0 or rate_out <= 0:
            raise BadInput(f"sample rates must be over 0, not {rate_in} and {rate_out}")
        common = gcd(rate_in, rate_out)
        self._up, self._down = rate_out // common, rate_in // common
        self._weights = _weights(self._up, self._down)
        self._rest = np.zeros(_HALF // self._up, dtype=np.float32)  # so that the first output is the first input's

    def push(self, pcm: bytes) -> bytes:
        """The part of the converted stream that `pcm` completes; may be empty. Raises BadInput for half a sample."""
        signal = np.concatenate([self._rest, samples(pcm).astype(np.float32)])
        reach = len(self._weights)
        groups = max(0, (len(signal) - reach) // self._down + 1)
        if groups == 0:
            self._rest = signal
            return b""
        self._rest = signal[groups * self._down :]
        # Overlapping views; `sliding_window_view` makes the same ones in ten times the time.
        strides = (self._down * signal.itemsize, signal.itemsize)
        windows = np.ndarray((groups, reach), np.float32, signal, strides=strides)
        converted = windows @ self._weights
        np.rint(converted, out=converted)
        np.minimum(np.maximum(converted, -32768, out=converted), 32767, out=converted)
        return converted.astype("<i2").tobytes()


def _weights(up: int, down: int) -> NDArray[np.float32]:
    """[inputs, up]: what each of a group of `up` outputs takes of the inputs that it reaches."""
    offsets = np.arange(-_HALF, _HALF + 1)
    cutoff = _PASS / max(up, down)
    taps = up * cutoff * np.sinc(cutoff * offsets) * np.kaiser(len(offsets), _STOP_BETA)
    first, last = -(_HALF // up), (_HALF + (up - 1) * down) // up
    weights = np.zeros((last - first + 1, up), dtype=np.float32)
    for row, position in enumerate(range(first, last + 1)):
        for output in range(up):
            tap = output * down - position * up + _HALF
            if 0 <= tap < len(taps):
                weights[row, output] = taps[tap]
    return weights

"""PCM16 (signed 16-bit little-endian, mono): the one form in which audio walks between rooms.

Everything here takes and gives whole samples, an even number of bytes; odd bytes raise BadInput. A caller that
reads from a socket keeps the half sample until its other half comes.
"""

import numpy as np
import soxr
from numpy.typing import NDArray

from polytalk.errors import BadInput
from polytalk.types import SAMPLE_BYTES, Seconds

_FULL_SCALE = 32768.0


def to_float(pcm: bytes) -> NDArray[np.float32]:
    """Samples in -1..1 (1 excluded), shape [samples]."""
    return samples(pcm).astype(np.float32) / np.float32(_FULL_SCALE)


def from_float(signal: NDArray[np.floating]) -> bytes:
    """PCM16 of samples in -1..1; louder ones are clipped, never wrapped. Raises BadInput for NaN."""
    scaled = np.rint(np.asarray(signal, np.float32) * np.float32(_FULL_SCALE))
    if np.isnan(scaled).any():
        raise BadInput("the audio has samples that are not numbers (NaN); the model or file that made it is broken")
    clipped: NDArray[np.int16] = np.clip(scaled, -32768, 32767).astype("<i2")
    return clipped.tobytes()


def samples(pcm: bytes) -> NDArray[np.int16]:
    """A read-only view of the samples, shape [samples]."""
    if len(pcm) % SAMPLE_BYTES:
        raise BadInput(f"PCM16 audio has 2 bytes a sample, but {len(pcm)} bytes were given; send whole samples")
    return np.frombuffer(pcm, "<i2")


def duration(pcm: bytes | bytearray, rate: int) -> Seconds:
    """How long the audio lasts at `rate` samples a second."""
    return len(pcm) / SAMPLE_BYTES / rate


def level(pcm: bytes) -> float:
    """Root mean square of the samples, 0..1; 0 for none."""
    signal = samples(pcm).astype(np.float32)
    return float(np.sqrt(np.mean(np.square(signal)))) / _FULL_SCALE if len(signal) else 0.0


def silence(seconds: Seconds, rate: int) -> bytes:
    """That much silence, to the nearest sample."""
    return bytes(round(seconds * rate) * SAMPLE_BYTES)


class Resampler:
    """Converts a stream from one rate to another, piece by piece, without seams between the pieces.

    The filter looks ahead and works in blocks, so what comes out lags 10 to 30 ms behind what went in; `flush`
    gives the rest. After it, or after `reset`, the same object serves a new stream.
    """

    def __init__(self, rate_in: int, rate_out: int) -> None:
        if rate_in <= 0 or rate_out <= 0:
            raise BadInput(f"sample rates must be over 0, not {rate_in} and {rate_out}")
        self.rate_in = rate_in
        self.rate_out = rate_out
        same = rate_in == rate_out
        self._stream = None if same else soxr.ResampleStream(rate_in, rate_out, 1, dtype="int16")

    def push(self, pcm: bytes) -> bytes:
        """The part of the converted stream that `pcm` completes; may be empty. Raises BadInput for half a sample."""
        return self._convert(pcm, last=False)

    def flush(self) -> bytes:
        """End the stream: what was held back. The total then has rate_out / rate_in times the samples pushed."""
        rest = self._convert(b"", last=True)
        self.reset()
        return rest

    def reset(self) -> None:
        """Forget the stream, as after an interruption."""
        if self._stream is not None:
            self._stream.clear()

    def _convert(self, pcm: bytes, *, last: bool) -> bytes:
        signal = samples(pcm)
        if self._stream is None:
            return pcm
        converted: NDArray[np.int16] = self._stream.resample_chunk(signal, last=last)
        return converted.astype("<i2", copy=False).tobytes()


def resample(pcm: bytes, rate_in: int, rate_out: int) -> bytes:
    """A whole piece of audio at another rate."""
    resampler = Resampler(rate_in, rate_out)
    return resampler.push(pcm) + resampler.flush()

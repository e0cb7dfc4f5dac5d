"""G.711, the telephone's eight bits a sample: μ-law and A-law (ITU-T G.711, 1988), by tables made from its formulas."""

from functools import cache
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from polytalk.media.pcm import samples

RATE = 8_000
"""Samples a second."""
Law: TypeAlias = Literal["mu", "a"]

_BIAS = 0x84
"""What μ-law adds to 14-bit magnitudes (here scaled to 16 bits) so that every segment begins at a power of two."""


def decode(coded: bytes, law: Law) -> bytes:
    """PCM16, two bytes for each byte."""
    decoded: NDArray[np.int16] = _decoded(law)[np.frombuffer(coded, np.uint8)]
    return decoded.astype("<i2", copy=False).tobytes()


def encode(pcm: bytes, law: Law) -> bytes:
    """A byte for each sample of PCM16. Raises BadInput for half a sample."""
    coded: NDArray[np.uint8] = _encoded(law)[samples(pcm).astype(np.int32) + 32_768]
    return coded.tobytes()


@cache
def _decoded(law: Law) -> NDArray[np.int16]:
    """[256]: the sample that a byte stands for."""
    code = np.arange(256, dtype=np.int32) ^ (0xFF if law == "mu" else 0x55)
    segment, step = (code >> 4) & 7, code & 0x0F
    if law == "mu":
        magnitude = (((step << 3) + _BIAS) << segment) - _BIAS
        negative = (code & 0x80) != 0
    else:
        magnitude = np.where(segment == 0, (step << 4) + 8, ((step << 4) + 0x108) << np.maximum(segment - 1, 0))
        negative = (code & 0x80) == 0
    return np.where(negative, -magnitude, magnitude).astype(np.int16)


@cache
def _encoded(law: Law) -> NDArray[np.uint8]:
    """[65536]: the byte for each sample, -32768 first. The codec cuts to its own precision: 14 bits, or 13."""
    signal = np.arange(-32_768, 32_768, dtype=np.int32)
    if law == "mu":
        cut = signal >> 2
        magnitude = np.minimum(np.abs(cut) + (_BIAS >> 2), 8_191)
        segment = np.clip(np.floor(np.log2(magnitude)).astype(np.int32) - 5, 0, 7)
        coded = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
        signs = 0x7F, 0xFF
    else:
        cut = signal >> 3
        magnitude = np.where(cut < 0, -cut - 1, cut)
        segment = np.clip(np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4, 0, 7)
        coded = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
        signs = 0x55, 0xD5
    table: NDArray[np.uint8] = (coded ^ np.where(cut < 0, *signs)).astype(np.uint8)
    return table

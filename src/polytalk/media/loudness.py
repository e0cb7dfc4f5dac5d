"""How loud speech is and how to bring it to what platforms play: EBU R 128, measured and limited by FFmpeg's filters.

Gain is one number for a whole recording: what is soft in it stays softer than what is loud. A limiter takes only the
peaks that the gain lifts over the ceiling.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from math import log10
from typing import Final

import av
import av.filter
import numpy as np

from polytalk.media.pcm import samples, silence
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE

TARGET: Final = -16.0
"""LUFS of speech in files: AES TD1008 recommends it for speech, and podcasts are made so."""
CEILING: Final = -1.0
"""dBTP that no peak passes (EBU R 128)."""
_HEADROOM: Final = 0.8
"""dB below the ceiling at which peaks are limited: encoders that lose something add up to half a decibel."""
_QUIET: Final = -60.0
"""LUFS below which there is nothing to bring up but noise."""
_MOST: Final = 24.0
"""dB of gain at most."""
_REGAINED: Final = 4.0
"""dB at most that are added for what the limiter took."""
_ROUNDS: Final = 2
"""Each gives back most of what the limiter took."""
_STEP: Final = 0.1
"""Seconds of a filter's step; the silence added for the last one falls under the gate."""
_OVER: Final = 4
"""Peaks between samples show at four times the rate (ITU-R BS.1770-5, annex 2)."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """Of a recording."""

    integrated: float
    """LUFS over all of it, gated; -70 for silence and for less than 0.4 s."""
    peak: float
    """dBTP."""


def measure(pieces: Iterable[bytes], rate: int = SPEECH_RATE) -> Loudness:
    """The loudness of PCM16 mono, given in pieces; memory does not grow with their number."""
    graph = _Graph(rate, ("ebur128", "peak=true:metadata=1"))
    found: dict[str, str] = {}
    for piece in _with_end(chain(pieces, (silence(_STEP, rate),))):  # only whole steps are measured
        for frame in graph.push(piece):
            found = dict(frame.metadata) or found
    peak = float(found.get("lavfi.r128.true_peak", 0.0))
    return Loudness(float(found.get("lavfi.r128.I", -70.0)), 20 * log10(max(peak, 1e-6)))


@dataclass(frozen=True, slots=True)
class Level:
    """What is done to a recording."""

    gain: float = 0.0
    """dB."""
    limited: bool = False
    """Whether peaks must be held down."""


def find_level(recording: Callable[[], Iterable[bytes]], rate: int = SPEECH_RATE, target: float = TARGET) -> Level:
    """What brings a recording to the target; `recording` gives its pieces anew, up to four times."""
    measured = measure(recording(), rate)
    if measured.integrated < _QUIET:
        return Level()
    gain = _bounded(target - measured.integrated)
    if measured.peak + gain <= CEILING - _HEADROOM:
        return Level(gain)
    most = gain + _REGAINED
    for _ in range(_ROUNDS):
        lost = target - measure(levelled(recording(), Level(gain, limited=True), rate), rate).integrated
        gain = _bounded(min(most, gain + max(0.0, lost)))
    return Level(gain, limited=True)


def _bounded(decibels: float) -> float:
    return max(-_MOST, min(_MOST, decibels))


def levelled(pieces: Iterable[bytes], level: Level, rate: int = SPEECH_RATE) -> Iterator[bytes]:
    """The recording brought to that level, piece by piece, exactly as long as it was."""
    if not level.limited:
        factor = np.float32(10 ** (level.gain / 20))
        for piece in pieces:
            yield np.rint(samples(piece) * factor).astype("<i2").tobytes()
        return
    ceiling = 10 ** ((CEILING - _HEADROOM) / 20)
    graph = _Graph(
        rate,
        ("aresample", str(rate * _OVER)),
        ("aformat", "sample_fmts=dbl"),
        ("volume", f"volume={level.gain:.4f}dB:precision=double"),
        ("alimiter", f"limit={ceiling:.6f}:level=false:attack=5:release=60:latency=true"),
        ("aresample", str(rate)),
        ("aformat", "sample_fmts=s16"),
    )
    taken = given = 0
    for given_piece in _with_end(pieces):
        taken += len(given_piece or b"")
        for frame in graph.push(given_piece):
            part = frame.to_ndarray()[0].astype("<i2", copy=False).tobytes()[: max(0, taken - given)]
            given += len(part)
            yield part
    yield bytes(taken - given)


def _with_end(pieces: Iterable[bytes]) -> Iterator[bytes | None]:
    """None ends a filter's input."""
    yield from pieces
    yield None


class _Graph:
    """A chain of FFmpeg's filters for PCM16 mono."""

    def __init__(self, rate: int, *filters: tuple[str, str]) -> None:
        self._rate, self._pushed = rate, 0
        self._graph = av.filter.Graph()
        steps = [
            self._graph.add("abuffer", f"sample_rate={rate}:sample_fmt=s16:channel_layout=mono:time_base=1/{rate}"),
            *(self._graph.add(name, options) for name, options in filters),
            self._graph.add("abuffersink"),
        ]
        for source, target in pairwise(steps):
            source.link_to(target)
        self._graph.configure()

    def push(self, piece: bytes | None) -> Iterator[av.AudioFrame]:
        """What comes out for a piece; None ends the sound."""
        if piece is None:
            if not self._pushed:
                return
            self._graph.push(None)
        elif piece:
            frame = av.AudioFrame.from_ndarray(samples(piece).reshape(1, -1), format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._pushed, Fraction(1, self._rate)
            self._pushed += len(piece) // SAMPLE_BYTES
            self._graph.push(frame)
        with suppress(av.BlockingIOError, av.EOFError):
            while True:
                out = self._graph.pull()
                assert isinstance(out, av.AudioFrame)
                yield out

"""From a network's durations to timed phones, corrected by what the audio says about pauses.

A TTS network of the duration-predictor family gives every input symbol a number of frames: phonemes, but also
stress marks, spaces and punctuation. Where the time of a space or a comma goes (a pause, or the neighbouring
phones), only the audio can tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from polytalk.types import SPEECH_RATE, Phone, Seconds

FRAME = SPEECH_RATE // 200
"""Samples of a loudness frame: 5 ms."""
QUIET = 0.012
"""A frame is quiet below this share of the loud frames' RMS (-38 dB)."""
KEEP: Seconds = 0.06
"""What is left of a phone at least when the pause beside it grows: a final /p/ is shut as long."""
REACH: Seconds = 0.15
"""How far from its predicted place a pause is looked for."""
SHORTEST_PAUSE: Seconds = 0.05
SHORTEST_GAP: Seconds = 0.15
"""A gap between words without punctuation is a pause from here on; shorter ones are the closure of a stop."""

BEFORE = frozenset("ˈˌ")
"""Marks whose time belongs to the phone after them."""
AFTER = frozenset("ːˑʰʲ̃→↗↘↓")
"""Marks whose time belongs to the phone before them: length, aspiration, tone."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """One input symbol of the network with its predicted duration."""

    text: str
    seconds: Seconds
    pause: bool = False
    """Whether it is a space, punctuation or padding, which has no sound of its own."""


@dataclass(slots=True)
class _Span:
    text: str
    start: Seconds
    end: Seconds
    pause: bool


def time_phones(symbols: Sequence[Symbol], audio: NDArray[np.float32], *, ahead: Seconds = 0.0) -> list[Phone]:
    """Phones that cover `audio` (float, `SPEECH_RATE`) without gap or overlap; "" is silence.

    `ahead` is how much earlier than its predicted time a phone is heard: the aligner that a network was trained with
    lags by a constant.
    """
    total = len(audio) / SPEECH_RATE
    spans = _spans(symbols, ahead, total)
    quiet = quiet_frames(audio)
    for index, span in enumerate(spans):
        if span.pause:
            _fit_pause(spans, index, quiet, total)
    return [
        Phone("" if span.pause else span.text, round(span.start, 4), round(span.end, 4))
        for span in spans
        if span.end - span.start > 1e-4
    ]


def quiet_frames(audio: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which frames of `FRAME` samples are quiet against the loud ones of the same audio."""
    count = len(audio) // FRAME
    rms = np.sqrt(np.mean(np.square(audio[: count * FRAME].reshape(count, FRAME)), axis=1))
    loud = float(np.percentile(rms, 95)) if count else 0.0
    result: NDArray[np.bool_] = rms <= QUIET * loud
    return result


def _spans(symbols: Sequence[Symbol], ahead: Seconds, total: Seconds) -> list[_Span]:
    """Symbols in time, marks joined to their phones and neighbouring pauses to one."""
    spans: list[_Span] = []
    clock = -ahead
    owed = 0.0  # time of marks that belongs to the next phone
    for symbol in symbols:
        start, clock = clock - owed, clock + symbol.seconds
        owed = 0.0
        if symbol.text in BEFORE:
            owed = clock - start
        elif spans and (symbol.text in AFTER or (symbol.pause and spans[-1].pause)):
            spans[-1].end = clock
            if symbol.text.strip() and symbol.pause:
                spans[-1].text = symbol.text  # punctuation says more than the space beside it
        else:
            spans.append(_Span(symbol.text, start, clock, symbol.pause))
    for span in spans:
        span.start, span.end = min(max(span.start, 0.0), total), min(max(span.end, 0.0), total)
    if spans:
        spans[0].start, spans[-1].end = 0.0, total
    return spans


def _fit_pause(spans: list[_Span], index: int, quiet: NDArray[np.bool_], total: Seconds) -> None:
    """Make the pause at `index` the silence that is really there, or hand its time to its neighbours."""
    span = spans[index]
    before = spans[index - 1] if index else None
    after = spans[index + 1] if index + 1 < len(spans) else None
    low = 0.0 if before is None else max(before.start + min(KEEP, before.end - before.start), span.start - REACH)
    high = total if after is None else min(after.end - min(KEEP, after.end - after.start), span.end + REACH)
    if after is None and before is not None:
        low = before.start + min(KEEP, before.end - before.start)  # the last phone is predicted far too long
    start, end = _longest_quiet(quiet, low, high)
    inner = before is not None and after is not None
    if end - start < (SHORTEST_GAP if inner and not span.text.strip() else SHORTEST_PAUSE):
        start = end = span.end if before is None else span.start if after is None else (span.start + span.end) / 2
    if before is None:
        start = 0.0
    if after is None:
        end = total
    span.start, span.end = start, end
    if before is not None:
        before.end = start
    if after is not None:
        after.start = end


def _longest_quiet(quiet: NDArray[np.bool_], low: Seconds, high: Seconds) -> tuple[Seconds, Seconds]:
    """The longest run of quiet frames inside a window, in seconds."""
    seconds = FRAME / SPEECH_RATE
    first, last = int(np.ceil(low / seconds)), int(high / seconds)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], quiet[first:last], [False])).astype(np.int8)))
    if not len(edges):
        return low, low
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return (first + int(starts[longest])) * seconds, (first + int(ends[longest])) * seconds

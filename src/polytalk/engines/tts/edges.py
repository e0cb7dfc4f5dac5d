"""The two ends of a spoken sentence: heard at once, and followed by the pause that its punctuation asks for."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.tts.timing import FRAME, Symbol, quiet_frames
from polytalk.types import SPEECH_RATE, Phone, Seconds

HEAD: Seconds = 0.02
"""Silence kept before the first sound; the networks give 0.2 s or more, which the user would wait for."""
FADE = SPEECH_RATE // 200
"""Samples of the fade at a cut: 5 ms, so that it does not click."""
SENTENCE_PAUSE: Seconds = 0.22
CLAUSE_PAUSE: Seconds = 0.12
OTHER_PAUSE: Seconds = 0.06
_ENDS_SENTENCE = frozenset(".!?…")
_ENDS_CLAUSE = frozenset(",;:—")


def pause_after(symbols: Sequence[Symbol]) -> Seconds:
    """How long the silence after a piece should be, by its last mark: the rhythm when pieces are played in turn."""
    for symbol in reversed(symbols):
        if not symbol.pause:
            break
        if symbol.text in _ENDS_SENTENCE:
            return SENTENCE_PAUSE
        if symbol.text in _ENDS_CLAUSE:
            return CLAUSE_PAUSE
    return OTHER_PAUSE


def shape_edges(
    audio: NDArray[np.float32], phones: Sequence[Phone], pause: Seconds
) -> tuple[NDArray[np.float32], list[Phone]]:
    """Cut the silence before the first sound to `HEAD` and make the one after the last sound exactly `pause`.

    `audio` is float at `SPEECH_RATE`; phones are cut and moved with it and still cover it.
    """
    loud = np.flatnonzero(~quiet_frames(audio))
    if not len(loud):
        return audio, list(phones)
    start = max(0, int(loud[0]) * FRAME - round(HEAD * SPEECH_RATE))
    sound_end = (int(loud[-1]) + 1) * FRAME
    end = sound_end + round(pause * SPEECH_RATE)
    shaped = np.pad(audio[start:end], (0, max(0, end - len(audio))))
    ramp = np.linspace(0.0, 1.0, FADE, dtype=np.float32)
    shaped[:FADE] *= ramp
    shaped[-FADE:] *= ramp[::-1]
    return shaped, _moved(phones, start / SPEECH_RATE, len(shaped) / SPEECH_RATE)


def _moved(phones: Sequence[Phone], shift: Seconds, total: Seconds) -> list[Phone]:
    """Phones `shift` earlier, cut to [0, total]; what is missing at the end is silence."""
    moved = [
        Phone(phone.symbol, round(max(0.0, phone.start - shift), 4), round(min(total, phone.end - shift), 4))
        for phone in phones
        if phone.end - shift > 1e-4 and phone.start - shift < total
    ]
    if not moved or total - moved[-1].end < 1e-4:
        return moved
    last = moved[-1]
    if last.symbol == "":
        return [*moved[:-1], Phone("", last.start, round(total, 4))]
    return [*moved, Phone("", last.end, round(total, 4))]

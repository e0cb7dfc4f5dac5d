"""Speech with phone times as what the net sees and what it should answer."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.mouth.acoustic import frame_count
from polytalk.engines.mouth.coarticulation import blend
from polytalk.engines.mouth.features import mel_frames
from polytalk.engines.mouth.visemes import DIPHTHONGS, PRESS, VISEMES, gestures
from polytalk.train.augment import vary
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE, Phone, Speech

LEARNT = len(MOUTH_PARAMS) - 1
"""All parameters but the blink, which has nothing to do with speech."""
_SHAPES = {id(shape): number for number, shape in enumerate({id(v): v for v in VISEMES.values()}.values(), 1)}
CLASSES = len(_SHAPES) + 1
"""Shapes of the mouth that phones ask for, and none."""


class Stream(NamedTuple):
    """Many sentences one after another."""

    mel: NDArray[np.float16]
    """[2 F, MELS]."""
    mouth: NDArray[np.float16]
    """[F, LEARNT] in 0..1."""
    shape: NDArray[np.uint8]
    """[F] which shape the phone asks for, in 0..`CLASSES` - 1."""


def samples(speech: Speech) -> NDArray[np.float32]:
    """Its audio, -1..1."""
    return np.frombuffer(speech.audio, dtype="<i2").astype(np.float32) / np.float32(32768)


def wanted(phones: Sequence[Phone], count: int) -> NDArray[np.float32]:
    """The mouth [F, P] for `count` samples whose phones are known: what the engine `phones` does before loudness."""
    times = np.arange(frame_count(count)) / MOUTH_RATE
    return blend(gestures(phones, count / SPEECH_RATE), times)


def stream(speech: Iterable[Speech], random: np.random.Generator | None, copies: int = 1) -> Stream:
    """Features and targets; each sentence once as it is and `copies` - 1 times varied if there is chance in it."""
    parts = []
    for said in speech:
        clean = samples(said)
        parts.append(_part(clean, said.phones))
        if random is not None:
            parts += [_part(*vary(clean, said.phones, random)) for _ in range(copies - 1)]
    if random is not None:
        parts += [_part(_hum(random), ()) for _ in range(len(parts) // 60)]
        parts = [parts[i] for i in random.permutation(len(parts))]
    return Stream(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _hum(random: np.random.Generator) -> NDArray[np.float32]:
    """Four seconds without speech: silence or the noise of a room."""
    return random.normal(0, 10 ** random.uniform(-5, -1.8), 4 * SPEECH_RATE).astype(np.float32)


def _part(audio: NDArray[np.float32], phones: Sequence[Phone]) -> Stream:
    mouth = wanted(phones, len(audio))[:, :LEARNT]
    shape = np.zeros(len(mouth), dtype=np.uint8)
    for phone in phones:
        first, last = round(phone.start * MOUTH_RATE), round(phone.end * MOUTH_RATE)
        for half, symbol in enumerate(DIPHTHONGS.get(phone.symbol, phone.symbol * 2)):
            middle = round(first + 0.6 * (last - first)) if half else first
            shape[middle:last] = _SHAPES.get(id(VISEMES.get(symbol)), 0)
    return Stream(mel_frames(audio).astype(np.float16), mouth.astype(np.float16), shape)


def closed(mouth: NDArray[np.float16]) -> NDArray[np.float32]:
    """[..., F] 1 where the lips are shut."""
    result: NDArray[np.float32] = (mouth[..., PRESS] > 0.75).astype(np.float32)
    return result

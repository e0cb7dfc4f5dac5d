"""misaki's alphabet as hibari and Kokoro number it: one character of a phoneme string is one symbol."""

import json
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from polytalk.engines.models import ModelFile, locate
from polytalk.engines.tts.timing import Symbol
from polytalk.types import Seconds

VOCABULARY = ModelFile(
    package="hibari",
    path="assets/vocab.json",
    sha256="70abefbe8a1c8865e43e0a43bbdc25b91a33e4aa053479d443ccf23e20a59e5d",
    install="hibari-tts",
)
PAUSES = frozenset(' ;:,.!?—…"()“”')
PAD = 0
"""Before the first symbol and after the last; both get silence."""
UNIT: Seconds = 0.025
"""What these networks count durations in."""


def read_ids() -> dict[str, int]:
    """The number of each symbol. Raises ModelMissing, ModelCorrupt."""
    ids: dict[str, int] = json.loads(locate(VOCABULARY).read_text(encoding="utf-8"))
    return ids


def known_symbols(phonemes: str, ids: Mapping[str, int]) -> list[str]:
    """The symbols that have a number; none when nothing among them sounds."""
    known = [char for char in phonemes if char in ids]
    return known if any(char not in PAUSES for char in known) else []


def encode(symbols: Iterable[str], ids: Mapping[str, int]) -> NDArray[np.int64]:
    """[1, len + 2] with the pads."""
    return np.array([[PAD, *(ids[symbol] for symbol in symbols), PAD]], dtype=np.int64)


def with_durations(symbols: Sequence[str], durations: Iterable[float]) -> list[Symbol]:
    """`durations` in `UNIT`, one for each number that `encode` gave."""
    pairs = zip([" ", *symbols, " "], durations, strict=True)
    return [Symbol(symbol, float(length) * UNIT, symbol in PAUSES) for symbol, length in pairs]

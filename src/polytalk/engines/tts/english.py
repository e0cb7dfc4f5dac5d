"""English text to phonemes in misaki's alphabet, by hibari's dictionary, tagger and network for unknown words.

One G2P a process: every English voice reads from it.
"""

import functools
import re
import threading
from collections.abc import Iterator
from typing import Any

from polytalk.engines.models import ModelFile, locate

_PINS = {
    "lexicon_us_gold.json.gz": "63ae94f8ef0e906d5b24fe9b59ffcbd1529aca5686a774610e43973cbaa86ad2",
    "lexicon_us_silver.json.gz": "c4c2546ebf1eb07010331e7ef785a431aa17ba8e7bfb6b4af8d654ee96a71fd3",
    "normalize.json": "d478ff05404bc43ac3e0468e306674e51085f1b1afc94cdef7c7ea4fb0d56bd8",
    "oov.json": "b462e6e5dbdf0e7346c732385d0dd844f612f1770871441c56932bff4ca75d8c",
    "oov.onnx": "d3cfd8122c5f172a98c8de38268bf1213ee09f2c2ae4df6e055fc6532590fe76",
    "tagger.json.gz": "d2da7502284bbbe45d49e0b7ce3ce67bdab82254150f4317f1b8559b4d38d0eb",
    "tokenizer_exceptions.json": "ddf3a3da07bdcf5144270ea4530191d8580fb4fd6f5ae93296e87916e795659a",
}
FILES = tuple(
    ModelFile(package="hibari", path=f"assets/{name}", sha256=digest, install="hibari-tts")
    for name, digest in _PINS.items()
)
"""Everything the G2P reads."""

_BOUNDARIES = (r"(?<=[.!?…])\s+", r"(?<=[,;:—])\s*", r"\s+")
"""Where a phoneme string may be cut, best first: sentence, clause, word."""
_loading = threading.Lock()


class EnglishG2P:
    """American English. Holds the GIL: about 1 ms for a sentence."""

    def __init__(self) -> None:
        """Read the dictionaries (0.3 s, 60 MB). Raises ModelMissing, ModelCorrupt."""
        for file in FILES:
            locate(file)
        from hibari.g2p import G2P  # here, because the import reads files that must be verified first

        self._g2p: Any = G2P()
        self._g2p.oov("polytalk")  # opens the network for unknown words, which else would delay a user's turn

    def phonemes(self, text: str) -> str:
        """Phonemes of a sentence, with stress marks, spaces between words and the text's punctuation.

        Characters that English can't read are left out.
        """
        result: str = self._g2p(text)
        return result


@functools.lru_cache(maxsize=1)
def _shared() -> EnglishG2P:
    return EnglishG2P()


def english_g2p() -> EnglishG2P:
    """The process's one G2P, read at the first call. Raises ModelMissing, ModelCorrupt."""
    with _loading:  # two engines may load at once; lru_cache would let both read the files
        return _shared()


def split_phonemes(phonemes: str, limit: int) -> Iterator[str]:
    """Cut a phoneme string into pieces of at most `limit` characters, at the best boundaries there are."""
    yield from _split(phonemes.strip(), limit, 0)


def _split(phonemes: str, limit: int, level: int) -> Iterator[str]:
    if len(phonemes) <= limit:
        if phonemes:
            yield phonemes
        return
    if level == len(_BOUNDARIES):
        yield from (phonemes[i : i + limit] for i in range(0, len(phonemes), limit))
        return
    piece = ""
    for part in re.split(_BOUNDARIES[level], phonemes):
        joined = f"{piece} {part}" if piece else part
        if len(joined) <= limit:
            piece = joined
            continue
        yield from _split(piece, limit, level + 1)
        piece = part
    yield from _split(piece, limit, level + 1)

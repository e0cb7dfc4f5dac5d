"""The voice "heart": hibari, an English network of 8 MB that speaks 100 times faster than real time on one core.

The network predicts a spectrum in five parts; hibari's signal processing makes the waveform of it.
https://github.com/MMWilliams/hibari (Apache-2.0)
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import Voice, parse_options
from polytalk.engines.models import ModelFile, locate
from polytalk.engines.revision import revision
from polytalk.engines.tts.alphabet import encode, known_symbols, read_ids, with_durations
from polytalk.engines.tts.english import FILES, EnglishG2P, english_g2p, split_phonemes
from polytalk.engines.tts.local import LocalTts, Piece
from polytalk.engines.tts.session import open_session

MODEL = ModelFile(
    package="hibari",
    path="assets/hibari.onnx",
    sha256="5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
    install="hibari-tts",
)
DURATIONS = "/Clip_output_0"
"""The tensor in the graph that holds each symbol's length."""
MAX_PHONEMES = 400
"""Longer sentences than the network was trained on are cut."""


class HibariOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tts.options]`: none."""


class HibariTts(LocalTts):
    """American English, female. Deterministic: the noise in its breath is seeded from the text."""

    ahead = 0.055  # measured: hisses, vowels and closures are heard 45 to 65 ms before their predicted times
    gain = 1.8

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "hibari"
        parse_options(HibariOptions, options or {}, "tts")
        self.revision = revision("polytalk.engines.tts", weights=(MODEL, *FILES), libraries=["hibari-tts"])
        self._session: Any = None
        self._g2p: EnglishG2P | None = None
        self._ids: dict[str, int] = {}

    def load(self) -> None:
        """Read the network and the English dictionaries (0.5 s). Raises ModelMissing, ModelCorrupt."""
        self._ids = read_ids()
        self._session = open_session(locate(MODEL), inner=[DURATIONS])
        self._g2p = english_g2p()

    def close(self) -> None:
        """Drop the network; the G2P stays for other voices of the process."""
        self._session = self._g2p = None

    def voices(self) -> Sequence[Voice]:
        """The one whose network comes in the package."""
        return (Voice("heart", "Heart", ("en",), "female", phones=True),)

    def synthesise(self, text: str, voice: Voice, language: str, speed: float) -> Sequence[Piece]:
        """One piece for every `MAX_PHONEMES`. Spoken at most half as fast and twice as fast as by nature."""
        if self._session is None or self._g2p is None:
            raise RuntimeError("load() was not called")
        noise = np.random.default_rng(zlib.crc32(text.encode()))
        return [
            self._piece(symbols, min(max(speed, 0.5), 2.0), noise)
            for phonemes in split_phonemes(self._g2p.phonemes(text), MAX_PHONEMES)
            if (symbols := known_symbols(phonemes, self._ids))
        ]

    def _piece(self, symbols: Sequence[str], speed: float, noise: np.random.Generator) -> Piece:
        from hibari import dsp  # importing the package reads files, which a process without this voice need not have

        feeds = {"ids": encode(symbols, self._ids), "speed": np.array([speed], dtype=np.float32)}
        *spectra, durations = self._session.run(None, feeds)
        audio: NDArray[np.float32] = dsp.synth(*(part[0] for part in spectra), noise)
        return Piece(audio, with_durations(symbols, durations))

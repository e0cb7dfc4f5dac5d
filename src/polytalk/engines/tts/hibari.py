"""The voice "heart": hibari, an English network of 8 MB that speaks 100 times faster than real time on one core.

The network predicts a spectrum in five parts; hibari's signal processing makes the waveform of it.
https://github.com/MMWilliams/hibari (Apache-2.0)
"""

import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import Voice, parse_options
from polytalk.engines.models import ModelFile, locate
from polytalk.engines.tts.english import EnglishG2P, english_g2p, split_phonemes
from polytalk.engines.tts.local import LocalTts
from polytalk.engines.tts.session import open_session
from polytalk.engines.tts.timing import Symbol

MODEL = ModelFile(
    package="hibari",
    path="assets/hibari.onnx",
    sha256="5f70741d4e900f4e85d0037498736cc1b3e1b9a63a13546a5da1e63abf4fccd8",
    install="hibari-tts",
)
VOCABULARY = ModelFile(
    package="hibari",
    path="assets/vocab.json",
    sha256="70abefbe8a1c8865e43e0a43bbdc25b91a33e4aa053479d443ccf23e20a59e5d",
    install="hibari-tts",
)
DURATIONS = "/Clip_output_0"
"""The tensor in the graph that holds each symbol's length in units of `UNIT`."""
UNIT = 0.025
MAX_PHONEMES = 400
"""Longer sentences than the network was trained on are cut."""
PAD = 0
PAUSES = frozenset(' ;:,.!?—…"()“”')


class HibariOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tts.options]`: none."""


class HibariTts(LocalTts):
    """American English, female. Deterministic: the noise in its breath is seeded from the text."""

    ahead = 0.05  # measured: hisses, vowels and closures are heard 45 to 55 ms before their predicted times
    gain = 1.8

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "hibari"
        parse_options(HibariOptions, options or {}, "tts")
        self._session: Any = None
        self._g2p: EnglishG2P | None = None
        self._ids: dict[str, int] = {}

    def load(self) -> None:
        """Read the network and the English dictionaries (0.6 s). Raises ModelMissing, ModelCorrupt."""
        self._ids = json.loads(locate(VOCABULARY).read_text(encoding="utf-8"))
        self._session = open_session(locate(MODEL), inner=[DURATIONS])
        self._g2p = english_g2p()

    def close(self) -> None:
        """Drop the network; the G2P stays for other voices of the process."""
        self._session = self._g2p = None

    def voices(self) -> Sequence[Voice]:
        """The one whose network comes in the package."""
        return (Voice("heart", "Heart", ("en",), "female", phones=True),)

    def synthesise(
        self, text: str, voice: Voice, language: str, speed: float
    ) -> Sequence[tuple[NDArray[np.float32], Sequence[Symbol]]]:
        """One piece for every `MAX_PHONEMES`. Spoken at most half as fast and twice as fast as by nature."""
        if self._session is None or self._g2p is None:
            raise RuntimeError("load() was not called")
        noise = np.random.default_rng(zlib.crc32(text.encode()))
        return [
            self._piece(phonemes, min(max(speed, 0.5), 2.0), noise)
            for phonemes in split_phonemes(self._g2p.phonemes(text), MAX_PHONEMES)
            if any(char in self._ids and char not in PAUSES for char in phonemes)
        ]

    def _piece(
        self, phonemes: str, speed: float, noise: np.random.Generator
    ) -> tuple[NDArray[np.float32], Sequence[Symbol]]:
        from hibari import dsp  # importing the package reads files, which a process without this voice need not have

        known = [char for char in phonemes if char in self._ids]
        ids = np.array([[PAD, *(self._ids[char] for char in known), PAD]], dtype=np.int64)
        feeds = {"ids": ids, "speed": np.array([speed], dtype=np.float32)}
        *spectra, durations = self._session.run(None, feeds)
        audio: NDArray[np.float32] = dsp.synth(*(part[0] for part in spectra), noise)
        symbols = [
            Symbol(char, float(length) * UNIT, char in PAUSES)
            for char, length in zip([" ", *known, " "], durations, strict=True)
        ]
        return audio, symbols

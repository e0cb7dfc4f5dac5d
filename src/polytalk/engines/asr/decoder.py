"""Spectrograms to text: a Whisper model of CTranslate2 with its vocabulary."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from tokenizers import Tokenizer

from polytalk.errors import ConfigError

MOST_BEFORE = 200
"""Tokens of a prompt that count."""
_TOKENS_PER_SECOND = 12
"""No tongue is faster; the fastest in our tests reached 7."""


class Heard(Struct, frozen=True):
    """What the model made of one window."""

    text: str
    language: str
    no_speech: float
    """Probability that nobody spoke."""
    score: float
    """Mean log probability of the tokens."""


class Decoder:
    """A model that is read once; `decode` may be called by several threads at once."""

    def __init__(self, folder: Path, *, languages: Sequence[str], threads: int, side_by_side: int) -> None:
        """Read the model in `folder`. `languages` is what an utterance may be taken for, if the model knows several.

        Raises ConfigError for a language that the model does not know.
        """
        self._tokenizer: Any = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._model: Any = ctranslate2.models.Whisper(
            str(folder), device="cpu", compute_type="int8", inter_threads=side_by_side, intra_threads=threads
        )
        self.known: tuple[str, ...] = ("en",)
        """The languages that the model knows."""
        if self._model.is_multilingual:
            tokens = json.loads((folder / "config.json").read_text())["lang_ids"]
            self.known = tuple(str(self._tokenizer.id_to_token(token)).strip("<|>") for token in tokens)
            unknown = [language for language in languages if language not in self.known]
            if unknown or not languages:
                raise ConfigError(
                    f"[asr.options] languages must name some of {', '.join(sorted(self.known))}, not {unknown or '[]'}"
                )
        self._candidates = list(languages) if self._model.is_multilingual else ["en"]

    def decode(
        self,
        features: NDArray[np.float32],
        languages: Sequence[str | None],
        *,
        seconds: float,
        no_repeat: int = 0,
        prompt: str = "",
        temperature: float = 0.0,
    ) -> list[Heard]:
        """What each of B windows [B, 80, frames] says; a language of None is found among the candidates.

        `seconds` is the longest speech among them: it bounds the text. `no_repeat` forbids to say as many tokens
        twice. `prompt` are words that stood before, for all of them.

        Blocks without the GIL. Raises RuntimeError when the model can't run.
        """
        encoded = self._model.encode(ctranslate2.StorageView.from_array(features))
        chosen = self._choose(encoded, languages)
        results = self._model.generate(
            encoded,
            [self._before(prompt) + self._prompt(language) for language in chosen],
            beam_size=1,
            sampling_topk=0 if temperature else 1,
            sampling_temperature=temperature or 1.0,
            max_length=min(16 + int(seconds * _TOKENS_PER_SECOND), 224),
            no_repeat_ngram_size=no_repeat,
            return_scores=True,
            return_no_speech_prob=True,
        )
        return [
            Heard(self._text(result.sequences_ids[0]), language, result.no_speech_prob, result.scores[0])
            for result, language in zip(results, chosen, strict=True)
        ]

    def _choose(self, encoded: Any, languages: Sequence[str | None]) -> list[str]:
        if len(self._candidates) == 1 or all(languages):
            return [language or self._candidates[0] for language in languages]
        found = []
        for language, ranking in zip(languages, self._model.detect_language(encoded), strict=True):
            names = (name.strip("<|>") for name, _ in ranking)
            found.append(language or next(name for name in names if name in self._candidates))
        return found

    def _before(self, prompt: str) -> list[int]:
        """The end of what stood before; the model takes half its context for it at most."""
        if not prompt.strip():
            return []
        tokens: list[int] = self._tokenizer.encode(f" {prompt.strip()}", add_special_tokens=False).ids
        return [self._tokenizer.token_to_id("<|startofprev|>"), *tokens[-MOST_BEFORE:]]

    def _prompt(self, language: str) -> list[int]:
        words = ["<|startoftranscript|>"]
        if self._model.is_multilingual:
            words += [f"<|{language}|>", "<|transcribe|>"]
        return [self._tokenizer.token_to_id(word) for word in [*words, "<|notimestamps|>"]]

    def _text(self, tokens: Sequence[int]) -> str:
        text: str = self._tokenizer.decode(list(tokens))
        return text.strip()

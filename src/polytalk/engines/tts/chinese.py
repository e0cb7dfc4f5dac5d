"""Mandarin text to phonemes in misaki's alphabet: words by jieba, readings by pypinyin, IPA by misaki's table.

Of misaki only the table is imported: its own pipeline needs packages for what `spoken_chinese` does.
"""

import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

from polytalk.engines.tts.english import EnglishG2P
from polytalk.errors import ModelMissing

_HAN = "\u3400-\u9fff\uf900-\ufaff"
_RUN = re.compile(rf"([{_HAN}]+)|([A-Za-z][A-Za-z .'&-]*(?<=[A-Za-z.]))|([^{_HAN}A-Za-z]+)")
_MARKS = str.maketrans(
    {
        **dict.fromkeys("，、", ", "), **dict.fromkeys("。．", ". "), "！": "! ", "？": "? ", "：": ": ", "；": "; ",
        **dict.fromkeys("《「『【〈", " “"), **dict.fromkeys("》」』】〉", "” "), "（": " (", "）": ") ",
        **dict.fromkeys("·-", " "),
    }
)  # fmt: skip
_TONES = (("˧˩˧", "↓"), ("˧˥", "↗"), ("˥˩", "↘"), ("˥", "→"), ("ɻ̩", "ɨ"), ("ɹ̩", "ɨ"), ("\u032f", ""))
"""Chao's tone letters as arrows, the apical vowels as one letter, and no mark of non-syllabic vowels."""


class ChineseG2P:
    """Mandarin with English words in it. Holds the GIL: about 1 ms for a sentence."""

    def __init__(self, english: EnglishG2P) -> None:
        """Read jieba's dictionary (0.7 s). Raises ModelMissing when a package is not installed."""
        try:
            import jieba
            from misaki.transcription import pinyin_to_ipa
            from pypinyin import Style, lazy_pinyin
        except ImportError as error:
            raise ModelMissing(
                f"Chinese can't be read without {error.name}. Run: pip install jieba misaki ordered-set pypinyin"
            ) from error
        jieba.setLogLevel(logging.ERROR)  # it announces its cache file
        jieba.initialize()
        self._english = english
        self._words: Callable[[str], list[str]] = jieba.lcut
        self._readings: Callable[[str], list[str]] = lambda word: lazy_pinyin(
            word, style=Style.TONE3, neutral_tone_with_five=True
        )
        self._ipa: Any = pinyin_to_ipa

    def phonemes(self, text: str) -> str:
        """Phonemes with tones as arrows, spaces between words, and the marks of the text in half width."""
        parts = (
            " ".join(map(self._word, self._words(han)))
            if han
            else self._english.phonemes(latin)
            if latin
            else other.translate(_MARKS)
            for han, latin, other in self._runs(text)
        )
        return re.sub(r" +(?=[,.!?:;)” ])|(?<=[“(]) +", "", " ".join(parts)).strip()

    @staticmethod
    def _runs(text: str) -> Iterator[tuple[str, str, str]]:
        return ((m[1] or "", m[2] or "", m[3] or "") for m in _RUN.finditer(text))

    def _word(self, word: str) -> str:
        return "".join(map(self._syllable, self._readings(word)))

    def _syllable(self, pinyin: str) -> str:
        """One syllable; "" for a character that has no reading."""
        try:
            ipa = "".join(next(iter(self._ipa(pinyin))))
        except (ValueError, AssertionError, KeyError):  # what misaki's table raises for what is no syllable
            return ""
        for found, written in _TONES:
            ipa = ipa.replace(found, written)
        return ipa

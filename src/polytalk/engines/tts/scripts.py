"""Which writing systems a voice can read."""

import functools
import re
import unicodedata
from collections.abc import Sequence

_SCRIPTS = {"en": ("LATIN", "FEMININE ORDINAL", "MASCULINE ORDINAL"), "zh": ("CJK", "IDEOGRAPHIC", "LATIN")}
"""Beginnings of the Unicode names of the letters that a language's reader can say.

Chinese text holds English words and letters, and the Chinese reader hands them to the English one.
"""


_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff]")


def count_han(text: str) -> int:
    """How many Chinese characters the text holds."""
    return len(_HAN.findall(text))


def reading_language(text: str, asked: str, languages: Sequence[str]) -> str:
    """Which of a voice's languages to read a text in: Chinese if it holds Chinese, else as asked, else the first."""
    if "zh" in languages and _HAN.search(text):
        return "zh"
    return asked if asked in languages else languages[0]


def only_scripts(text: str, languages: Sequence[str]) -> str:
    """`text` without letters that no reader of `languages` can say; "" when no letter or digit is left."""
    allowed = tuple(sorted({name for code in languages for name in _SCRIPTS.get(code, ("LATIN",))}))
    kept = "".join(char if _sayable(char, allowed) else " " for char in text)
    if not any(char.isalnum() for char in kept):
        return ""
    return re.sub(r"\s+(?=[,.;:!?])|(?<=\s)\s+", "", kept).strip()


@functools.lru_cache(maxsize=4096)
def _sayable(char: str, allowed: tuple[str, ...]) -> bool:
    """Digits, marks and signs are not in question here; a letter needs one of the scripts."""
    return not unicodedata.category(char).startswith("L") or unicodedata.name(char, "").startswith(allowed)

"""What of a text may be read aloud: from a language model's answer, written for the eye, to one line for the ear."""

import html
import re
import unicodedata

from polytalk.engines.tts import markup, spoken_chinese, spoken_english

_KEPT_SYMBOLS = frozenset("°№^`~")
"""Symbols of the categories So and Sk that stand for a word, or that the markup still needs."""
_FULL_WIDTH = {code: code - 0xFEE0 for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
_SAME = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»〝〞＂", '"'),
        **dict.fromkeys("‘’‚‛′`´ʼ＇", "'"),
        **dict.fromkeys("‐‑‒−－﹣", "-"),
        **dict.fromkeys("―⸺⸻─", "—"),
        **dict.fromkeys("～〜∼", "~"),
        "℃": "°C",
        "℉": "°F",
        "％": "%",
        "＄": "$",
        "￥": "¥",
        "＋": "+",
        "＝": "=",
        "＠": "@",
        "／": "/",
        "＃": "#",
        "＆": "&",
        "＊": "*",
        "\u00a0": " ",
        "\u3000": " ",
    }
)


def speakable(text: str, language: str) -> str:
    """One line that a voice of `language` (ISO 639-1) can read, or "" when nothing can be said.

    Leaves out markup, code blocks, emoji, stage directions and control characters; writes out what the language's
    own reader (hibari's in English, none in Chinese) would get wrong. Letters of foreign scripts are kept:
    `only_scripts` judges them. Raises nothing.
    """
    line = _characters(html.unescape(text))
    line = markup.strip_markup(line, language)
    line = line.translate(_SAME)
    line = _punctuation(line)
    line = spoken_chinese.spell_out(line) if language == "zh" else spoken_english.spell_out(line)
    line = _tidy(line)
    return line if any(char.isalnum() for char in line) else ""


def _characters(text: str) -> str:
    """Composed letters in half width, line breaks as "\\n", and nothing that has no sound: emoji, joiners, controls."""
    composed = unicodedata.normalize("NFC", re.sub(r"\r\n?|[\u2028\u2029\v\f]", "\n", text)).translate(_FULL_WIDTH)
    return "".join(kept for char in composed if (kept := _audible(char)))


def _audible(char: str) -> str:
    if char == "\n" or char.isascii():
        return char if char.isprintable() or char in "\n\t" else ""
    if char in "℃℉":
        return char
    category = unicodedata.category(char)
    if category in ("So", "Sk") and char not in _KEPT_SYMBOLS:
        return " "  # an emoji between two words parts them
    if category[0] in "CM":  # controls, joiners, surrogates, unassigned; accents that compose with no letter
        return ""
    return " " if category == "Zs" else char


def _punctuation(line: str) -> str:
    """Marks that the readers know, each once: what is shouted is said once, too."""
    line = re.sub(r"\.{3,}|…+|。{2,}|\.(?:\s\.){2,}", "…", line)
    line = re.sub(r"[!?！？]*([?？])[!?！？]*", r"\1", line)
    line = re.sub(r"([!！,，、;；:：。—])\1+", r"\1", line)
    line = re.sub(r"\s+-\s+|\s*-{2,}\s*", " — ", line)
    line = re.sub(r"(?<=\d)\s?\*\s?(?=\d)", " × ", line)
    line = re.sub(r"\*+|\^{2,}|_+|={2,}|#{2,}|\|+|\\\\+|`+", " ", line)
    return re.sub(r"~+(?!\s?\d)", " ", line)


def _tidy(line: str) -> str:
    """Single spaces, none before a mark; no mark at the beginning, no brackets with nothing in them."""
    line = re.sub(r"\s+", " ", line)
    line = re.sub(r"[(\[{（【]\s*[)\]}）】]", "", line)
    line = re.sub(r"\s+(?=[,.;!?，。；！？、](?:\s|$|[\"')]))", "", line)
    line = re.sub(r"^(?:[\s,;:!?…—，。；：！？、)\]}>]|[.-](?!\d))+(?=.)", "", line)
    return re.sub(r"\s+", " ", line).strip()

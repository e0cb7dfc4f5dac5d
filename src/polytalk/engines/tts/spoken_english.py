"""English that hibari's own normaliser reads wrong, written as it is said.

That one reads cardinals, ordinals, dates, times, dollars, percents, most units and abbreviations; what follows is
the rest, found by looking at its phonemes.
"""

import re
from collections.abc import Callable

_DIGITS = r"\d(?:,?\d)*(?:\.\d+)?"
_NUMBER = rf"(?<![\w.]){_DIGITS}"
_UNITS = {
    "m": ("meter", "meters"),
    "m/s": ("meter per second", "meters per second"),
    "m²": ("square meter", "square meters"),
    "m³": ("cubic meter", "cubic meters"),
    "km²": ("square kilometer", "square kilometers"),
    "g": ("gram", "grams"),
    "L": ("liter", "liters"),
    "l": ("liter", "liters"),
    "μg": ("microgram", "micrograms"),
    "s": ("second", "seconds"),
    "h": ("hour", "hours"),
    "V": ("volt", "volts"),
    "W": ("watt", "watts"),
    "dB": ("decibel", "decibels"),
    "kcal": ("kilocalorie", "kilocalories"),
}
_CURRENCIES = {
    "HK$": "Hong Kong dollars",
    "NT$": "Taiwan dollars",
    "A$": "Australian dollars",
    "C$": "Canadian dollars",
    "S$": "Singapore dollars",
    "RMB": "yuan",
    "CNY": "yuan",
    "CN¥": "yuan",
}
_BIG = {"k": "thousand", "M": "million", "B": "billion"}
_SIGNS = {
    "≥": "at least",
    "≤": "at most",
    "≈": "about",
    "≠": "is not equal to",
    "⇒": "so",
    "∞": "infinity",
    "№": "number",
}


def _one_of(words: dict[str, str] | dict[str, tuple[str, str]]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _unit(match: re.Match[str]) -> str:
    one, many = _UNITS[match[2]]
    return f"{match[1]} {one if match[1] == '1' else many}"


def _parts(match: re.Match[str]) -> str:
    """2.1.3 has points, 192.168.1.1 has dots."""
    parts = match[0].split(".")
    return (" dot " if len(parts) > 3 else " point ").join(parts)


_Replacement = str | Callable[[re.Match[str]], str]
_RULES: tuple[tuple[str, _Replacement], ...] = (
    (r"(?<![\d/])(\d{4})[/.](\d{1,2})[/.](\d{1,2})(?![\d/])", lambda m: f"{m[1]}-{int(m[2]):02}-{int(m[3]):02}"),
    (r"(?<![\d.])(\d{1,2})\.(\d{1,2})\.(\d{4})(?![\d.])", lambda m: f"{m[3]}-{int(m[2]):02}-{int(m[1]):02}"),
    (r"(\d:\d\d)\s?[-–—]\s?(?=\d{1,2}:\d\d)", r"\1 to "),
    (rf"([$€£¥]\s?{_DIGITS})\s?[-–—]\s?(?=[$€£¥]\s?\d)", r"\1 to "),
    (r"(\d)\s?–\s?(?=\d)", r"\1 to "),
    (rf"({_NUMBER})-(?={_DIGITS}\s?%)", r"\1 to "),
    (rf"({_NUMBER})-(?=\d+\.\d)|(\d\.\d+)-(?=\d)", lambda m: f"{m[1] or m[2]} to "),
    (r"\b24/7\b", "24 7"),
    (rf"(?<!\w)({_one_of(_CURRENCIES)})\s?({_NUMBER})", lambda m: f"{m[2]} {_CURRENCIES[m[1]]}"),
    (r"\bUS\$(?=\s?\d)", "$"),
    (rf"({_NUMBER})\s?元", r"\1 yuan"),
    (rf"(?<![$€£¥])({_NUMBER})(k|M|B)(?![\w/])", lambda m: f"{m[1]} {_BIG[m[2]]}"),
    (rf"({_NUMBER})(?!s)\s?({_one_of(_UNITS)})(?![\w/²³'])", _unit),
    (r"(?:\b[Vv]ersion )?\b[vV](?=\d+\.\d)", "version "),
    (r"(?<![\w.])\d+(?:\.\d+){2,}(?![\w]|\.\d)", _parts),
    (r"(?<![\w.$€£¥,])(\d+)\.(0+)(?![\w.])", lambda m: f"{m[1]} point {' '.join(m[2])}"),
    (r"~\s?(?=\d)", "about "),
    (rf"[{''.join(_SIGNS)}]", lambda m: f" {_SIGNS[m[0]]} "),
    (r"\b([CFGA])#", r"\1 sharp"),
    (r"\bCO[2₂]", "C O 2"),
    (r"#(?=[^\W\d])", ""),
)
_COMPILED = tuple((re.compile(pattern), replacement) for pattern, replacement in _RULES)


def spell_out(line: str) -> str:
    """`line` with what would be misread written out. A line that is read right already comes back unchanged."""
    for pattern, replacement in _COMPILED:
        line = pattern.sub(replacement, line)
    return line

"""The numbers that Azure's speech services give to the mouth's shapes, by phone (in the alphabet of `Phone`)."""

from typing import Final

_GROUPS: Final = {
    1: "æəʌᵊɐ",
    2: "ɑɒa",
    3: "ɔ",
    4: "ɛʊeɤ",
    5: "ɜɝɚ",
    6: "jiɪyᵻɨ",
    7: "wuɥ",
    8: "oO",
    9: "W",
    10: "Y",
    11: "I",
    12: "hx",
    13: "ɹrɻ",
    14: "l",
    15: "sz",
    16: "ʃʒʧʤɕʂʐ",
    17: "ð",
    18: "fv",
    19: "dtnθɾT",
    20: "kgŋɡ",
    21: "pbm",
}
VISEMES: Final = {"A": 4, "Q": 8} | {symbol: number for number, symbols in _GROUPS.items() for symbol in symbols}
"""Phone -> viseme; 0, silence, is for all others. A diphthong is one shape here, as there."""

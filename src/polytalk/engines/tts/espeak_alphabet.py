"""misaki's English phonemes in the spelling of eSpeak NG's American English, which Piper's voices were trained on.

misaki writes diphthongs and affricates as one letter and leaves length out, because English does not tell words
apart by length alone; eSpeak writes both, and two kinds of schwa. https://github.com/espeak-ng/espeak-ng/tree/master/docs
"""

import re
from collections.abc import Iterator

_VOWELS = "AIOQWYaeiouæɑɐɔəɚɛɜɪʊʌᵊᵻ"
_RULES: tuple[tuple[str, str, str], ...] = (
    ("ɜɹ", "ɜː", "ɜ"),  # nurse
    (rf"əɹ(?![ˈˌ]?[{_VOWELS}])", "ɚ", "ɚ"),  # letter, but not the linking /r/ of "mirror"
    (r"(?<![^\s“”\"(—])ə", "ɐ", "ə"),  # about
    (r"(?<=[ˈˌ])i|i(?=\w)", "iː", "i"),  # fleece, but not the last vowel of "happy"
    ("u", "uː", "u"),
    ("ɑ", "ɑː", "ɑ"),
    ("ɔ", "ɔː", "ɔ"),
    ("A", "eɪ", "A"),
    ("I", "aɪ", "I"),
    ("O", "oʊ", "O"),
    ("Q", "əʊ", "Q"),
    ("W", "aʊ", "W"),
    ("Y", "ɔɪ", "Y"),
    ("ʤ", "dʒ", "ʤ"),
    ("ʧ", "tʃ", "ʧ"),
    ("ᵊ", "ə", "ə"),
    ("T", "ɾ", "ɾ"),  # the flap of "water"
    ("—", ",", "—"),
    ("…", ".", "…"),
    (".", "", ""),  # anything else stands for itself
)
"""What to find in context, eSpeak's spelling, and misaki's name of the phone. The first that fits is taken."""
_PATTERN = re.compile("|".join(f"({pattern})" for pattern, _, _ in _RULES), re.DOTALL)


def to_espeak(phonemes: str) -> Iterator[tuple[str, str]]:
    """Pairs of a phone in misaki's alphabet and its eSpeak spelling of one or two letters; marks are pairs too."""
    for match in _PATTERN.finditer(phonemes):
        found = match.group()
        _, spelling, name = _RULES[(match.lastindex or 1) - 1]
        yield name or found, spelling or found

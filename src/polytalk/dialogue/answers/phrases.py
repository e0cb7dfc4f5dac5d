"""The first few words that can be said by themselves: where a listener waits for an answer to begin.

Before words such as "because" or "with" a speaker may take a breath, and the pitch starts anew. A voice that says "The
sky is blue" and then "because of …" sounds as in one piece; cut after "because" it does not.
"""

import re
from typing import Final

COLUMNS: Final = 12
"""The shortest phrase: about 0.7 s of speech, in which the next one is made."""
WORDS: Final = 3

_OPENERS: Final = frozenset(
    [
        *("about", "across", "after", "among", "around", "at", "because", "before", "behind", "between", "but", "by"),
        *("during", "for", "from", "if", "in", "into", "near", "on", "since", "than", "that", "through", "under"),
        *("until", "when", "where", "whether", "which", "while", "who", "with", "within", "without"),
    ]
)
_CLINGING: Final = frozenset(
    [
        *("a", "an", "the", "this", "these", "those", "my", "your", "his", "her", "its", "our", "their", "i", "you"),
        *("he", "she", "it", "we", "they", "is", "are", "was", "were", "be", "been", "being", "am", "isn't", "aren't"),
        *("wasn't", "do", "does", "did", "has", "have", "had", "can", "could", "will", "would", "should", "may"),
        *("might", "must", "not", "no", "so", "as", "how", "and", "or", "of", "to", "more", "less", "very", "too"),
        *("rather", "other"),
    ]
)
"""Words that belong to what follows them."""
_OPENER = re.compile(rf"\s+(?=(?:{'|'.join(sorted(_OPENERS))})\s)", re.ASCII)


def first_phrase(text: str) -> int:
    """Length of the first phrase of an English answer that can be said alone, 0 while there is none.

    Further text never changes it: the word that begins the next phrase is complete.
    """
    for gap in _OPENER.finditer(text):
        phrase = text[: gap.start()]
        words = phrase.split()
        clings = bool(words) and (words[-1].lower() in _CLINGING or words[-1].lower() in _OPENERS)
        if len(words) >= WORDS and len(phrase.strip()) >= COLUMNS and not clings:
            return gap.start()
    return 0

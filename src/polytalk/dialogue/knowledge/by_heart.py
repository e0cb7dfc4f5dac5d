"""What an avatar knows by heart: questions in several wordings, each with one answer that is always the same.

The same words match, whatever their case, punctuation and courtesies; other words match when they leave no idea out and
bring none in (`wording.py`). What is near, but not the same, is for `recall.py` to find.
"""

import re
import unicodedata
from collections.abc import Iterable

from msgspec import Struct

from polytalk.dialogue.knowledge.wording import Wording, alike, wording

MAX_KEY = 200
"""Longer texts are no question that anybody knows by heart."""

_COURTESIES = re.compile(
    r"^(?:hey|hi|hello|okay|ok|so|well|and|but|um|uh|please|tell me|can you tell me|could you tell me|excuse me)\b"
    r"|\b(?:please|thanks|thank you|then|exactly|mira|theo)$"
)
_CHINESE_COURTESIES = re.compile(r"^(?:你好|您好|请问|那么|那)|(?:呢|啊|呀|吗|吧)$")


class Answer(Struct, frozen=True):
    """One thing known by heart."""

    questions: tuple[str, ...]
    answer: str


class Knowledge:
    """Looks up whole questions."""

    def __init__(self, answers: Iterable[Answer]) -> None:
        self.answers = tuple(answers)
        self._answers = {normalised(question): known.answer for known in self.answers for question in known.questions}
        self._wordings: dict[frozenset[str], list[tuple[Wording, str]]] = {}
        for known in self.answers:
            for question in known.questions:
                words = wording(question)
                self._wordings.setdefault(frozenset(words.ideas), []).append((words, known.answer))

    def __len__(self) -> int:
        return len(self._answers)

    def find(self, question: str) -> str | None:
        """The answer to exactly this question, or None."""
        return self._answers.get(normalised(question)) if len(question) <= MAX_KEY else None

    def reworded(self, question: str) -> str | None:
        """The answer to this question in other words; None when no wording is alike, or wordings of several answers."""
        if len(question) > MAX_KEY:
            return None
        words = wording(question)
        near = self._wordings.get(frozenset(words.ideas), ())
        answers = {answer for known, answer in near if alike(known, words)}
        return answers.pop() if len(answers) == 1 else None


def normalised(text: str) -> str:
    """The words alone: lower case, no punctuation, no courtesies around them.

    >>> normalised("Hey, what's your name, please?")
    'what is your name'
    """
    folded = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    folded = folded.replace("what's", "what is").replace("who's", "who is").replace("i'm", "i am")
    words = " ".join(re.findall(r"[^\W_]+", folded.replace("'", "")))
    before = None
    while words and words != before:
        before = words
        for courtesies in (_COURTESIES, _CHINESE_COURTESIES):
            shorter = courtesies.sub("", words).strip()
            words = shorter or words  # a greeting alone is a question of its own
    return words

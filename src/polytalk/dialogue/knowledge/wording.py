"""Whether two questions ask the same: no word of one may be without its counterpart in the other.

Vectors alone take "when do you close" for "when do you open" (0.92, where true rewordings begin at 0.85). So two
wordings count as one question only if the same ideas remain of both, once courtesies, fillers and inflections are
gone and words for the same idea are one. Opposites, numbers, negations, names, persons, tenses: all are words that the
other does not have. What the lexicon does not know stays a word of its own, so its gaps cost answers, not their truth.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import NamedTuple

from msgspec import Struct, toml

PERSONS = frozenset({"i", "you"})
MANNER = frozenset({"how", "when", "where", "why", "howmuch", "howmany", "howlong", "howold", "howfar", "howoften"})
"""What such a question is about may come before or after these words."""
FLOATING = MANNER | {"must"}
DIRECTIONS = frozenset({"from", "than", "before", "after", "until", "从", "比", "到", "被", "给", "向"})


class Lexicon(Struct, frozen=True, forbid_unknown_fields=True):
    """One language's side of `wording.toml`."""

    phrases: dict[str, str]
    """Regular expression -> what stands for it; applied in order."""
    same: tuple[str, ...]
    """Words for one idea, the first of which stands for it."""
    fillers: str
    """Words that change nothing."""


class Wording(NamedTuple):
    """What is left of a question."""

    ideas: Counter[str]
    """Without persons."""
    order: tuple[str, ...]
    """The ideas as they came, without those that may stand anywhere: who does it, and to whom."""
    acting: tuple[str, ...]
    """The same with I and you among them; empty when neither is named."""
    letters: str
    """All of it without spaces, as a recogniser may join or divide a name."""


def alike(one: Wording, other: Wording) -> bool:
    """Whether they are one question."""
    if one.letters and one.letters == other.letters:
        return True
    if one.ideas != other.ideas or one.ideas.keys() <= {"what"}:
        return False  # "what are you" and "what do you do" leave the same nothing
    if one.acting and other.acting:
        return one.acting == other.acting
    return one.order == other.order


@lru_cache(maxsize=8_192)
def wording(text: str) -> Wording:
    """A question's ideas, by the lexicon of its script."""
    text = unicodedata.normalize("NFKC", text).lower().replace("\u2019", "'")
    letters = "".join(re.findall(r"[^\W_]+", text))
    chinese = any("\u3400" <= char <= "\u9fff" for char in text)
    words = _chinese(text) if chinese else _english(text)
    ideas = Counter(word for word in words if word not in PERSONS)
    firm = tuple(word for word in words if word not in FLOATING)
    order = tuple(word for word in firm if word not in PERSONS)
    if chinese and MANNER & ideas.keys() and not DIRECTIONS & ideas.keys():
        order = tuple(sorted(order))  # "how to reach support", "support, how to reach"
    return Wording(ideas, order, firm if PERSONS & set(words) else (), letters)


def _english(text: str) -> Sequence[str]:
    lexicon, ideas, fillers = _lexicon("en")
    for pattern, idea in lexicon.phrases.items():
        text = " ".join(_compiled(pattern).sub(f" {idea} ", text).split())
    words = [ideas.get(word) or ideas.get(stem := _singular(word)) or stem for word in re.findall(r"[^\W_]+", text)]
    kept = [word for word in words if word not in fillers]
    return [word for at, word in enumerate(kept) if word != "i" or "i" not in kept[:at]]  # I … my, with me


def _singular(word: str) -> str:
    """Without the s of a plural or a third person."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if len(word) > 4 and word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _chinese(text: str) -> Sequence[str]:
    """No segmentation: known phrases become ideas, fillers go, and what is left counts character by character."""
    lexicon, ideas, fillers = _lexicon("zh")
    for pattern, idea in lexicon.phrases.items():
        text = _compiled(pattern).sub(idea if idea.startswith("\\") else f" {idea} ", text)
    found: list[str] = []
    longest = max(map(len, (*ideas, *fillers)))
    for run in re.findall(r"[^\W_]+", text):
        at = 0
        while at < len(run):
            latin = re.compile(r"[a-z0-9]+").match(run, at)
            if latin:
                found.append(latin[0])
                at = latin.end()
                continue
            length = next(
                n for n in range(longest, 0, -1) if n == 1 or run[at : at + n] in ideas or run[at : at + n] in fillers
            )
            piece = run[at : at + length]
            if piece not in fillers:
                found.append(ideas.get(piece, piece))
            at += length
    return [idea for idea in found if idea not in fillers]


@lru_cache
def _lexicon(language: str) -> tuple[Lexicon, Mapping[str, str], frozenset[str]]:
    lexicon = _lexicons()[language]
    ideas = {word: words.split()[0] for words in lexicon.same for word in words.split()}
    return lexicon, ideas, frozenset(lexicon.fillers.split())


@lru_cache
def _lexicons() -> dict[str, Lexicon]:
    return toml.decode(files(__package__).joinpath("wording.toml").read_bytes(), type=dict[str, Lexicon])


@lru_cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)

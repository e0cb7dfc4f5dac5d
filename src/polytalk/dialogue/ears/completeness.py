"""Whether somebody who pauses has finished: judged by the words said so far, in English and Chinese (`semantic_vad`).

A recogniser ends whatever it is given with a full stop, so a full stop says little. What says much is the last word:
nobody finishes on "and", "the" or "um". Else the whole counts: a question that is one, a clause that still needs its
main clause, a number of which digits are missing.

Pure: text in, verdict out. `patience` turns it into the silence to wait for.
"""

import re
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Final, Literal, TypeAlias

from msgspec import toml

Eagerness: TypeAlias = Literal["low", "medium", "high", "auto"]


class Verdict(StrEnum):
    """What the words so far are."""

    COMPLETE = "complete"
    UNCLEAR = "unclear"
    INCOMPLETE = "incomplete"


PATIENCE_MS: Final = {
    "low": {Verdict.COMPLETE: 600, Verdict.UNCLEAR: 1_500, Verdict.INCOMPLETE: 8_000},
    "medium": {Verdict.COMPLETE: 300, Verdict.UNCLEAR: 800, Verdict.INCOMPLETE: 4_000},
    "high": {Verdict.COMPLETE: 200, Verdict.UNCLEAR: 500, Verdict.INCOMPLETE: 2_000},
}
"""The longest are those that the published API names."""
SHORT: Final = 3
"""Words of an utterance too short to be sure of; in Chinese twice as many characters, nearly."""
LONG_NUMBER: Final = 10
"""Digits of a telephone number …"""
SHORT_NUMBER: Final = 4
"""… and of codes, which may be longer."""

_BREAKS_OFF: Final = re.compile(r"(?:\.\.\.|…|[,，、\-—–:：])\s*$")
_WH: Final = frozenset({"who", "whom", "whose", "what", "which", "when", "where", "why", "how"})
_ANSWERS: Final = frozenset({"yes", "no", "yeah", "sure", "i", "we", "so"})


def judge(text: str, language: str) -> Verdict:
    """What an utterance so far is, as a recogniser wrote it down.

    >>> judge("I would like to order a pizza and", "en")
    <Verdict.INCOMPLETE: 'incomplete'>
    """
    text = text.strip()
    if not text:
        return Verdict.UNCLEAR
    if _BREAKS_OFF.search(text):
        return Verdict.INCOMPLETE
    return _chinese(text) if language == "zh" else _english(text)


def patience(verdict: Verdict, eagerness: Eagerness) -> int:
    """Silence in ms that ends the turn."""
    return PATIENCE_MS["medium" if eagerness == "auto" else eagerness][verdict]


def _english(text: str) -> Verdict:
    words = re.findall(r"[a-z0-9']+", text.lower().replace("\u2019", "'"))
    if not words:
        return Verdict.UNCLEAR
    said, first, last = f" {' '.join(words)}", words[0], words[-1]
    if any(said.endswith(f" {phrase}") for phrase in _lexicon("en", "phrases")):
        return Verdict.INCOMPLETE
    if any(said.endswith(f" {closer}") for closer in _lexicon("en", "closers")):
        return Verdict.COMPLETE
    if last in _lexicon("en", "fillers"):
        return Verdict.INCOMPLETE
    if (dictated := _english_digits(words)) is not None:
        return dictated
    auxiliaries, stranded = _lexicon("en", "asks"), _lexicon("en", "stranded")
    asks = first in _WH or first in auxiliaries
    if last in stranded and (asks or _WH & set(words[:-1])):
        return Verdict.COMPLETE  # "where are you from"
    if last in stranded or last in _lexicon("en", "hanging"):
        answer = len(words) <= SHORT and first in _ANSWERS and last in auxiliaries  # "yes I can"
        return Verdict.COMPLETE if answer else Verdict.INCOMPLETE
    if first in _lexicon("en", "subordinate") and not set(words[1:2]) & set(auxiliaries):
        goes_on = "then" in words or re.search(r",\s*\S+\s+\S+", text)
        return Verdict.COMPLETE if goes_on else Verdict.INCOMPLETE
    sure = len(words) >= SHORT and (asks or text[-1] in "?.!")
    return Verdict.COMPLETE if sure else Verdict.UNCLEAR


def _english_digits(words: list[str]) -> Verdict | None:
    """Of somebody who dictates a number; None for anybody else."""
    at, count = len(words), 0
    while at and (words[at - 1].isdigit() or words[at - 1] in _lexicon("en", "digits")):
        at -= 1
        count += len(words[at]) if words[at].isdigit() else 1
    before = set(words[:at])
    if not count or (before and not before & set(_lexicon("en", "numbered"))):
        return None
    if not before and count < SHORT:
        return None  # "two" is an answer
    enough = LONG_NUMBER if not before or "phone" in before else SHORT_NUMBER
    return Verdict.UNCLEAR if count >= enough else Verdict.INCOMPLETE


def _chinese(text: str) -> Verdict:
    said = re.sub(r"[\W_]+", "", text)
    if not said:
        return Verdict.UNCLEAR
    if said in _lexicon("zh", "closers"):
        return Verdict.COMPLETE
    if said.endswith(_lexicon("zh", "hanging")):
        return Verdict.INCOMPLETE
    if said[-1] in "吗呢吧":
        return Verdict.COMPLETE
    digits = re.search(rf"[0-9{''.join(_lexicon('zh', 'digits'))}]+$", said)
    if digits and (len(digits[0]) >= SHORT or any(word in said for word in _lexicon("zh", "numbered"))):
        return Verdict.UNCLEAR if len(digits[0]) >= LONG_NUMBER else Verdict.INCOMPLETE
    if said.startswith(_lexicon("zh", "subordinate")) and not any(sign in said[2:] for sign in _lexicon("zh", "main")):
        return Verdict.INCOMPLETE
    if said.endswith(_lexicon("zh", "finals")):
        return Verdict.COMPLETE
    asks = any(word in said for word in _lexicon("zh", "questions"))
    sure = len(said) >= 2 * SHORT - 1 and (asks or text[-1] in "？?。！.!")
    return Verdict.COMPLETE if sure else Verdict.UNCLEAR


@cache
def _lexicon(language: str, kind: str) -> tuple[str, ...]:
    """Words are divided by spaces, phrases by commas."""
    tables = toml.decode(files(__package__).joinpath("unfinished.toml").read_bytes(), type=dict[str, dict[str, str]])
    listed = tables[language][kind]
    return tuple(one.strip() for one in (listed.split(",") if "," in listed else listed.split()))

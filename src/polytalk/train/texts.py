"""Things to say: sentences from word lists of our own, broad in their sounds and rich in lips that close.

A sentence need not make sense; its sounds must follow one another as they do in speech. Some words are made up, for
sequences that no list has.
"""

import functools
import random
import tomllib
from collections.abc import Callable, Iterator
from importlib.resources import files

_NUMBERS = ("five", "seven", "twelve", "forty", "a hundred", "eleven", "both")


def sentences(language: str, seed: str) -> Iterator[str]:
    """Sentences without end in English (en) or Mandarin (zh), the same for the same seed."""
    chance = random.Random(seed)
    while True:
        yield _english(chance) if language == "en" else _chinese(chance)


def _english(chance: random.Random) -> str:
    if chance.random() < 0.12:
        return chance.choice(_words("en", "sayings")).format(name=chance.choice(_words("en", "names")))
    return _filled(
        chance.choice(_words("en", "frames")),
        {
            "{name}": lambda: chance.choice(_words("en", "names")),
            "{number}": lambda: chance.choice(_NUMBERS),
            "{n}": lambda: chance.choice(_words("en", "nouns")),
            "{q}": lambda: chance.choice(_words("en", "qualities")),
            "{d}": lambda: chance.choice(_words("en", "deeds")),
            "{m}": lambda: chance.choice(_words("en", "manners")).replace("~", " "),
            "{w}": lambda: _made_up(chance),
        },
    )


def _chinese(chance: random.Random) -> str:
    return _filled(
        chance.choice(_words("zh", "frames")),
        {
            "{w}": lambda: chance.choice(_words("zh", "words")),
            "{c}": lambda: chance.choice(_words("zh", "characters")),
        },
    )


def _made_up(chance: random.Random) -> str:
    onsets, nuclei = _words("en", "onsets"), _words("en", "nuclei")
    syllables = chance.choice((1, 1, 2))
    return "".join(chance.choice(onsets) + chance.choice(nuclei) for _ in range(syllables)) + chance.choice(
        _words("en", "codas")
    )


@functools.cache
def _words(language: str, kind: str) -> list[str]:
    """A list of `words.toml`; characters are words of one letter."""
    found: str | list[str] = tomllib.loads(files(__package__).joinpath("words.toml").read_text("utf-8"))[language][kind]
    if isinstance(found, list):
        return found
    return list("".join(found.split())) if kind == "characters" else found.split()


def _filled(frame: str, fillers: dict[str, Callable[[], str]]) -> str:
    for slot, filler in fillers.items():
        while slot in frame:
            frame = frame.replace(slot, filler(), 1)
    return frame[0].upper() + frame[1:]

"""What people say and are told, as distributions. Drawn once, before the simulation, so that every policy is asked the
same questions in the same order.

                     distribution                                      mean, roughly
    question         lognormal, median 2.7 s, sigma 0.45, 0.6–12 s     3.0 s
    answer           lognormal, median 22 words, sigma 0.5, 3–120      25 words, 8 s
    sentences        first clause of 5 words, then 11, then 14, as `dialogue.answers.sentences` cuts them
    speech           3.1 words a second, and 0.25 s of pause a sentence
    tokens           1.35 a word; the prompt's uncached part: 10 of the template, and the question
    pause            lognormal, median 6 s, sigma 0.6, from the end of the answer to the next question
    interruption     of a tenth of the answers, at a uniform place

Lengths of answers follow the shipped persona (one or two sentences); for others pass another `Habits`.
"""

import math
import random
from dataclasses import dataclass
from functools import cached_property

from polytalk.types import Seconds

WORDS_PER_SECOND = 3.1
SENTENCE_PAUSE: Seconds = 0.25
TOKENS_PER_WORD = 1.35
TEMPLATE_TOKENS = 10
FIRST_WORDS = (5, 11, 14)
"""Words of the first, second and later segments."""


@dataclass(frozen=True)
class Habits:
    """The parameters of the table above."""

    question: Seconds = 2.7
    words: float = 22.0
    pause: Seconds = 6.0
    interruptions: float = 0.1


CONVERSATION = Habits()
LIVE_ROOM = Habits(pause=42.0, interruptions=0.02)
"""Viewers who ask about once a minute, and listen in between."""


@dataclass(frozen=True)
class Shape:
    """One question and its answer."""

    question: Seconds
    prompt: int
    """Tokens that the LLM has to read."""
    token_ends: tuple[int, ...]
    """Tokens made when each sentence is complete."""
    sentences: tuple[Seconds, ...]
    """Length of each sentence's speech."""
    pause: Seconds
    interrupt: float | None = None
    """The share of the answer after which the user speaks again."""

    @cached_property
    def speech(self) -> Seconds:
        """Length of the whole answer."""
        return sum(self.sentences)


class Script:
    """A table of shapes through which every session walks with a stride of its own."""

    def __init__(self, habits: Habits, seed: int, size: int = 4093) -> None:
        """`size` is prime, so that every stride visits all."""
        chance = random.Random(seed)
        self._shapes = [_draw(habits, chance) for _ in range(size)]

    def shape(self, session: int, turn: int) -> Shape:
        """The session's turn: the same for every policy."""
        size = len(self._shapes)
        return self._shapes[(session * 2_654_435_761 + turn * (1 + session % (size - 1))) % size]

    def mean_cycle(self) -> Seconds:
        """Question, answer and pause, on average: what a turn takes when nobody waits."""
        return sum(shape.question + shape.speech + shape.pause for shape in self._shapes) / len(self._shapes)

    def mean(self) -> Shape:
        """An average turn of one sentence, for estimates."""
        count = len(self._shapes)
        return Shape(
            question=sum(shape.question for shape in self._shapes) / count,
            prompt=round(sum(shape.prompt for shape in self._shapes) / count),
            token_ends=(round(sum(shape.token_ends[-1] for shape in self._shapes) / count),),
            sentences=(sum(shape.speech for shape in self._shapes) / count,),
            pause=sum(shape.pause for shape in self._shapes) / count,
        )


def shape_of(question: Seconds, sentences: tuple[Seconds, ...], pause: Seconds, interrupt: float | None) -> Shape:
    """A turn of which only the audio is known, as in a trace."""
    words = [max(1.0, (length - SENTENCE_PAUSE) * WORDS_PER_SECOND) for length in sentences]
    return Shape(question, _prompt(question), _token_ends(words), sentences, pause, interrupt)


def _draw(habits: Habits, chance: random.Random) -> Shape:
    question = min(12.0, max(0.6, chance.lognormvariate(math.log(habits.question), 0.45)))
    left = round(min(120.0, max(3.0, chance.lognormvariate(math.log(habits.words), 0.5))))
    words: list[float] = []
    while left > 0:
        usual = FIRST_WORDS[min(len(words), len(FIRST_WORDS) - 1)]
        size = max(2, round(chance.gauss(usual, usual / 4)))
        size = left if left - size < 3 else size
        words.append(size)
        left -= size
    return Shape(
        question,
        _prompt(question),
        _token_ends(words),
        tuple(size / WORDS_PER_SECOND + SENTENCE_PAUSE for size in words),
        chance.lognormvariate(math.log(habits.pause), 0.6),
        chance.uniform(0.05, 0.95) if chance.random() < habits.interruptions else None,
    )


def _prompt(question: Seconds) -> int:
    """Persona, examples and earlier turns are in the cache of prefixes."""
    return round(TEMPLATE_TOKENS + TOKENS_PER_WORD * question * WORDS_PER_SECOND)


def _token_ends(words: list[float]) -> tuple[int, ...]:
    total, ends = 0.0, []
    for size in words:
        total += size * TOKENS_PER_WORD
        ends.append(max(1, round(total)))
    return tuple(ends)

"""What an avatar knows, found by meaning: an answer where the question is one that is known, passages where it is near.

The vectors only suggest. Whether a suggestion is the question that was asked is for the words to say (`wording.py`).
"""

import logging
from collections.abc import Iterable, Sequence
from contextlib import aclosing

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from polytalk.dialogue.answers.speaking import Studio
from polytalk.dialogue.dispatch import Scope
from polytalk.dialogue.knowledge.by_heart import MAX_KEY, Answer, Knowledge
from polytalk.dialogue.knowledge.wording import alike, wording
from polytalk.errors import Cancelled, EngineFailed, PolytalkError
from polytalk.types import Seconds, Vector

log = logging.getLogger(__name__)

SAME = 0.85
"""Cosine of e5 above which a known question may be the one asked, if the words agree."""
NEAR = 0.85
"""Cosine above which an answer may help the LLM; questions on anything else stay below it, mostly."""
CANDIDATES = 12
"""Wordings that are compared word by word."""
PASSAGES = 2
"""Answers that are told to the LLM; a small one loses itself in more."""
FAR: Seconds = 3600.0


class Found(Struct, frozen=True):
    """What is known about a question."""

    answer: str | None = None
    passages: tuple[Answer, ...] = ()
    """Nearest first; for the LLM when there is no answer."""


class _Index(Struct, frozen=True):
    vectors: NDArray[np.float32]
    """[wordings, width], each of length 1."""
    wordings: tuple[tuple[str, Answer], ...]


class Recall:
    """Indexes by knowledge, made in the background; what has none yet is found by its very words only."""

    def __init__(self, studio: Studio, engine: str) -> None:
        self._studio = studio
        self._engine = engine
        self._indexes: dict[Knowledge, _Index] = {}
        self._complained = False

    async def learn(self, scope: Scope, knowledge: Knowledge, answers: Iterable[Answer]) -> None:
        """Index some answers of a knowledge; what was embedded before is kept on disk. Raises PolytalkError."""
        wordings = tuple((question, known) for known in answers for question in known.questions)
        vectors = [await self._embed(scope, question, scope.clock.now() + FAR) for question, _ in wordings]
        if vectors:
            self._indexes[knowledge] = _Index(np.stack(vectors), wordings)

    async def find(self, scope: Scope, knowledge: Knowledge, question: str, deadline: Seconds) -> Found:
        """What is known about a question. Without an index, or an engine that works, the words alone decide."""
        index = self._indexes.get(knowledge)
        if index is None or not question.strip() or len(question) > MAX_KEY:
            return Found(knowledge.reworded(question))
        try:
            found = choose(index.vectors, index.wordings, await self._embed(scope, question, deadline), question)
        except Cancelled:
            raise
        except PolytalkError as error:
            if not self._complained:
                log.warning("what avatars know can't be found by meaning: %s", error.message)
            self._complained = True
            return Found(knowledge.reworded(question))
        if found.answer is None:
            other = knowledge.reworded(question)
            if other is not None and all(other != known.answer for _, known in index.wordings):
                return Found(other)  # of what is not in the index, words alone decide
        return found

    async def _embed(self, scope: Scope, text: str, deadline: Seconds) -> NDArray[np.float32]:
        async with aclosing(self._studio.embed(scope, self._engine, text, deadline)) as rendering:
            result = await rendering.only()
        if not isinstance(result, Vector):
            raise EngineFailed(f"{self._engine} answered with {type(result).__name__}, not with a vector")
        return np.frombuffer(result.values, "<f4")


async def recalled(
    scope: Scope, recall: Recall | None, knowledge: Knowledge, question: str, deadline: Seconds
) -> Found:
    """What an avatar knows about a question: its answer by heart, or what may help to find one."""
    known = knowledge.find(question)
    if known is not None:
        return Found(known)
    if recall is None:
        return Found(knowledge.reworded(question))
    return await recall.find(scope, knowledge, question, deadline)


def choose(
    vectors: NDArray[np.float32], wordings: Sequence[tuple[str, Answer]], asked: NDArray[np.float32], question: str
) -> Found:
    """The answer whose wording is both near and alike, if there is just one; else what is near."""
    likeness = vectors @ asked
    order = np.argsort(-likeness)
    words = wording(question)
    candidates = [int(at) for at in order[:CANDIDATES] if likeness[at] >= SAME]
    answers = {known.answer for text, known in (wordings[at] for at in candidates) if alike(wording(text), words)}
    if len(answers) == 1:
        return Found(answers.pop())
    near = dict.fromkeys(wordings[int(at)][1] for at in order[:CANDIDATES] if likeness[at] >= NEAR)
    return Found(None, tuple(near)[:PASSAGES])

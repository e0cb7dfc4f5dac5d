"""Answers by meaning: how often the wrong one is given, and how often the right one is found."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bench.plan import Plan
from bench.report import Figure, Row
from polytalk.dialogue.knowledge.by_heart import Answer, Knowledge, normalised
from polytalk.dialogue.knowledge.recall import SAME, choose
from polytalk.dialogue.voices import language_of
from polytalk.engines.embed.e5 import E5
from polytalk.errors import EngineFailed
from polytalk.types import EmbedWork, Vector

FOLDER = Path(__file__).parents[1] / "knowledge"
THRESHOLDS = (0.85, 0.90, 0.95)

Ask = Callable[[str], str | None]


class Side:
    """One language: everything that is stored, each question with itself for its answer."""

    def __init__(self, language: str, engine: E5) -> None:
        self.opposites = pairs("opposites.txt", language)
        self.paraphrases = pairs("paraphrases.txt", language)
        stored = dict.fromkeys(known for known, _ in (*self.opposites, *self.paraphrases))
        self.knowledge = Knowledge([Answer((question,), question) for question in stored])
        self.wordings = [(known.questions[0], known) for known in self.knowledge.answers]
        self._engine = engine
        self._vectors = np.stack([self.vector(question) for question, _ in self.wordings])

    def vector(self, text: str) -> NDArray[np.float32]:
        (result,) = self._engine.run([EmbedWork(text)])
        if not isinstance(result, Vector):
            raise EngineFailed(f"{text!r} can't be embedded")
        return np.frombuffer(result.values, "<f4")

    def by_vectors(self, threshold: float) -> Ask:
        def ask(question: str) -> str | None:
            likeness = self._vectors @ self.vector(question)
            best = int(np.argmax(likeness))
            return self.wordings[best][0] if likeness[best] >= threshold else None

        return ask

    def by_both(self, question: str) -> str | None:
        return choose(self._vectors, self.wordings, self.vector(question), question).answer


def measure(_: Plan) -> Figure:
    engine = E5()
    engine.load()
    sides = [Side(language, engine) for language in ("en", "zh")]
    ways: list[tuple[str, Sequence[Ask]]] = [
        ("the same words", [side.knowledge.find for side in sides]),
        *((f"vectors, cosine ≥ {limit}", [side.by_vectors(limit) for side in sides]) for limit in THRESHOLDS),
        ("words for the same ideas", [side.knowledge.reworded for side in sides]),
        (f"both (cosine ≥ {SAME})", [side.by_both for side in sides]),
    ]
    rows = [_row(how, sides, asks) for how, asks in ways]
    notes = [
        "Near-opposites: a question that looks like a stored one and is another. Wrong: an answer to it. "
        "Reworded: right when the stored answer is given, wrong when another is.",
        "No pair was used for the rules; those of bench/knowledge/development_*.txt were.",
    ]
    return Figure("knowledge", "Stored answers for questions in other words", "wrong ≤ 0.5 %", rows, notes)


def _row(how: str, sides: Sequence[Side], asks: Sequence[Ask]) -> Row:
    row: dict[str, str | float | int | None] = {"found by": how}
    wrong = total = 0
    for side, ask, name in zip(sides, asks, ("en", "zh"), strict=True):
        misled = sum(is_wrong(ask(asked), asked) for _, asked in side.opposites)
        given = [(ask(asked), known) for known, asked in side.paraphrases]
        right = sum(answer == known for answer, known in given)
        misled += sum(answer not in (None, known) for answer, known in given)
        wrong += misled
        total += len(side.opposites) + len(given)
        row[f"{name}: wrong"] = f"{misled} of {len(side.opposites) + len(given)}"
        row[f"{name}: right"] = f"{right} of {len(given)}"
    row["wrong %"] = round(100 * wrong / total, 2)
    return row


def is_wrong(answer: str | None, asked: str) -> bool:
    """An answer to another question than the one that was asked."""
    return answer is not None and normalised(answer) != normalised(asked)


def pairs(name: str, language: str) -> list[tuple[str, str]]:
    """(stored, asked) in a language."""
    lines = (FOLDER / name).read_text("utf-8").splitlines()
    rows = (line.split(" | ") for line in lines if " | " in line and not line.startswith("#"))
    return [(known.strip(), asked.strip()) for known, asked in rows if language_of(known) == language]

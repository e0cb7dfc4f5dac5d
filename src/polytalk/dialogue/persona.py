"""Who an avatar is: its instructions, and a few exchanges that show how it speaks.

Small models ignore facts in a system prompt and use those in the history, so what an avatar knows about itself is
told as turns that already happened. They stand before every conversation, so the LLM's prefix cache holds them.
"""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Any

from msgspec import Struct, convert
from msgspec.structs import replace

from polytalk.dialogue.knowledge.by_heart import Answer, Knowledge
from polytalk.dialogue.knowledge.wording import alike, wording
from polytalk.types import Message


class Exchange(Struct, frozen=True):
    """A question and the answer in character."""

    user: str
    assistant: str


class Persona(Struct, frozen=True, dict=True):
    """One language's side of an avatar."""

    instructions: str
    wrong_language: str
    """Said when the user speaks a language that the LLM does not."""
    greeting: str = ""
    examples: tuple[Exchange, ...] = ()
    answers: tuple[Answer, ...] = ()
    """What it knows by heart, about itself above all: the LLM is not asked."""
    sentences: int = 3
    """The longest answer, in sentences; a listener can't skim."""

    @cached_property
    def knowledge(self) -> Knowledge:
        """Its answers, ready to be looked up."""
        return Knowledge(self.answers)

    def messages(
        self, history: Sequence[Message], instructions: str = "", passages: Sequence[Answer] = ()
    ) -> tuple[Message, ...]:
        """The history as the LLM gets it. A client's own `instructions` replace persona and examples.

        `passages` are what is known about the last question; they stand beside it, where a small model heeds them.
        """
        if passages and history and history[-1].role == "user":
            *before, last = history
            history = (*before, Message(last.role, grounded(last.content, passages)))
        if instructions:
            return (Message("system", instructions), *merged(history))
        shown = [
            m for pair in self.examples for m in (Message("user", pair.user), Message("assistant", pair.assistant))
        ]
        return (Message("system", self.instructions), *merged((*shown, *history)))


def grounded(question: str, passages: Sequence[Answer]) -> str:
    """A question with what is known about it."""
    known = "\n".join(f"- {passage.questions[0]} {passage.answer}" for passage in passages)
    return f"{known}\n\n{question}"


def merged(history: Sequence[Message]) -> list[Message]:
    """Neighbours of one role become one message: chat templates expect the roles to alternate.

    Calls of functions and their answers stay as they are.
    """
    result: list[Message] = []
    for message in history:
        apart = message.answers or message.calls or (result and result[-1].calls)
        if result and result[-1].role == message.role and not apart:
            result[-1] = Message(message.role, f"{result[-1].content} {message.content}")
        else:
            result.append(message)
    return result


def load_personas(name: str, known: Mapping[str, tuple[Answer, ...]] | None = None) -> dict[str, Persona]:
    """The shipped persona in every language it has, speaking as `name`; and what it is to know besides."""
    text = files(__package__).joinpath("persona.toml").read_text("utf-8")
    tables: dict[str, Any] = tomllib.loads(text.replace("{name}", name))
    personas = {language: convert(table, Persona) for language, table in tables.items()}
    return {
        language: replace(persona, answers=_joined(persona.answers, (known or {}).get(language, ()), name))
        for language, persona in personas.items()
    }


def _joined(shipped: Sequence[Answer], own: Sequence[Answer], name: str) -> tuple[Answer, ...]:
    """All answers; where both have a question, that of the avatar's owner counts."""
    asked = [wording(question) for answer in own for question in answer.questions]
    kept = (
        Answer(questions, answer.answer)
        for answer in shipped
        if (questions := tuple(q for q in answer.questions if not any(alike(wording(q), other) for other in asked)))
    )
    return (*kept, *(Answer(answer.questions, answer.answer.replace("{name}", name)) for answer in own))

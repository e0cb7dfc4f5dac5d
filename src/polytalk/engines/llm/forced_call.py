"""A function call out of a small model: it only fills in the arguments, held to their schema as it writes.

Too small to know when a function is called for, such a model answers in words as long as it may. Where it must call,
the function that shares most words with the question is taken, since the model's own choice is the first one.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.types import Message


class _Function(Struct, frozen=True):
    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None


class _Tool(Struct, frozen=True):
    function: _Function


class _Named(Struct, frozen=True):
    function: _Function


class _Extra(Struct, frozen=True):
    tools: tuple[_Tool, ...] = ()
    tool_choice: str | _Named = "auto"


class ForcedCall(Struct, frozen=True):
    """What is to be called, and how the model is asked for the arguments."""

    name: str
    asked: Message
    schema: Mapping[str, Any]
    """Of the arguments."""


def forced(extra: str, messages: Sequence[Message]) -> ForcedCall | None:
    """The call that must be made; None when words will do. Raises BadInput for tools that can't be read."""
    if not extra:
        return None
    try:
        wanted = msgspec.json.decode(extra, type=_Extra)
    except msgspec.DecodeError as error:
        raise BadInput(f"the tools can't be read: {error}", param="tools") from None
    choice = wanted.tool_choice
    functions = [tool.function for tool in wanted.tools]
    if choice in ("auto", "none") or not functions:
        return None
    question = next((message.content for message in reversed(messages) if message.role == "user"), "")
    if isinstance(choice, _Named):
        chosen = next((one for one in functions if one.name == choice.function.name), None)
        if chosen is None:
            raise BadInput(f"there is no function {choice.function.name!r}", param="tool_choice")
    else:
        chosen = max(functions, key=lambda one: len(_words(question) & _words(f"{one.name} {one.description}")))
    asked = Message("user", f'{chosen.name}: {chosen.description}\n\n"{question}"\n\nThe arguments, as JSON:')
    schema = {"additionalProperties": False} | (chosen.parameters or {"type": "object", "properties": {}})
    return ForcedCall(chosen.name, asked, schema)


def _words(text: str) -> set[str]:
    """Beginnings of words, so that "raining" is "rain"."""
    return {word[:4] for word in re.findall(r"[a-z]{3,}", re.sub(r"[_-]", " ", text.lower()))}

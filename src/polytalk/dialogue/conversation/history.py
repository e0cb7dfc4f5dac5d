"""What an LLM is told of a conversation: what was *heard*, not what was generated, and calls with what they gave."""

import re
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.ears.words import Words
from polytalk.types import Message, Seconds, ToolCall

Told: TypeAlias = Message | Words
"""An entry of the history; one that is still being transcribed is a user's."""

STUMP_WORDS = 4
"""A cut sentence shorter than this says nothing."""
_SENTENCES = re.compile(r".*[.!?。！？][\"')\]”’]*", re.DOTALL)
_NOTHING: Mapping[str, Words] = {}


def told(items: Iterable[Item], pending: Mapping[str, Words] = _NOTHING) -> list[Told]:
    """The entries, in order. Items without words are left out, stumps of answers that were cut off, and calls that
    were cut off or have no output yet: servers refuse a call that nothing answers.

    What a function gave stands right behind the calls that were made together, wherever the client put it.
    """
    items = list(items)
    outputs = {item.call_id: item.text for item in items if item.kind == "function_call_output"}
    entries: list[Told] = []
    together: list[Item] = []
    for item in items:
        if item.kind == "function_call":
            if item.status == "completed" and item.call_id in outputs:
                together.append(item)
            continue
        _flush(entries, together, outputs)
        if item.id in pending:
            entries.append(pending[item.id])
        elif item.kind == "message" and (text := without_stump(item)):
            entries.append(Message(item.role, text))
    _flush(entries, together, outputs)
    return entries


def asked_seconds(items: Iterable[Item]) -> Seconds:
    """How long the user's speech is since the last answer."""
    total = 0.0
    for item in items:
        total = 0.0 if item.role == "assistant" else total + item.seconds
    return total


def _flush(entries: list[Told], together: list[Item], outputs: Mapping[str, str]) -> None:
    """Calls that were made together, as one message with what was said before them; then their outputs."""
    if not together:
        return
    said = ""
    if entries and isinstance(before := entries[-1], Message) and before.role == "assistant" and not before.calls:
        said = before.content
        entries.pop()
    calls = tuple(ToolCall(item.call_id, item.name, item.text) for item in together)
    entries.append(Message("assistant", said, calls))
    entries.extend(Message("tool", outputs[item.call_id], answers=item.call_id) for item in together)
    together.clear()


def without_stump(item: Item) -> str:
    """The text for an LLM: of an interrupted answer the whole sentences, or the beginning of a long one.

    A small model takes "Rome was" for how answers are given here, and gives no others after the third.
    """
    if item.role != "assistant" or item.status != "incomplete":
        return item.text
    if whole := _SENTENCES.match(item.text):
        return whole.group().strip()
    return f"{item.text} …" if len(item.text.split()) >= STUMP_WORDS else ""

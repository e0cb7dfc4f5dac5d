"""The items of a conversation, and what of them the LLM is told: what was *heard*, not what was generated."""

import re
from typing import Literal

from msgspec import Struct

from polytalk.errors import BadInput
from polytalk.types import Message, Seconds

_WIDE = "\u3000-\u9fff\uff00-\uffef"  # Chinese and Japanese, which have no spaces between words
_WORD = re.compile(rf"\s*(?:[{_WIDE}]|[^\s{_WIDE}]+)")


STUMP_WORDS = 4
"""A cut sentence shorter than this says nothing."""
_SENTENCES = re.compile(r".*[.!?。！？][\"')\]”’]*", re.DOTALL)


class Item(Struct):
    """One message. `text` of a cancelled answer is cut back to what the listener heard."""

    id: str
    role: Literal["system", "user", "assistant"]
    text: str = ""
    spoken: bool = False
    """Whether it was (or is) audio."""
    status: Literal["completed", "in_progress", "incomplete"] = "completed"
    marks: list[tuple[Seconds, str]] = []
    """An answer's pieces of text, each with the moment of its audio's end."""

    def cut(self, heard: Seconds) -> None:
        """Keep of a spoken answer what was heard; again with a better figure gives a better text."""
        if self.marks:
            self.text = heard_text(self.marks, heard)
        self.status = "incomplete"


class Conversation:
    """Items in order, bounded: the oldest are forgotten first."""

    def __init__(self, max_items: int) -> None:
        self._max = max_items
        self._items: list[Item] = []

    def __len__(self) -> int:
        return len(self._items)

    def last(self) -> str | None:
        """Id of the newest item."""
        return self._items[-1].id if self._items else None

    def add(self, item: Item, after: str | None = None) -> str | None:
        """Append, or insert behind `after` ("root" is the very start); returns the id of the item before it.

        Raises BadInput for an id already taken or an unknown `after`.
        """
        if any(item.id == known.id for known in self._items):
            raise BadInput(
                f"an item with id {item.id!r} is already there", code="item_create_duplicate_item_id", param="item.id"
            )
        at = len(self._items) if after is None else 0 if after == "root" else self._index(after) + 1
        self._items.insert(at, item)
        previous = self._items[at - 1].id if at else None
        if len(self._items) > self._max:
            del self._items[0 if at else 1]  # never the one that was just added
        return previous

    def get(self, item_id: str) -> Item:
        """Raises BadInput for an unknown id."""
        return self._items[self._index(item_id)]

    def delete(self, item_id: str) -> None:
        """Raises BadInput for an unknown id."""
        del self._items[self._index(item_id)]

    def truncate(self, item_id: str, heard: Seconds) -> None:
        """Cut an answer back to what was heard. Raises BadInput when it is no spoken answer."""
        item = self.get(item_id)
        if item.role != "assistant" or not item.spoken:
            raise BadInput(f"item {item_id!r} is no spoken answer, so it can't be truncated", param="item_id")
        item.cut(heard)

    def messages(self) -> tuple[Message, ...]:
        """The history for an LLM; items without words are left out, and stumps of answers that were cut off."""
        told = ((item.role, _without_stump(item)) for item in self._items)
        return tuple(Message(role, text) for role, text in told if text)

    def _index(self, item_id: str) -> int:
        for index, item in enumerate(self._items):
            if item.id == item_id:
                return index
        raise BadInput(f"there is no item {item_id!r}", code="item_not_found", param="item_id")


def _without_stump(item: Item) -> str:
    """The text for an LLM: of an interrupted answer the whole sentences, or the beginning of a long one.

    A small model takes "Rome was" for how answers are given here, and gives no others after the third.
    """
    if item.role != "assistant" or item.status != "incomplete":
        return item.text
    if whole := _SENTENCES.match(item.text):
        return whole.group().strip()
    return f"{item.text} …" if len(item.text.split()) >= STUMP_WORDS else ""


def heard_text(marks: list[tuple[Seconds, str]], heard: Seconds) -> str:
    """The words (in Chinese, characters) whose audio was played by `heard`, taking speech to be even within a piece.

    >>> heard_text([(1.0, "One two."), (2.0, " Three four.")], 1.5)
    'One two. Three'
    """
    return _heard(marks, heard).strip()


def unheard_text(marks: list[tuple[Seconds, str]], heard: Seconds) -> str:
    """The words after those of `heard_text`, with the space before them.

    >>> unheard_text([(1.0, "One two."), (2.0, " Three four.")], 1.5)
    ' four.'
    """
    return "".join(text for _, text in marks)[len(_heard(marks, heard)) :]


def _heard(marks: list[tuple[Seconds, str]], heard: Seconds) -> str:
    kept, began = "", 0.0
    for end, text in marks:
        if heard >= end:
            kept, began = kept + text, end
            continue
        words = _WORD.findall(text)
        share = max(0.0, heard - began) / max(end - began, 1e-9)
        kept += "".join(words[: int(share * len(words) + 0.5)])
        break
    return kept

"""The items of a conversation, in order. What an LLM is told of them is `history.py`'s."""

from collections.abc import Iterable, Iterator, Mapping

from polytalk.dialogue.conversation.history import Told, told
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.ears.words import Words
from polytalk.errors import BadInput
from polytalk.types import Message, Seconds

REPORTED_LATE: Seconds = 0.2
"""A client may say that it played so much more of an answer than there was: its clock is another."""


class Conversation:
    """Items in order, bounded in number and characters: the oldest are forgotten first."""

    def __init__(self, max_items: int, items: Iterable[Item] = (), *, max_chars: int = 400_000) -> None:
        self._max = max_items
        self._max_chars = max_chars
        self._items: list[Item] = list(items)

    def __iter__(self) -> Iterator[Item]:
        return iter(self._items)

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
        while len(self._items) > 1 and (len(self._items) > self._max or self._chars() > self._max_chars):
            del self._items[1 if self._items[0] is item else 0]  # never the one that was just added
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
        lasts = item.marks[-1][0] if item.marks else 0.0
        if heard > lasts + REPORTED_LATE:
            raise BadInput(
                f"audio_end_ms is {heard * 1000:.0f}, and the audio of item {item_id!r} has {lasts * 1000:.0f} ms",
                param="audio_end_ms",
            )
        item.cut(heard)

    def messages(self) -> tuple[Message, ...]:
        """The history for an LLM, as far as the words are known."""
        return tuple(entry for entry in told(self._items) if isinstance(entry, Message))

    def told(self, pending: Mapping[str, Words]) -> tuple[Told, ...]:
        """The history for an LLM, with words that are still to come at their places: `pending` has them by item."""
        return tuple(told(self._items, pending))

    def _chars(self) -> int:
        return sum(len(item.text) for item in self._items)

    def _index(self, item_id: str) -> int:
        for index, item in enumerate(self._items):
            if item.id == item_id:
                return index
        raise BadInput(f"there is no item {item_id!r}", code="item_not_found", param="item_id")

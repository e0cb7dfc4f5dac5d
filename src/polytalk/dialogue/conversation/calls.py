"""The function calls of one answer, put together from the pieces in which an LLM gives them."""

from collections.abc import Collection

from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.conversation.tools import fault_of
from polytalk.dialogue.ids import new_id
from polytalk.errors import BadCall
from polytalk.types import ToolDelta

MOST_CALLS = 32
"""Of one answer."""
LONGEST_ARGUMENTS = 64_000
"""Characters of one call."""


class Calls:
    """Pieces in, items out. A call of a function that there is not is left out, and is an error at the end."""

    def __init__(self, known: Collection[str]) -> None:
        """`known`: names of the functions that may be called."""
        self._known = known
        self._items: dict[int, Item] = {}
        self._unknown: dict[int, str] = {}

    def take(self, delta: ToolDelta) -> Item | None:
        """The item that a piece belongs to, with the piece in it; None when nobody is to see it. Raises BadCall."""
        item = self._items.get(delta.index)
        if item is None:
            if delta.index in self._unknown or delta.name not in self._known:
                self._unknown.setdefault(delta.index, delta.name)
                return None
            if len(self._items) >= MOST_CALLS:
                raise BadCall(f"the model made more than {MOST_CALLS} calls in one answer")
            item = self._items[delta.index] = Item(
                new_id("item"),
                "assistant",
                status="in_progress",
                kind="function_call",
                call_id=delta.id or new_id("call"),
                name=delta.name,
            )
        if len(item.text) + len(delta.arguments) > LONGEST_ARGUMENTS:
            raise BadCall(f"the arguments of {item.name!r} have more than {LONGEST_ARGUMENTS} characters")
        item.text += delta.arguments
        return item

    def finish(self) -> None:
        """No more of them comes. Those that can't be carried out stay incomplete. Raises BadCall, which names them."""
        faults = [f"the model called {name!r}, and there is no such function" for name in self._unknown.values()]
        for item in self._items.values():
            item.text = item.text.strip() or "{}"
            item.status = "completed"
            if fault := fault_of(item.text):
                faults.append(f"the model's arguments for {item.name!r} are no JSON object ({fault})")
                item.status = "incomplete"
        if faults:
            raise BadCall("; ".join(faults))

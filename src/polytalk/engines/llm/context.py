"""Keeping a history within a model's context."""

from collections.abc import Callable, Sequence
from itertools import accumulate, takewhile

from polytalk.types import Message


def fit(messages: Sequence[Message], limit: int, count: Callable[[Message], int], *, keep: int = 0) -> list[Message]:
    """The messages without the oldest turns that make them cost more than `limit` tokens by `count`.

    The leading system messages, the first `keep` messages and the last one always stay, even when they alone are
    too long. What is left of the turns begins with a user's message, so no answer stands without its question.

    Turns go in steps of half the room they have: what precedes the new turn then stays the same for several turns,
    and so does the model's cache of it.
    """
    system = sum(1 for _ in takewhile(lambda message: message.role == "system", messages))
    head = max(system, min(keep, len(messages) - 1))
    turns = messages[head:]
    room = limit - sum(map(count, messages[:head]))
    costs = [0, *accumulate(map(count, turns))]
    excess = costs[-1] - room
    if excess <= 0 or not turns:
        return list(messages)
    step = max(room // 2, 1)
    least = -(-excess // step) * step
    begins = [start for start, message in enumerate(turns) if message.role == "user" and start]
    enough = (start for start in begins if costs[start] >= least)
    last = begins[-1] if begins else 0
    return [*messages[:head], *turns[next(enough, last) :]]


def shared(first: Sequence[Message], second: Sequence[Message]) -> int:
    """How many leading messages two histories have in common."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, second, strict=False)))

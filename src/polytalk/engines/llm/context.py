"""Keeping a history within a model's context."""

from collections.abc import Callable, Sequence
from itertools import takewhile

from polytalk.types import Message


def fit(messages: Sequence[Message], limit: int, count: Callable[[Message], int]) -> list[Message]:
    """The messages, without the oldest turns that make them cost more than `limit` tokens by `count`.

    The leading system messages and the last message always stay, even when they alone are too long: the caller's
    model then says so. What is kept begins with a user's message, so no answer stands without its question.
    """
    head = list(takewhile(lambda message: message.role == "system", messages))
    turns = list(messages[len(head) :])
    budget = limit - sum(map(count, head))
    costs = list(map(count, turns))
    first = 0
    while first < len(turns) - 1 and (sum(costs[first:]) > budget or (first and turns[first].role != "user")):
        first += 1
    return head + turns[first:]

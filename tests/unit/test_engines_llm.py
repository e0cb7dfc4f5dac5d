"""Histories that fit a context, an LLM that echoes, and what SmolLM2 says before it has a model."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.engines.base import StreamEngine
from polytalk.engines.llm.context import fit, shared
from polytalk.engines.llm.echo import EchoLlm
from polytalk.engines.llm.smollm2 import SmolLM2
from polytalk.errors import ConfigError, SetupError
from polytalk.types import Message, TextDelta, ThinkWork, ToolDelta, Usage

SYSTEM = Message("system", "s" * 10)


def size(message: Message) -> int:
    return len(message.content)


def talk(turns: int, *, each: int = 10) -> list[Message]:
    """A history that ends with a question."""
    history = [SYSTEM]
    for turn in range(turns):
        mark = chr(ord("a") + turn % 26)
        history += [Message("user", mark * each), Message("assistant", mark.upper() * each)]
    return [*history, Message("user", "?" * each)]


# --- fitting a history ---------------------------------------------------------------------------------------------


def test_a_history_that_fits_is_left_alone() -> None:
    history = talk(3)
    assert fit(history, 80, size) == history
    assert fit([], 80, size) == []


def test_the_oldest_turns_go_first_and_whole() -> None:
    history = talk(4)
    kept = fit(history, 80, size)
    assert kept == [SYSTEM, *history[5:]]  # 20 too many; half of the 70 there are makes it two turns


def test_leading_system_messages_stay() -> None:
    history = [SYSTEM, SYSTEM, *talk(9)[1:]]
    assert fit(history, 60, size)[:2] == [SYSTEM, SYSTEM]


def test_a_persona_that_is_told_as_turns_stays() -> None:
    history = talk(9)
    kept = fit(history, 100, size, keep=5)
    assert kept[:5] == history[:5]
    assert len(kept) < len(history)


def test_the_last_message_stays_even_when_it_is_too_long() -> None:
    question = Message("user", "?" * 500)
    assert fit([*talk(3), question], 100, size) == [SYSTEM, question]
    assert fit([question], 100, size) == [question]


def test_the_beginning_stays_the_same_for_several_turns_so_that_the_cache_holds() -> None:
    begins = [fit(talk(turns), 200, size)[1] for turns in range(10, 40)]
    changes = sum(before != after for before, after in pairwise(begins))
    assert changes <= 8  # a change for each turn would be 29


@given(
    st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.integers(1, 60)), min_size=1, max_size=40),
    st.integers(10, 400),
    st.integers(0, 12),
)
def test_whatever_was_said_the_rest_is_an_ending_that_fits_or_can_not(
    said: Sequence[tuple[str, int]], limit: int, keep: int
) -> None:
    history = [SYSTEM, *(Message(role, "x" * length) for role, length in said)]  # type: ignore[arg-type]
    kept = fit(history, limit, size, keep=keep)
    head = max(1, min(keep, len(history) - 1))
    tail = kept[head:]
    assert kept[:head] == history[:head]
    assert tail == history[len(history) - len(tail) :]
    dropped = len(history) - len(kept)
    assert not dropped or tail[0].role == "user"
    fits = sum(map(size, kept)) <= limit
    users = [place for place, message in enumerate(history) if place > head and message.role == "user"]
    assert fits or not users or len(history) - len(tail) == users[-1]  # nothing more could go


def test_what_two_histories_share_is_their_common_beginning() -> None:
    assert shared(talk(3), talk(5)) == 7
    assert shared(talk(3), []) == 0


# --- echo ----------------------------------------------------------------------------------------------------------


async def answer(
    engine: StreamEngine[ThinkWork, TextDelta | ToolDelta | Usage], *messages: Message, limit: int = 99
) -> list[str]:
    results = [one async for one in engine.stream(ThinkWork(messages=messages, max_tokens=limit))]
    assert isinstance(results[-1], Usage)
    deltas = [one.delta for one in results if isinstance(one, TextDelta)]
    assert results[-1].output_tokens == len(deltas) == len(results) - 1
    return deltas


async def test_an_echo_repeats_the_last_thing_said_word_by_word() -> None:
    engine = EchoLlm({})
    engine.load()
    deltas = await answer(engine, Message("user", "old"), Message("assistant", "x"), Message("user", "Hello, you!"))
    assert deltas == ["You", " said:", " Hello,", " you!"]
    engine.close()


async def test_an_echo_speaks_any_language() -> None:
    engine = EchoLlm({"prefix": "你说："})
    assert engine.languages == ("*",)
    assert "".join(await answer(engine, Message("user", "你好 Bob"))) == "你说：你好 Bob"
    assert engine.units(engine.probe()) > 0


async def test_an_echo_stops_at_the_limit() -> None:
    assert len(await answer(EchoLlm({}), Message("user", "one two three four"), limit=3)) == 3


# --- SmolLM2 without its model -------------------------------------------------------------------------------------


async def test_it_says_when_it_was_not_loaded() -> None:
    engine = SmolLM2({"slots": 2})
    engine.close()
    assert engine.slots == 2
    with pytest.raises(SetupError, match="load"):
        await answer(engine, Message("user", "Hi"))


def test_options_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"llm\.options"):
        SmolLM2({"slots": "many"})

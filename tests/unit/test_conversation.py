"""The items of a conversation, and what the LLM is told of them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.items import Item, heard_text
from polytalk.errors import BadInput
from polytalk.types import Message


def conversation(*ids: str, max_items: int = 100) -> Conversation:
    made = Conversation(max_items)
    for one in ids:
        made.add(Item(one, "user", one))
    return made


def ids(of: Conversation) -> list[str]:
    return [message.content for message in of.messages()]


def spoken(*marks: tuple[float, str]) -> Item:
    return Item("said", "assistant", "".join(text for _, text in marks), spoken=True, marks=list(marks))


def test_items_are_appended() -> None:
    made = conversation("a", "b")
    assert made.add(Item("c", "user", "c")) == "b"
    assert (ids(made), made.last(), len(made)) == (["a", "b", "c"], "c", 3)


def test_the_first_item_has_none_before_it() -> None:
    assert conversation().last() is None
    assert conversation().add(Item("a", "user")) is None


def test_an_item_can_be_put_behind_another_or_at_the_very_start() -> None:
    made = conversation("a", "b")
    assert made.add(Item("between", "user", "between"), after="a") == "a"
    assert made.add(Item("first", "user", "first"), after="root") is None
    assert ids(made) == ["first", "a", "between", "b"]


def test_an_id_is_taken_once() -> None:
    with pytest.raises(BadInput, match="an item with id 'a' is already there") as refused:
        conversation("a").add(Item("a", "user"))
    assert refused.value.detail == "item_create_duplicate_item_id"


DEEDS: dict[str, Callable[[Conversation], object]] = {
    "get": lambda made: made.get("ghost"),
    "delete": lambda made: made.delete("ghost"),
    "truncate": lambda made: made.truncate("ghost", 1.0),
    "add behind": lambda made: made.add(Item("b", "user"), after="ghost"),
}


@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_an_unknown_item_is_an_error_that_names_it(deed: Callable[[Conversation], object]) -> None:
    made = conversation("a")
    with pytest.raises(BadInput, match="there is no item 'ghost'") as refused:
        deed(made)
    assert refused.value.detail == "item_not_found"
    assert ids(made) == ["a"]


def test_a_deleted_item_is_gone() -> None:
    made = conversation("a", "b")
    made.delete("a")
    assert ids(made) == ["b"]


def test_the_oldest_items_are_forgotten_first() -> None:
    assert ids(conversation("a", "b", "c", max_items=2)) == ["b", "c"]


def test_an_item_put_at_the_start_of_a_full_conversation_stays() -> None:
    made = conversation("a", "b", max_items=2)
    made.add(Item("rules", "system", "rules"), after="root")
    assert ids(made) == ["rules", "b"]


def test_items_without_words_are_not_told() -> None:
    made = conversation("a")
    made.add(Item("silent", "user", spoken=True))
    made.add(Item("reply", "assistant", "Yes."))
    assert made.messages() == (Message("user", "a"), Message("assistant", "Yes."))


def test_truncating_keeps_what_was_heard() -> None:
    made = conversation("a")
    made.add(spoken((1.0, "One two."), (2.0, " Three four.")))
    made.truncate("said", 1.5)
    assert (made.get("said").text, made.get("said").status) == ("One two. Three", "incomplete")


def test_a_second_truncation_may_give_words_back() -> None:
    made = conversation()
    made.add(spoken((1.0, "One two."), (2.0, " Three four.")))
    made.truncate("said", 0.0)
    assert made.get("said").text == ""
    made.truncate("said", 2.0)
    assert made.get("said").text == "One two. Three four."


@pytest.mark.parametrize("item", [Item("x", "user", "Hi", spoken=True), Item("x", "assistant", "Hi")])
def test_only_spoken_answers_are_truncated(item: Item) -> None:
    made = conversation()
    made.add(item)
    with pytest.raises(BadInput, match="item 'x' is no spoken answer"):
        made.truncate("x", 1.0)


HEARD = [
    (0.0, ""),
    (0.49, "One"),
    (0.5, "One"),
    (1.0, "One two."),
    (1.24, "One two."),
    (1.5, "One two. Three"),
    (9.0, "One two. Three four."),
]


@pytest.mark.parametrize(("heard", "text"), HEARD)
def test_words_are_heard_as_their_audio_is_played(heard: float, text: str) -> None:
    assert heard_text([(1.0, "One two."), (2.0, " Three four.")], heard) == text


def test_characters_of_chinese_are_heard_one_by_one() -> None:
    assert heard_text([(4.0, "我会说中文，也会 English。")], 2.0) == "我会说中文"


def test_words_without_audio_are_heard_with_those_before() -> None:
    assert heard_text([(1.0, "Yes."), (1.0, " 🙂"), (2.0, " No.")], 1.0) == "Yes. 🙂"


pieces = st.lists(st.tuples(st.floats(0, 5), st.text("ab 你好。", max_size=12)), max_size=6)


@given(pieces, st.floats(0, 30), st.floats(0, 30))
def test_what_is_heard_is_a_beginning_and_grows(lengths: list[tuple[float, str]], one: float, other: float) -> None:
    marks, end = [], 0.0
    for length, text in lengths:
        end += length
        marks.append((end, text))
    whole = "".join(text for _, text in marks)
    less, more = heard_text(marks, min(one, other)), heard_text(marks, max(one, other))
    assert more.startswith(less)
    assert whole.strip().startswith(more)
    assert heard_text(marks, end) == whole.strip()


@pytest.mark.parametrize(
    ("heard", "told"),
    [
        ("Rome was", ""),
        ("It is big. Rome was", "It is big."),
        ("It is big.", "It is big."),
        ("In Rome you can see the old Forum and", "In Rome you can see the old Forum and …"),
        ("罗马很大。它有", "罗马很大。"),
    ],
)
def test_an_llm_is_not_shown_the_stump_of_an_answer_that_was_cut_off(heard: str, told: str) -> None:
    conversation = Conversation(10)
    conversation.add(Item("a", "assistant", heard, spoken=True, status="incomplete"))
    assert [message.content for message in conversation.messages()] == ([told] if told else [])
    assert conversation.get("a").text == heard

"""Segments of an LLM's answer: early, natural, and the same however the text arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.answers.sentences import LIMIT_COLUMNS, SentenceSplitter, columns


def split(text: str, size: int = 0, language: str = "en", *, early: bool = False) -> list[str]:
    splitter = SentenceSplitter(language, early=early)
    pieces = [text[i : i + size] for i in range(0, len(text), size)] if size else [text]
    return [segment for piece in pieces for segment in splitter.push(piece)] + splitter.flush()


def spoken(text: str, language: str = "en") -> list[str]:
    return [segment.strip() for segment in split(text, language=language)]


WHOLE = {
    "title": "Dr. Smith met Mr. Jones.",
    "latin": "Take fruit, e.g. apples.",
    "decimal": "Pi is 3.14159 or so.",
    "initialism": "The U.S. Army came.",
    "initials": "I read J. R. R. Tolkien.",
    "time": "It is 10:30 now.",
    "half past": "We meet at 5 p.m. Monday.",
    "address": "See https://example.com/a.b?c=d!x now.",
    "file": "Open main.py please.",
    "number": "This is No. 5 of them.",
    "quote goes on": '"Really?" he asked.',
    "bracket goes on": "He (really!) did.",
    "thousands": "It has 1,000,000 parts.",
    "list number": "1. Open the lid.",
    "ellipsis": "Well... maybe.",
    "markdown": "**Dr. Who** is here.",
}


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_what_looks_like_an_end_but_is_none(text: str) -> None:
    assert split(text) == [text]


SPLIT = {
    "full stop": ("It rains. Take a coat.", ["It rains.", "Take a coat."]),
    "runs": ("What?! No way!!! Yes.", ["What?!", "No way!!!", "Yes."]),
    "quote ends": ('He said "Stop." Then he left.', ['He said "Stop."', "Then he left."]),
    "curly quote": ("“Go.” He went.", ["“Go.”", "He went."]),
    "abbreviation ends": ("We left the U.S. The trip was long.", ["We left the U.S.", "The trip was long."]),
    "etc": ("Bring tea, etc. Then wait.", ["Bring tea, etc.", "Then wait."]),
    "answer No.": ("No. I mean it.", ["No.", "I mean it."]),
    "pronoun I": ("So do I. Next one.", ["So do I.", "Next one."]),
    "year": ("It was 2024. All was well.", ["It was 2024.", "All was well."]),
    "price": ("That is $3.50. Cheap!", ["That is $3.50.", "Cheap!"]),
    "items": (
        "Steps:\n1. Open it.\n2. Pour.\n- wait\n* stop",
        ["Steps:", "1. Open it.", "2. Pour.", "- wait", "* stop"],
    ),
    "paragraphs": ("A title\n\nThe text", ["A title", "The text"]),
    "markdown": ("It is **bold.** Next one.", ["It is **bold.**", "Next one."]),
    "emoji": ("Great! 😀 Let us go. 🎉", ["Great!", "😀 Let us go.", "🎉"]),
    "first clause": ("I am glad you asked, it is easy, and short.", ["I am glad you asked,", "it is easy, and short."]),
    "clause too short": ("Well, it is easy.", ["Well, it is easy."]),
    "dash": ("The answer is simple — just wait.", ["The answer is simple —", "just wait."]),
    "chinese": ("你好。今天天气很好！我们走吧？好", ["你好。", "今天天气很好！", "我们走吧？", "好"]),
    "chinese clause": ("好的，我来告诉你，这件事很简单，真的。", ["好的，我来告诉你，", "这件事很简单，真的。"]),
    "chinese quote": ("他说：“走吧。”然后走了。", ["他说：“走吧。”", "然后走了。"]),
    "mixed": ("我用Python 3.11写代码。It works.", ["我用Python 3.11写代码。", "It works."]),
    "ascii marks in chinese": ("真的?我不信.你看", ["真的?", "我不信.", "你看"]),
    "chinese time": ("现在是下午的时间10：30，走吧。", ["现在是下午的时间10：30，", "走吧。"]),
    "lower case": ("hi there. how are you?", ["hi there.", "how are you?"]),
}


@pytest.mark.parametrize(("text", "segments"), SPLIT.values(), ids=SPLIT)
def test_where_a_text_is_split(text: str, segments: list[str]) -> None:
    assert spoken(text) == segments


def test_a_language_brings_its_abbreviations() -> None:
    assert spoken("Kaffee bzw. Tee.", "de") == ["Kaffee bzw. Tee."]
    assert spoken("Kaffee bzw. Tee.", "en") == ["Kaffee bzw.", "Tee."]


def test_a_segment_comes_with_the_character_that_settles_it() -> None:
    splitter = SentenceSplitter()
    assert splitter.push("It rains.") == []  # could become "It rains.)" or "rains.com"
    assert splitter.push(" ") == ["It rains."]
    assert splitter.push("下雨了。") == [" 下雨了。"]


def test_a_flush_makes_ready_for_the_next_answer() -> None:
    splitter = SentenceSplitter()
    text = "I am glad you asked, it is easy."
    assert splitter.push(text) + splitter.flush() == splitter.push(text) + splitter.flush()
    assert splitter.flush() == []


def test_only_the_beginning_is_cut_at_short_clauses() -> None:
    clause = "one two three four five six, "
    lengths = [segment.count(",") for segment in split(clause * 12)]
    assert lengths[:3] == [1, 3, 5]


@pytest.mark.parametrize("text", ["word " * 200, "字" * 500, "x" * 1000, "-" * 700, "👩‍👩‍👧" * 300, "e\u0301" * 400])
def test_text_without_marks_is_cut_at_the_limit(text: str) -> None:
    segments = split(text)
    assert len(segments) > 1
    assert all(columns(segment) <= LIMIT_COLUMNS for segment in segments)
    assert not any(segment[0] in "\u200d\u0301" for segment in segments)


def test_a_forced_cut_breaks_no_word() -> None:
    assert {word for segment in split("word " * 200) for word in segment.split()} == {"word"}


TEXT = st.lists(
    st.one_of(
        st.sampled_from(
            [". ", ".", "...", "! ", '?" ', ", ", "，", "。", "”", "“", "\n", "\n\n", " ", "1. ", "Dr. ", "U.S. "]
        ),
        st.sampled_from(
            [
                "The ",
                "the",
                "sky ",
                " because ",
                " with a",
                "No. ",
                "好的",
                "😀",
                "—",
                "：",
                "：3",
                "……",
                "*",
                ")",
                "a.b",
                "word " * 30,
                "字" * 60,
            ]
        ),
        st.text(max_size=8),
    ),
    max_size=40,
).map("".join)


PHRASES = {
    "before a clause": (
        "The sky is blue because of a process called Rayleigh scattering.",
        ["The sky is blue", "because of a process called Rayleigh scattering."],
    ),
    "not after what belongs to it": ("My brother is in Paris with us.", ["My brother is in Paris", "with us."]),
    "not after two words": ("Cats live with people and eat fish.", ["Cats live with people and eat fish."]),
    "a mark before it": ("Yes, I am here. I sit in a box.", ["Yes, I am here.", "I sit in a box."]),
    "only once": (
        "I sit in a box with a cat that sleeps by day.",
        ["I sit in a box", "with a cat that sleeps by day."],
    ),
    "not before its word is complete": ("The sky is inside", ["The sky is inside"]),
}


@pytest.mark.parametrize(("text", "segments"), PHRASES.values(), ids=PHRASES)
def test_where_somebody_waits_the_first_phrase_comes_at_once(text: str, segments: list[str]) -> None:
    assert [segment.strip() for segment in split(text, early=True)] == segments


def test_a_phrase_comes_with_the_word_behind_it() -> None:
    splitter = SentenceSplitter(early=True)
    assert splitter.push("The sky is blue because") == []
    assert splitter.push(" ") == ["The sky is blue"]


@given(TEXT, st.booleans())
def test_joined_segments_are_the_text(text: str, early: bool) -> None:
    segments = split(text, early=early)
    assert "".join(segments).rstrip() == text.rstrip()
    assert all(segment.strip() for segment in segments)
    assert all(columns(segment.strip()) <= LIMIT_COLUMNS for segment in segments)


@pytest.mark.parametrize(
    ("text", "likely"),
    {
        "The capital of France is Paris.": "The capital of France is Paris.",
        "The sky is blue because": "The sky is blue",
        "The sky is": "",
        "I think it's so,": "I think it's so,",
        "It was Dr.": "",
        "It is about 3.": "It is about 3.",
    }.items(),
)
def test_what_is_likely_next_is_known_a_token_before_it_is_certain(text: str, likely: str) -> None:
    splitter = SentenceSplitter(early=True)
    assert splitter.push(text) == []
    assert splitter.likely() == likely
    assert splitter.push(" ten of") == ([likely] if likely else [])


@given(st.text("aA .,3\n", max_size=60))
def test_asking_what_is_likely_changes_nothing(text: str) -> None:
    splitter, segments = SentenceSplitter(early=True), []
    for char in text:
        segments += splitter.push(char)
        splitter.likely()
    assert segments + splitter.flush() == split(text, early=True)


@given(TEXT, st.integers(1, 50), st.booleans())
def test_segments_do_not_depend_on_the_deltas(text: str, size: int, early: bool) -> None:
    assert split(text, size, early=early) == split(text, early=early)


@given(TEXT, st.booleans())
def test_all_but_the_last_can_be_spoken_unless_forced(text: str, early: bool) -> None:
    for segment in split(text, early=early)[:-1]:
        assert any(map(str.isalnum, segment)) or columns(segment.strip()) > LIMIT_COLUMNS // 8

"""A long text becomes sentences that know their lines."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.clips.script import MAX_BYTES, Sentence, load_script, read_script
from polytalk.errors import BadInput


def test_paragraphs_end_with_a_pause_and_sentences_name_their_lines() -> None:
    script = "Hello there. This is\nhard-wrapped, with Dr. Smith.\n\n\nGoodbye."
    assert read_script(script, pause=0.7) == [
        Sentence("Hello there.", 1),
        Sentence("This is hard-wrapped, with Dr. Smith.", 1, 0.7),
        Sentence("Goodbye.", 5, 0.7),
    ]


def test_chinese_lines_are_joined_without_a_space() -> None:
    (one, two) = read_script("今天天气\n很好。欢迎光临！")
    assert (one.text, one.line) == ("今天天气很好。", 1)
    assert (two.text, two.line) == ("欢迎光临！", 2)


def test_a_first_sentence_is_not_cut_at_its_comma() -> None:
    """As a conversation would, to be heard early."""
    assert len(read_script("After all of these years, we are still here for you.")) == 1


def test_signs_that_nobody_says_go_with_a_sentence() -> None:
    assert [one.text for one in read_script("Hello! 🙂")] == ["Hello! 🙂"]


@pytest.mark.parametrize("sign", ["***", "🙂", "… —"])
def test_a_paragraph_that_cannot_be_said_is_named_by_its_line(sign: str) -> None:
    with pytest.raises(BadInput, match="line 3"):
        read_script(f"Hello.\n\n{sign}\n\nGoodbye.")


@given(st.lists(st.text("ab .!,;\n。，中", max_size=80).map(lambda part: f"a{part}"), min_size=1, max_size=5))
def test_nothing_is_lost_and_lines_go_up(paragraphs: list[str]) -> None:
    text = "\n\na".join(paragraphs)
    try:
        sentences = read_script(text)
    except BadInput:
        return  # a paragraph within the paragraph has no letter
    assert "".join("".join(one.text for one in sentences).split()) == "".join(text.split())
    assert [one.line for one in sentences] == sorted(one.line for one in sentences)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b" \n\n ", "empty"),
        (b"fine\n\xff\xfe", "line 2"),
        (b"a" * (MAX_BYTES + 1), "1 MiB"),
    ],
)
def test_a_file_that_cannot_be_read_aloud_is_refused(content: bytes, word: str, tmp_path: Path) -> None:
    file = tmp_path / "script.txt"
    file.write_bytes(content)
    with pytest.raises(BadInput, match=word):
        load_script(file)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"none\.txt"):
        load_script(tmp_path / "none.txt")

"""What an avatar's owner writes down."""

from pathlib import Path

import pytest

from polytalk.dialogue.knowledge import file as knowledge_file
from polytalk.dialogue.knowledge.by_heart import MAX_KEY, Answer
from polytalk.dialogue.persona import grounded, load_personas
from polytalk.errors import ConfigError

TOML = """
[[en.answers]]
questions = ["When do you open?", "Are you open now?"]
answer = "At nine."
[[zh.answers]]
questions = ["几点开门？"]
answer = "九点。"
"""
MARKDOWN = """Everything before the first heading is ours.

# When do you open?
## Are you open now?

At nine, *every* day
but [Monday](https://example.com).

# 几点开门？
九点。
"""


def written(folder: Path, text: str, name: str = "faq.toml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_a_toml_file_has_answers_by_language(tmp_path: Path) -> None:
    assert knowledge_file.read(written(tmp_path, TOML)) == {
        "en": (Answer(("When do you open?", "Are you open now?"), "At nine."),),
        "zh": (Answer(("几点开门？",), "九点。"),),
    }


def test_in_markdown_headings_are_questions_and_what_is_below_is_the_answer(tmp_path: Path) -> None:
    assert knowledge_file.read(written(tmp_path, MARKDOWN, "faq.md")) == {
        "en": (Answer(("When do you open?", "Are you open now?"), "At nine, every day but Monday."),),
        "zh": (Answer(("几点开门？",), "九点。"),),
    }


@pytest.mark.parametrize(
    ("text", "name", "says"),
    [
        ("", "faq.md", "no answers"),
        ("[[en.answers]", "faq.toml", "faq.toml"),
        ('[[en.answers]]\nquestion = "one"', "faq.toml", "question"),
        ('[[fr.answers]]\nquestions = ["Quoi ?"]\nanswer = "Rien."', "faq.toml", "fr"),
        ('[[en.answers]]\nquestions = []\nanswer = "Yes."', "faq.toml", "no question"),
        ('[[en.answers]]\nquestions = ["?!"]\nanswer = "Yes."', "faq.toml", "no question"),
        ("# Why?\n" + "because " * 300, "faq.md", "1 to 2000"),
        ("# " + "why " * MAX_KEY + "\nBecause.", "faq.md", "200 characters"),
        ("# Why?\nBecause.\n# why\nNo reason.", "faq.md", "two answers"),
        ("# Why?\nBecause.", "faq.txt", "must end in"),
    ],
)
def test_what_can_t_be_used_is_named(tmp_path: Path, text: str, name: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as refused:
        knowledge_file.read(written(tmp_path, text, name))
    assert name in refused.value.message


def test_a_file_that_can_t_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.md"):
        knowledge_file.read(tmp_path / "none.md")
    (tmp_path / "latin.md").write_bytes(b"# Caf\xe9?\nYes.")
    with pytest.raises(ConfigError, match=r"latin\.md"):
        knowledge_file.read(tmp_path / "latin.md")


def test_the_owner_s_answer_counts_before_the_shipped_one() -> None:
    own = (Answer(("Who created you?",), "The museum did. I'm {name}."),)
    knowledge = load_personas("Mira", {"en": own})["en"].knowledge
    assert knowledge.find("Who made you?") is None
    assert knowledge.reworded("Who made you?") == "The museum did. I'm Mira."


def test_what_is_known_stands_beside_the_question() -> None:
    told = grounded("Is it open?", [Answer(("When do you open?",), "At nine.")])
    assert told == "- When do you open? At nine.\n\nIs it open?"

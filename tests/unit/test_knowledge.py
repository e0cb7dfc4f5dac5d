"""What an avatar knows by heart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.knowledge.by_heart import Answer, Knowledge, normalised
from polytalk.dialogue.persona import load_personas

ENGLISH, CHINESE = load_personas("Mira")["en"], load_personas("米拉")["zh"]


@pytest.mark.parametrize(
    "wording",
    [
        "What can you do?",
        "what can you do",
        "Hey, what can you do, please?",
        "WHAT CAN YOU DO!",
        "So, what can you do?",
    ],
)
def test_case_punctuation_and_courtesies_do_not_matter(wording: str) -> None:
    assert ENGLISH.knowledge.find(wording) == ENGLISH.knowledge.find("What can you do?") is not None


@pytest.mark.parametrize(
    "question",
    [
        "What can't you do?",
        "What can you do in Rome?",
        "Are you a real person's friend?",
        "Who are they?",
        "Which can you do?",
        "",
    ],
)
def test_other_words_are_another_question(question: str) -> None:
    assert ENGLISH.knowledge.find(question) is None


def test_opposites_are_told_apart() -> None:
    hours = Knowledge([Answer(("When do you open?",), "At nine."), Answer(("When do you close?",), "At six.")])
    assert (hours.find("when do you open"), hours.find("When do you close, please?")) == ("At nine.", "At six.")


def test_chinese_questions_are_known_with_and_without_particles() -> None:
    assert CHINESE.knowledge.find("请问你是谁呢？") == CHINESE.knowledge.find("你是谁")
    assert "米拉" in (CHINESE.knowledge.find("你好，你是谁？") or "")


def test_it_says_plainly_what_it_is() -> None:
    for question in ("What are you?", "Who are you?"):
        answer = ENGLISH.knowledge.find(question)
        assert answer is not None
        assert "small language model" in answer
        assert "wrong" in answer


def test_no_answer_can_be_read_aloud_wrongly() -> None:
    for persona in (ENGLISH, CHINESE):
        for known in persona.answers:
            assert not set("*#_`[]{}<>|") & set(known.answer), known.answer


def test_wordings_are_unique() -> None:
    for persona in (ENGLISH, CHINESE):
        answers: dict[str, str] = {}
        for known in persona.answers:
            for question in known.questions:
                assert answers.setdefault(normalised(question), known.answer) == known.answer, question


@given(st.text())
def test_normalising_is_settled_at_once(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)

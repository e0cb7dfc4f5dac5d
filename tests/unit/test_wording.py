"""Which wordings are one question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.knowledge.wording import alike, wording
from polytalk.dialogue.persona import load_personas

SAME = [
    ("When do you open?", "At what time do you open?"),
    ("How much is a ticket?", "What does a ticket cost?"),
    ("How much is a ticket?", "what is the price of a ticket"),
    ("Can I pay by card?", "Is it possible to pay with a credit card?"),
    ("Can I pay by card?", "Do you accept cards?"),
    ("Can I bring my dog?", "Am I allowed to bring my dog with me?"),
    ("Where are the toilets?", "Could you tell me where the restroom is?"),
    ("What is Polytalk?", "I'd like to know what Poly Talk is."),
    ("Do I need a reservation?", "Do I have to make a reservation?"),
    ("几点开门？", "请问你们什么时候营业？"),
    ("门票多少钱？", "票价是多少"),
    ("洗手间在哪里？", "厕所在哪儿呀"),
    ("怎么联系客服？", "客服怎么联系？"),
    ("需要预约吗？", "需不需要提前预约？"),
]
OTHER = [
    ("When do you open?", "When do you close?"),
    ("When do you open?", "When did you open?"),
    ("Do you open on Sunday?", "Do you open?"),
    ("Is breakfast included?", "Is breakfast not included?"),
    ("Is room 12 free?", "Is room 21 free?"),
    ("What is your name?", "What is my name?"),
    ("Can I interrupt you?", "Can you interrupt me?"),
    ("Who loves you?", "Who do you love?"),
    ("Can the avatar see me?", "Can I see the avatar?"),
    ("How do I get from Rome to Paris?", "How do I get from Paris to Rome?"),
    ("Must I wear a helmet?", "May I wear a helmet?"),
    ("How long is the tour?", "How much is the tour?"),
    ("What are you?", "What do you do?"),
    ("Do you sell tickets?", "What tickets do you sell?"),
    ("几点开门？", "几点关门？"),
    ("十点开门吗？", "十一点开门吗？"),
    ("你能打断我吗？", "我能打断你吗？"),
    ("小孩要买票吗？", "小孩可以买票吗？"),
    ("老师喜欢学生吗？", "学生喜欢老师吗？"),
    ("从北京怎么去上海？", "从上海怎么去北京？"),
    ("所有房间都有窗户吗？", "有的房间有窗户吗？"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_other_words_for_the_same(one: str, other: str) -> None:
    assert alike(wording(one), wording(other))
    assert alike(wording(other), wording(one))


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_like_words_for_something_else(one: str, other: str) -> None:
    assert not alike(wording(one), wording(other))
    assert not alike(wording(other), wording(one))


@given(st.text(max_size=40), st.text(max_size=40))
def test_likeness_has_no_direction_and_any_text_is_like_itself(one: str, other: str) -> None:
    assert alike(wording(one), wording(other)) == alike(wording(other), wording(one))
    assert alike(wording(one), wording(one)) or not any(map(str.isalnum, one))


@pytest.mark.parametrize(("language", "name"), [("en", "Mira"), ("zh", "米拉")])
def test_no_wording_of_a_shipped_answer_is_like_one_of_another(language: str, name: str) -> None:
    known = load_personas(name)[language].answers
    asked = [(question, answer.answer) for answer in known for question in answer.questions]
    clashes = [
        (one, other)
        for at, (one, answer) in enumerate(asked)
        for other, its in asked[:at]
        if answer != its and alike(wording(one), wording(other))
    ]
    assert clashes == []

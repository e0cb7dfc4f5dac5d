"""Whether somebody has finished, by the words: whole turns and turns that go on, in English and Chinese."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures.turn_ends import outcome
from bench.utterances import OPEN, WHOLE
from polytalk.dialogue.ears.completeness import PATIENCE_MS, Eagerness, Verdict, judge, patience

EAGERNESS: tuple[Eagerness, ...] = ("low", "medium", "high", "auto")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nearly_all_whole_turns_and_open_ones_are_told_apart(language: str) -> None:
    whole = [judge(text, language) for text in WHOLE[language]]
    open_ones = [judge(text, language) for text in OPEN[language]]
    assert whole.count(Verdict.COMPLETE) >= 0.95 * len(whole) - 1
    assert open_ones.count(Verdict.INCOMPLETE) >= 0.95 * len(open_ones) - 1
    assert Verdict.INCOMPLETE not in whole, "a user who has finished would wait for seconds"
    assert Verdict.COMPLETE not in open_ones, "a user would be cut off"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_punctuation_that_a_recogniser_adds_proves_nothing(language: str) -> None:
    words = [text.rstrip(".。") for text in OPEN[language] if text[-1] not in ",，、"]
    stopped = [judge(f"{text}{'。' if language == 'zh' else '.'}", language) for text in words]
    assert stopped.count(Verdict.COMPLETE) <= 1


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("", Verdict.UNCLEAR),
        ("?!", Verdict.UNCLEAR),
        ("Yes I can.", Verdict.COMPLETE),
        ("I can", Verdict.COMPLETE),
        ("What I can", Verdict.INCOMPLETE),
        ("Where is it from?", Verdict.COMPLETE),
        ("It is from", Verdict.INCOMPLETE),
        ("If you like, we can go.", Verdict.COMPLETE),
        ("When can I come?", Verdict.COMPLETE),
        ("My phone number is 0 1 7 1 2 3 4 5 6 7 8.", Verdict.UNCLEAR),
        ("My code is 4 7 1 1.", Verdict.UNCLEAR),
        ("I have two", Verdict.UNCLEAR),
        ("I would like to know.", Verdict.INCOMPLETE),
        ("Could you tell me?", Verdict.INCOMPLETE),
    ],
)
def test_what_the_words_say(text: str, verdict: Verdict) -> None:
    assert judge(text, "en") is verdict


@given(st.text(max_size=60), st.sampled_from(["en", "zh", "fr"]))
def test_whatever_was_recognised_is_judged(text: str, language: str) -> None:
    assert judge(text, language) in Verdict


def test_the_more_is_missing_the_longer_and_the_more_eager_the_shorter() -> None:
    for eagerness in EAGERNESS:
        complete, unclear, incomplete = (patience(verdict, eagerness) for verdict in Verdict)
        assert complete < unclear < incomplete
    for verdict in Verdict:
        low, medium, high, auto = (patience(verdict, eagerness) for eagerness in EAGERNESS)
        assert low > medium > high
        assert auto == medium
    assert [row[Verdict.INCOMPLETE] for row in PATIENCE_MS.values()] == [8_000, 4_000, 2_000]


def test_words_cut_fewer_people_off_than_silence_does_and_keep_none_waiting_for_longer() -> None:
    silence = outcome(lambda text, language: 500)
    words = outcome(lambda text, language: patience(judge(text, language), "medium"))
    eager = outcome(lambda text, language: patience(judge(text, language), "high"))
    assert words["cut off, % of pauses"] < 0.2 * silence["cut off, % of pauses"]
    assert words["wait at the end, ms"] < silence["wait at the end, ms"]
    assert eager["cut off, % of pauses"] < 0.5 * silence["cut off, % of pauses"]
    assert eager["wait at the end, ms"] < 0.5 * silence["wait at the end, ms"]

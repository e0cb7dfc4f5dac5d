"""Durations to phones, the ends of a sentence, and the cut of long phoneme strings."""

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from polytalk.engines.models import locate
from polytalk.engines.tts.edges import CLAUSE_PAUSE, HEAD, OTHER_PAUSE, SENTENCE_PAUSE, pause_after, shape_edges
from polytalk.engines.tts.english import split_phonemes
from polytalk.engines.tts.session import open_session
from polytalk.engines.tts.timing import Symbol, time_phones
from polytalk.types import SPEECH_RATE, Phone

Audio = NDArray[np.float32]


def sound(*seconds: float) -> Audio:
    """Noise and silence in turn, beginning with noise."""
    random = np.random.default_rng(0)
    parts = [
        random.normal(0, 0.1, round(s * SPEECH_RATE)) if i % 2 == 0 else np.zeros(round(s * SPEECH_RATE))
        for i, s in enumerate(seconds)
    ]
    return np.concatenate(parts).astype(np.float32)


def symbols(*pairs: tuple[str, float]) -> list[Symbol]:
    return [Symbol(text, seconds, text in " ,.") for text, seconds in pairs]


def times(phones: Sequence[Phone]) -> list[tuple[str, object, object]]:
    return [(p.symbol, pytest.approx(p.start, abs=0.006), pytest.approx(p.end, abs=0.006)) for p in phones]


def test_stress_goes_to_the_vowel_after_it_and_length_to_the_one_before() -> None:
    got = time_phones(symbols(("b", 0.1), ("ˈ", 0.05), ("ɑ", 0.1), ("ː", 0.05), ("t", 0.1)), sound(0.4))
    assert times(got) == [("b", 0.0, 0.1), ("ɑ", 0.1, 0.3), ("t", 0.3, 0.4)]


def test_a_space_without_silence_is_shared_by_its_neighbours() -> None:
    got = time_phones(symbols(("ɑ", 0.2), (" ", 0.1), ("i", 0.2)), sound(0.5))
    assert times(got) == [("ɑ", 0.0, 0.25), ("i", 0.25, 0.5)]


def test_a_comma_becomes_the_silence_that_is_there() -> None:
    got = time_phones(symbols(("ɑ", 0.2), (",", 0.1), ("i", 0.5)), sound(0.15, 0.25, 0.4))
    assert times(got) == [("ɑ", 0.0, 0.15), ("", 0.15, 0.4), ("i", 0.4, 0.8)]


def test_a_comma_that_is_not_heard_is_no_pause() -> None:
    got = time_phones(symbols(("ɑ", 0.2), (",", 0.1), (" ", 0.1), ("i", 0.2)), sound(0.6))
    assert [phone.symbol for phone in got] == ["ɑ", "i"]


def test_the_closure_of_a_stop_between_words_is_no_pause() -> None:
    got = time_phones(symbols(("ɑ", 0.2), (" ", 0.05), ("p", 0.15), ("i", 0.2)), sound(0.2, 0.1, 0.3))
    assert "" not in [phone.symbol for phone in got]


def test_the_last_phone_ends_with_the_sound() -> None:
    got = time_phones(symbols(("ɑ", 0.2), ("n", 0.4), (".", 0.1)), sound(0.3, 0.4))
    assert times(got) == [("ɑ", 0.0, 0.2), ("n", 0.2, 0.3), ("", 0.3, 0.7)]


def test_phones_are_moved_by_the_networks_lag() -> None:
    got = time_phones(symbols((" ", 0.1), ("ɑ", 0.2), ("i", 0.2)), sound(0.5), ahead=0.05)
    assert [phone.symbol for phone in got] == ["", "ɑ", "i"]
    assert got[1].start == pytest.approx(0.05)
    assert got[2].end == 0.5


one_symbol = st.tuples(st.sampled_from(["b", "ɑ", "i", "ˈ", "ː", "→", " ", ",", "."]), st.floats(0, 0.5))


@given(st.lists(one_symbol, max_size=20), st.lists(st.floats(0, 0.6), min_size=1, max_size=6), st.floats(0, 0.1))
def test_phones_always_cover_the_audio_in_order(
    pairs: list[tuple[str, float]], parts: list[float], ahead: float
) -> None:
    audio = sound(*parts)
    phones = time_phones(symbols(*pairs), audio, ahead=ahead)
    for one, two in itertools.pairwise(phones):
        assert one.start <= one.end
        assert one.end == pytest.approx(two.start, abs=3e-4)
    if phones:
        assert phones[0].start == pytest.approx(0, abs=3e-4)
        assert phones[-1].end == pytest.approx(len(audio) / SPEECH_RATE, abs=3e-4)


def test_edges_start_at_once_and_pause_exactly() -> None:
    audio = np.concatenate([np.zeros(SPEECH_RATE // 2, np.float32), sound(0.5, 0.05)])
    phones = [Phone("", 0, 0.5), Phone("ɑ", 0.5, 1.0), Phone("", 1.0, 1.05)]
    shaped, moved = shape_edges(audio, phones, 0.2)
    assert len(shaped) / SPEECH_RATE == pytest.approx(HEAD + 0.5 + 0.2, abs=0.006)
    assert times(moved) == [("", 0.0, HEAD), ("ɑ", HEAD, HEAD + 0.5), ("", HEAD + 0.5, HEAD + 0.7)]
    assert shaped[0] == shaped[-1] == 0


def test_edges_leave_silence_alone() -> None:
    audio = np.zeros(1000, np.float32)
    shaped, moved = shape_edges(audio, [Phone("", 0, 1000 / SPEECH_RATE)], 0.2)
    assert len(shaped) == 1000
    assert len(moved) == 1


@pytest.mark.parametrize(
    ("text", "pause"),
    [("so.", SENTENCE_PAUSE), ("so?”", SENTENCE_PAUSE), ("so, ", CLAUSE_PAUSE), ("so", OTHER_PAUSE), ("", OTHER_PAUSE)],
)
def test_the_pause_is_the_last_marks(text: str, pause: float) -> None:
    marked = [Symbol(char, 0.1, not char.isalpha()) for char in text]
    assert pause_after([*marked, Symbol(" ", 0.1, True)]) == pause


@given(st.text(alphabet="abˈ ,.;—", max_size=300), st.integers(5, 60))
def test_split_loses_nothing_and_keeps_the_limit(phonemes: str, limit: int) -> None:
    pieces = list(split_phonemes(phonemes, limit))
    assert all(0 < len(piece) <= limit for piece in pieces)
    assert "".join(pieces).replace(" ", "") == phonemes.replace(" ", "")


def test_split_prefers_sentences_to_clauses_to_words() -> None:
    assert list(split_phonemes("aa bb. cc dd, ee ff.", 14)) == ["aa bb.", "cc dd, ee ff."]
    assert list(split_phonemes("aa bb, cc dd ee", 10)) == ["aa bb,", "cc dd ee"]
    assert list(split_phonemes("aaa bbb ccc", 7)) == ["aaa bbb", "ccc"]
    assert list(split_phonemes("aaaaaa", 4)) == ["aaaa", "aa"]


def test_an_inner_tensor_becomes_an_output() -> None:
    pytest.importorskip("hibari")
    from polytalk.engines.tts.hibari import DURATIONS, MODEL

    path = locate(MODEL)
    plain, opened = open_session(path), open_session(path, inner=[DURATIONS])
    names = [output.name for output in plain.get_outputs()]
    assert [output.name for output in opened.get_outputs()] == [*names, DURATIONS]
    with pytest.raises(Exception, match="no-such-tensor"):
        open_session(path, inner=["no-such-tensor"])

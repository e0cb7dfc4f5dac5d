"""Equal content has an equal name, and nothing else has."""

from hypothesis import given
from hypothesis import strategies as st

from polytalk.cache.key import ClipKey, Key, MouthKey, SpeechKey, digest
from polytalk.types import Phone

text = st.text(max_size=8)
hexes = st.sampled_from(["00" * 32, "11" * 32])
speech = st.builds(SpeechKey, text, text, text, text, text, st.sampled_from([0.5, 1, 1.0, 2.0]))
phones = st.lists(st.builds(Phone, text, st.sampled_from([0.0, 0.1]), st.sampled_from([0.1, 0.2])), max_size=2)
frames = st.integers(0, 1 << 32)
mouth = st.builds(MouthKey, text, text, hexes, phones.map(tuple), frames, frames)
clip = st.builds(
    ClipKey, hexes, text, hexes, hexes, text, text, text, st.just(512), st.just(512), st.just(25), text, text
)
keys = speech | mouth | clip


@given(keys, keys)
def test_two_keys_have_one_name_exactly_when_they_are_equal(one: Key, other: Key) -> None:
    assert (digest(one) == digest(other)) == (one == other)


def test_words_do_not_run_into_each_other() -> None:
    assert digest(SpeechKey("a", "bc", "", "", "", 1)) != digest(SpeechKey("ab", "c", "", "", "", 1))


def test_names_outlive_the_process() -> None:
    key = SpeechKey("hibari", "r1", "Hello.", "heart", "en", 1)
    assert digest(key) == "ff36173f356cc45e73d2dc1fa5f7d565a7af2cd84b226a5dd3dda0715ea0b2a0"


def test_a_new_model_asks_for_another_name() -> None:
    assert digest(SpeechKey("tts", "r1", "Hi.", "v", "en", 1)) != digest(SpeechKey("tts", "r2", "Hi.", "v", "en", 1))

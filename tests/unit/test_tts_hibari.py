"""The voice "heart": what it says, how soon, and whether its phone times are true to its audio."""

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from polytalk.engines.base import BatchEngine, TtsEngine
from polytalk.engines.tts.hibari import HibariTts
from polytalk.errors import BadInput, ConfigError, EngineFailed, Unspeakable
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, SpeakWork, Speech

pytest.importorskip("hibari")
SENTENCE = "Hello there, my name is Pam. Bob made five big maps, maybe more!"


@pytest.fixture(scope="module")
def engine() -> HibariTts:
    tts = HibariTts()
    tts.load()
    return tts


def say(engine: HibariTts, text: str, **options: object) -> Speech:
    result = engine.run([SpeakWork(text=text, voice="heart", **options)])[0]  # type: ignore[arg-type]
    assert isinstance(result, Speech), result
    return result


def pcm(speech: Speech) -> np.ndarray:
    return np.frombuffer(speech.audio, dtype="<i2").astype(np.float32) / 32768


def test_is_a_batch_engine_with_voices() -> None:
    tts = HibariTts()
    assert isinstance(tts, BatchEngine)
    listed: TtsEngine = tts
    assert [voice.id for voice in listed.voices()] == ["heart"]
    tts.close()
    tts.close()


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ConfigError, match="colour"):
        HibariTts({"colour": "red"})


def test_phones_cover_the_audio_without_gap_or_overlap(engine: HibariTts) -> None:
    speech = say(engine, SENTENCE)
    assert speech.phones[0].start == 0
    assert speech.phones[-1].end == pytest.approx(len(speech.audio) / SAMPLE_BYTES / SPEECH_RATE, abs=1e-3)
    for one, two in itertools.pairwise(speech.phones):
        assert one.start < one.end
        assert one.end == pytest.approx(two.start, abs=2e-4)


def test_phones_are_the_words_said(engine: HibariTts) -> None:
    symbols = "".join(phone.symbol for phone in say(engine, "Bob made five maps.").phones)
    assert symbols == "bɑbmAdfIvmæps"


def test_starts_at_once_and_ends_with_a_pause(engine: HibariTts) -> None:
    audio = np.abs(pcm(say(engine, SENTENCE)))
    loud = np.flatnonzero(audio > 0.02 * audio.max())
    assert loud[0] / SPEECH_RATE < 0.04
    assert 0.15 < (len(audio) - loud[-1]) / SPEECH_RATE < 0.3


def test_a_clause_is_followed_by_a_shorter_pause_than_a_sentence(engine: HibariTts) -> None:
    clause, sentence = say(engine, "When it rains,").phones[-1], say(engine, "When it rains.").phones[-1]
    assert clause.symbol == sentence.symbol == ""
    assert clause.end - clause.start < sentence.end - sentence.start


def test_silent_phones_are_silent_and_vowels_are_loud(engine: HibariTts) -> None:
    speech = say(engine, SENTENCE)
    audio = pcm(speech)

    def rms(symbols: str) -> float:
        parts = [
            audio[round(p.start * SPEECH_RATE) : round(p.end * SPEECH_RATE)]
            for p in speech.phones
            if (p.symbol in symbols if symbols else p.symbol == "")
        ]
        return float(np.sqrt(np.mean(np.concatenate(parts) ** 2)))

    assert rms("") < 0.02 * rms("AIOɑæɛ")


def test_hissing_phones_hiss_where_they_are_timed(engine: HibariTts) -> None:
    speech = say(engine, "She sells sea shells by the sea shore, says Susan.")
    spectrum = np.abs(np.fft.rfft(np.lib.stride_tricks.sliding_window_view(pcm(speech), 240)[::240] * np.hanning(240)))
    high = spectrum[:, 40:].sum(axis=1) / (spectrum.sum(axis=1) + 1e-6)  # above 4 kHz
    times = (np.arange(len(high)) + 0.5) / 100
    hiss = np.array([any(p.start <= t < p.end and p.symbol in "sʃ" for p in speech.phones if p.symbol) for t in times])
    shifted = [float(np.corrcoef(np.roll(high, shift), hiss)[0, 1]) for shift in range(-8, 9)]
    assert shifted[8] > 0.6
    assert abs(int(np.argmax(shifted)) - 8) <= 2  # within 20 ms of the best place


def test_same_text_same_bytes(engine: HibariTts) -> None:
    assert say(engine, SENTENCE).audio == say(engine, SENTENCE).audio


def test_threads_share_the_voice(engine: HibariTts) -> None:
    texts = [f"This is sentence number {n}, said by one of many." for n in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda text: say(engine, text), texts)) == [say(engine, text) for text in texts]


def test_speed_shortens_the_audio(engine: HibariTts) -> None:
    assert len(say(engine, SENTENCE, speed=1.5).audio) < 0.8 * len(say(engine, SENTENCE).audio)


def test_a_long_text_without_a_full_stop_is_said_whole(engine: HibariTts) -> None:
    speech = say(engine, "one two three four five six seven eight nine ten " * 15)
    assert sum(phone.symbol == "n" for phone in speech.phones) >= 15 * 5


@pytest.mark.parametrize("text", ["", "   ", "...", "😀👍🏽"])
def test_nothing_to_say_is_unspeakable(engine: HibariTts, text: str) -> None:
    assert isinstance(engine.run([SpeakWork(text=text, voice="heart")])[0], Unspeakable)


def test_a_text_in_another_script_names_the_voice_and_its_language(engine: HibariTts) -> None:
    error = engine.run([SpeakWork(text="你好，世界", voice="heart")])[0]
    assert isinstance(error, Unspeakable)
    assert "heart" in error.message
    assert "English" in error.message


def test_mixed_text_says_what_it_can(engine: HibariTts) -> None:
    symbols = "".join(phone.symbol for phone in say(engine, "Привет Bob").phones)
    assert symbols == "bɑb"


def test_a_runtime_that_fails_gives_an_error_and_no_exception() -> None:
    result = HibariTts().run([SpeakWork(text="Hello.", voice="heart")])[0]
    assert isinstance(result, EngineFailed)
    assert "load()" in result.message


def test_bad_work_spoils_no_other(engine: HibariTts) -> None:
    works = [
        SpeakWork(text="Hello.", voice="nobody"),
        SpeakWork(text="a" * 1001, voice="heart"),
        SpeakWork(text="Hello.", voice="heart", speed=9.0),
        SpeakWork(text="Hello.", voice="heart"),
    ]
    *bad, good = engine.run(works)
    assert all(isinstance(error, BadInput) for error in bad)
    assert isinstance(good, Speech)

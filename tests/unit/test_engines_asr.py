"""What surrounds the Whisper model: features, cutting, and telling speech from what the decoder made up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from polytalk.engines.asr.judge import endless, invented, repeats
from polytalk.engines.asr.mel import BANDS, HOP, log_mel
from polytalk.engines.asr.split import at_quiet_points
from polytalk.engines.asr.whisper import PIECE, WhisperAsr, window
from polytalk.errors import ConfigError, SetupError
from polytalk.types import LISTEN_RATE, ListenWork


def tone(hertz: float, seconds: float = 1.0) -> NDArray[np.float32]:
    return np.asarray(0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * LISTEN_RATE)) / LISTEN_RATE), np.float32)


def slaney_mel(hertz: float) -> float:
    return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4)


# --- log-mel -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hertz", [200.0, 440.0, 1000.0, 2500.0, 6000.0])
def test_a_tone_is_loudest_in_the_band_of_its_pitch(hertz: float) -> None:
    step = slaney_mel(LISTEN_RATE / 2) / (BANDS + 1)
    loudest = log_mel(tone(hertz), 200)[:, 50].argmax()
    assert abs(loudest - (slaney_mel(hertz) / step - 1)) <= 1


def test_ten_times_the_amplitude_is_two_decades_of_power() -> None:
    quiet, loud = log_mel(tone(1000) * np.float32(0.1), 100), log_mel(tone(1000), 100)
    assert loud.max() - quiet.max() == pytest.approx(2.0 / 4.0, abs=1e-3)  # Whisper divides decades by 4


def test_the_range_is_eighty_decibels() -> None:
    features = log_mel(tone(1000), 100)
    assert features.max() - features.min() == pytest.approx(8.0 / 4.0, abs=1e-5)


def test_what_follows_the_audio_is_silence_as_if_it_had_been_padded() -> None:
    audio = np.random.default_rng(0).normal(0, 0.1, LISTEN_RATE).astype(np.float32)
    padded = np.concatenate([audio, np.zeros(4 * LISTEN_RATE, dtype=np.float32)])
    np.testing.assert_allclose(log_mel(audio, 400), log_mel(padded, 400), atol=1e-5)


@pytest.mark.parametrize("samples", [1, 2, 199, 200, 1600, 16_000, 100_000])
def test_any_length_of_audio_gives_the_frames_asked_for(samples: int) -> None:
    features = log_mel(np.full(samples, 0.1, dtype=np.float32), 300)
    assert features.shape == (BANDS, 300)
    assert np.isfinite(features).all()


# --- windows and cuts ----------------------------------------------------------------------------------------------


@given(st.integers(1, PIECE))
def test_a_window_holds_the_speech_and_the_silence_after_it(samples: int) -> None:
    frames = window(samples)
    assert 1000 <= frames <= 3000
    assert frames * HOP >= samples
    assert frames >= min(3000, samples // HOP + 700)


def test_long_audio_is_cut_in_its_pauses() -> None:
    speech = np.random.default_rng(0).normal(0, 0.2, 70 * LISTEN_RATE).astype(np.float32)
    pauses = [(25.0, 25.4), (50.0, 50.4)]
    for start, end in pauses:
        speech[int(start * LISTEN_RATE) : int(end * LISTEN_RATE)] = 0.0
    pieces = at_quiet_points(speech, 30 * LISTEN_RATE)
    cuts = np.cumsum([len(piece) for piece in pieces])[:-1] / LISTEN_RATE
    assert len(cuts) == len(pauses)
    assert all(start < cut < end for cut, (start, end) in zip(cuts, pauses, strict=True))


@given(st.integers(0, 300), st.integers(20, 60))
def test_pieces_give_the_whole_back_and_none_is_too_long(tenths: int, limit: int) -> None:
    audio = np.random.default_rng(tenths).normal(0, 0.1, tenths * 1600).astype(np.float32)
    pieces = at_quiet_points(audio, limit * 1600)
    np.testing.assert_array_equal(np.concatenate(pieces), audio)
    assert max(map(len, pieces)) <= limit * 1600


def test_pieces_too_short_to_hold_a_pause_are_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        at_quiet_points(np.zeros(16_000, dtype=np.float32), 1600)


# --- judging what was decoded --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "no_speech", "score"),
    [("you", 0.99, -1.3), ("You", 0.94, -3.3), ("I'm not too much.", 0.91, -2.4), (".", 0.1, -0.2), ("", 0.0, 0.0)],
)
def test_silence_and_noise_are_not_believed(text: str, no_speech: float, score: float) -> None:
    assert invented(text, no_speech, score)


@pytest.mark.parametrize(
    ("text", "no_speech", "score"),
    [("Thank you.", 0.08, -0.1), ("Yes.", 0.09, -0.34), ("Bye.", 0.09, -0.5), ("谢谢。", 0.1, -0.2)],
)
def test_short_answers_are_believed(text: str, no_speech: float, score: float) -> None:
    assert not invented(text, no_speech, score)


def test_a_typical_subtitle_needs_less_proof_of_silence() -> None:
    assert invented("Thanks for watching!", 0.4, -0.9)
    assert not invented("Where is the station?", 0.4, -0.9)


@pytest.mark.parametrize(
    "text",
    [
        "Turn the lights off in the kitchen. Turn the lights off in the kitchen. Turn the lights",
        "I would rather have tea, if you don't mind. I would rather have tea, if you",
        "Lock the door. Lock the door. Lock the door. Lock the door.",
        "请把客厅的灯打开请把客厅的灯打开",
    ],
)
def test_words_said_twice_in_a_row_call_for_a_second_look(text: str) -> None:
    assert repeats(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "No, no, no, that is not what I meant.",
        "It was very, very, very good, and it was very, very cheap.",
        "To be or not to be, that is the question.",
        "好的好的，谢谢。",
    ],
)
def test_a_person_who_repeats_a_word_is_believed_at_once(text: str) -> None:
    assert not repeats(text)
    assert not endless(text)


def test_what_goes_round_in_circles_is_nobodys_speech() -> None:
    assert endless("I want to go to the " * 12)
    assert not endless("Turn the light off! Turn the light off! I said turn the light off, please, and lock the door.")


# --- the engine before it has a model ------------------------------------------------------------------------------


def test_units_grow_with_the_spectrogram_that_must_be_computed() -> None:
    asr = WhisperAsr({})
    seconds = [asr.units(ListenWork(bytes(2 * LISTEN_RATE * s))) for s in (1, 3, 10, 30, 31, 60)]
    assert seconds == [10.0, 10.0, 17.0, 30.0, 40.0, 60.0]


def test_unknown_models_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"asr\.options"):
        WhisperAsr({"model": "enormous"})


def test_it_says_when_it_was_not_loaded() -> None:
    asr = WhisperAsr({})
    asr.close()
    with pytest.raises(SetupError, match="load"):
        asr.run([asr.probe()])

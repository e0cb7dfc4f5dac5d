"""Kokoro's parts that need no network: voices from the archive, and Chinese as phonemes."""

import hashlib
import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from polytalk.engines.base import BatchEngine
from polytalk.engines.tts import kokoro_voices
from polytalk.engines.tts.alphabet import read_ids
from polytalk.engines.tts.kokoro import KokoroTts
from polytalk.engines.tts.kokoro_voices import install_voices, read_voice
from polytalk.errors import ConfigError, ModelCorrupt, ModelMissing

STYLE = np.arange(510 * 256, dtype="<f4").tobytes()


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive like the npm package's, of one voice and a file that must stay inside, pinned as if it were it."""
    path = tmp_path / "package.tgz"
    with tarfile.open(path, "w:gz") as out:
        for name, data in {"package/voices/zf_test.bin": STYLE, "package/dist/evil.js": b"boo"}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    monkeypatch.setattr(kokoro_voices, "PINS", {"zf_test": hashlib.sha256(STYLE).hexdigest()})
    monkeypatch.setattr(kokoro_voices, "TARBALL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    return path


def test_installs_only_the_named_voices(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "voices"
    install_voices(archive, folder)
    assert [path.name for path in folder.iterdir()] == ["zf_test.bin"]
    styles = read_voice(folder, "zf_test")
    assert styles.shape == (510, 256)
    assert styles[1, 0] == 256


def test_refuses_another_archive(archive: Path, tmp_path: Path) -> None:
    archive.write_bytes(archive.read_bytes() + b"x")
    with pytest.raises(ModelCorrupt, match="npm pack"):
        install_voices(archive, tmp_path / "voices")
    assert not (tmp_path / "voices").exists()


def test_says_how_to_get_what_is_missing(archive: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="npm pack"):
        install_voices(tmp_path / "none.tgz", tmp_path)
    with pytest.raises(ModelMissing, match="polytalk setup"):
        read_voice(tmp_path, "zf_test")


def test_refuses_a_changed_voice(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "zf_test.bin").write_bytes(STYLE[:-1] + b"\1")
    with pytest.raises(ModelCorrupt, match="zf_test"):
        read_voice(tmp_path, "zf_test")


def test_lists_chinese_and_english_voices_before_load() -> None:
    tts = KokoroTts()
    assert isinstance(tts, BatchEngine)
    voices = {voice.id: voice for voice in tts.voices()}
    assert len(voices) == 14
    assert voices["zm_yunxi"].languages == ("zh", "en")
    assert voices["zm_yunxi"].gender == "male"
    assert voices["af_bella"].languages == ("en",)
    tts.close()


def test_options_choose_voices() -> None:
    assert [voice.id for voice in KokoroTts({"voices": ["zf_xiaoyi"]}).voices()] == ["zf_xiaoyi"]
    with pytest.raises(ConfigError, match="zf_nobody"):
        KokoroTts({"voices": ["zf_nobody"]})
    with pytest.raises(ConfigError, match="empty"):
        KokoroTts({"voices": []})


@pytest.fixture(scope="module")
def chinese() -> "object":
    for package in ("hibari", "jieba", "misaki", "ordered_set", "pypinyin"):
        pytest.importorskip(package)
    from polytalk.engines.tts.chinese import ChineseG2P
    from polytalk.engines.tts.english import english_g2p

    return ChineseG2P(english_g2p())


@pytest.mark.parametrize(
    ("text", "phonemes"),
    [
        ("你好。", "ni↓xau↓."),
        ("银行，行走", "i↗nxa↗ŋ, ɕi↗ŋʦou↓"),  # one character, two readings
        ("知道吃", "ꭧɨ→tau↘ ꭧʰɨ→"),
        ("去女", "ʨʰy↘ ny↓"),
        ("用GPT写", "jʊ↘ŋ ʤˌipˌitˈi ɕje↓"),
        ("OK，好", "ˌOkˈA, xau↓"),
    ],
)
def test_reads_mandarin_with_english_in_it(chinese: "object", text: str, phonemes: str) -> None:
    assert chinese.phonemes(text) == phonemes  # type: ignore[attr-defined]


def test_every_phoneme_has_a_number(chinese: "object") -> None:
    text = (
        "床前明月光，疑是地上霜。举头望明月，低头思故乡！春眠不觉晓；处处闻啼鸟？夜来风雨声：花落知多少、儿女略绝云群穷"
    )
    phonemes = chinese.phonemes(text)  # type: ignore[attr-defined]
    assert set(phonemes) <= read_ids().keys()
    assert len(phonemes) > 3 * len(text)

"""Training the mouth net: the same speech from the same seed, phones that stay on their sounds, a fair judge."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.engines.models import sha256
from polytalk.engines.mouth.features import SILENT
from polytalk.engines.mouth.mouthnet import PIECE, REACH, MouthNet
from polytalk.engines.mouth.visemes import PRESS
from polytalk.errors import SetupError
from polytalk.train.augment import vary
from polytalk.train.dataset import CLASSES, stream, wanted
from polytalk.train.evaluate import analysed, score
from polytalk.train.flite import from_arpabet
from polytalk.train.texts import sentences
from polytalk.train.voices import Role, Speaker, speakers
from polytalk.types import SPEECH_RATE, Phone, Speech


def hum_with_a_gap() -> tuple[NDArray[np.float32], tuple[Phone, ...]]:
    """A held vowel, silent between 0.5 and 0.6 s, where the lips are shut."""
    times = np.arange(SPEECH_RATE) / SPEECH_RATE
    audio = np.sum([np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 20)], axis=0) * 0.1
    audio[(times >= 0.5) & (times < 0.6)] = 0
    return audio.astype(np.float32), (Phone("ɑ", 0.0, 0.5), Phone("p", 0.5, 0.6), Phone("ɑ", 0.6, 1.0))


def spoken() -> Speech:
    audio, phones = hum_with_a_gap()
    return Speech((audio * 32767).astype("<i2").tobytes(), phones)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_sentences_follow_from_the_seed_and_close_the_lips_often(language: str) -> None:
    first, again, other = (list(itertools.islice(sentences(language, seed), 50)) for seed in ("a", "a", "b"))
    assert first == again
    assert first != other
    assert not any("{" in text for text in first)


def test_every_sound_of_both_languages_is_asked_for() -> None:
    assert set("bpmfvw") <= set("".join(itertools.islice(sentences("en", "x"), 100)))
    assert len(set("".join(itertools.islice(sentences("zh", "x"), 300)))) > 300


def test_no_voice_has_two_roles() -> None:
    roles: dict[str, set[Role]] = {}
    for speaker in speakers(10.0):
        for voice in speaker.voice.split("+"):
            roles.setdefault(voice, set()).add(speaker.role)
    assert all(len(found) == 1 for found in roles.values())
    assert roles["joe"] == {Role.TEST}


def test_phones_stay_on_their_sounds_whatever_is_done_to_them() -> None:
    audio, phones = hum_with_a_gap()
    for seed in range(12):
        varied, moved = vary(audio, phones, np.random.default_rng(seed))
        power = np.convolve(np.square(varied), np.ones(480), "same")
        middle = (moved[1].start + moved[1].end) / 2
        before, closure, after = (power[int((middle + by) * SPEECH_RATE)] for by in (-0.12, 0.0, 0.12))
        assert closure < min(before, after) / 2


def test_the_same_chance_gives_the_same_data() -> None:
    one, other = (stream([spoken()], np.random.default_rng(3), copies=3) for _ in range(2))
    assert np.array_equal(one.mel, other.mel)
    assert np.array_equal(one.mouth, other.mouth)
    assert len(one.mel) == 2 * len(one.mouth) == 2 * len(one.shape)
    assert one.shape.max() < CLASSES


def test_the_judge_gives_full_marks_to_what_was_asked_for_and_none_to_a_gaping_mouth() -> None:
    speech = spoken()
    asked = wanted(speech.phones, SPEECH_RATE)
    perfect = score([(asked, speech)])
    assert (perfect.hit, perfect.closures, perfect.idle) == (1, 1, 0)
    assert perfect.correlation == pytest.approx(1.0)
    assert perfect.offset == pytest.approx(0.0, abs=0.002)
    assert score([(np.roll(asked, 3, axis=0), speech)]).offset == pytest.approx(0.06, abs=0.005)
    gaping = asked.copy()
    gaping[:, PRESS] = 0
    assert score([(gaping, speech)]).hit == 0
    gaping[5:8, PRESS] = 1
    assert score([(gaping, speech)]).idle_rate == 1


def test_the_names_of_american_phones_are_known() -> None:
    assert [from_arpabet(name) for name in ("AA1", "m", "SIL", "CH")] == ["ɑ", "m", "", "ʧ"]
    with pytest.raises(KeyError):
        from_arpabet("xyz")


def test_the_exported_net_computes_what_was_trained(tmp_path: Path) -> None:
    pytest.importorskip("jax")
    pytest.importorskip("onnx")
    pytest.importorskip("optax")
    from polytalk.train.export import to_onnx
    from polytalk.train.network import forward, initial

    weights = initial(0)
    weights["mouth"]["w"] = weights["mouth"]["w"] * 5
    (tmp_path / "net.onnx").write_bytes(to_onnx(weights, threshold=0.3))
    net = MouthNet()
    net.load(tmp_path / "net.onnx")
    mels = np.random.default_rng(0).uniform(SILENT, 0.5, (2 * PIECE, 40)).astype(np.float32)
    mouth, closed = net.say([mels])[0]
    heard = np.pad(mels, ((REACH, REACH), (0, 0)), constant_values=SILENT)
    expected, logit, _ = forward(weights, heard[None])
    assert np.allclose(mouth, np.asarray(expected)[0], atol=0.02)
    assert np.allclose(closed > 0.5, np.asarray(logit)[0] > 0.3, atol=0.02)


def test_a_whole_training_ends_in_a_net_that_loads_and_its_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("jax", "onnx", "optax"):
        pytest.importorskip(module)
    from polytalk.train import humans, mouth, network, report

    def record(speakers: Sequence[Speaker], *_: object) -> dict[Speaker, list[Speech]]:
        return {speaker: [spoken()] * 2 for speaker in (*speakers[:2], *speakers[-2:])}

    def recorded(speaker: Speaker, *_: object) -> Path:
        if speaker.voice == "joe":
            raise SetupError("he is not installed")
        return tmp_path / speaker.voice

    monkeypatch.setattr(mouth, "record_all", record)
    monkeypatch.setattr(mouth, "COPIES", {"kokoro": 4})
    monkeypatch.setattr(network, "BATCH", 4)
    monkeypatch.setattr(humans, "recordings", lambda: [spoken()])
    monkeypatch.setattr(report, "record", recorded)
    monkeypatch.setattr(report, "read", lambda _: [spoken()] * 3)
    said: list[str] = []
    out = tmp_path / "net.onnx"
    mouth.train_mouth(mouth.Plan(0.5, 20, 0, 1, tmp_path / "none.tgz", tmp_path, out, 0.1), said.append)
    net = MouthNet()
    net.load(out)
    (heard,) = net.move(analysed([spoken()]))
    assert heard.shape == (50, 9)
    assert np.isfinite(heard).all()
    page = out.with_suffix(".md").read_text("utf-8")
    assert sha256(out) in page
    assert "| kokoro | train | en | 2 |" in page
    assert "| af_bella (kokoro) | en | unseen |" in page
    assert "joe (joe) was left out: he is not installed" in page
    assert any(line.startswith("threshold ") for line in said)

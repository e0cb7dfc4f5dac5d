"""A Mandarin sentence whose phones nobody tells the mouth, by a voice that its net never learnt from."""

import numpy as np
import pytest

from polytalk.engines.analyse.mels import Mels
from polytalk.engines.mouth.net import NetMouth
from polytalk.engines.mouth.visemes import PRESS
from polytalk.engines.tts.kokoro import KokoroTts, voices_installed
from polytalk.types import (
    MOUTH_PARAMS,
    MOUTH_RATE,
    AnalyseWork,
    Features,
    MouthFrames,
    MouthWork,
    SpeakWork,
    Speech,
)


@pytest.mark.skipif(not voices_installed(), reason="no Chinese voices; polytalk setup --languages zh installs them")
def test_lips_shut_in_mandarin() -> None:
    pytest.importorskip("misaki")
    kokoro, net = KokoroTts({"voices": ["zf_xiaoni"]}), NetMouth()
    kokoro.load()
    net.load()
    speech = kokoro.run([SpeakWork("爸爸买了八个面包，妈妈买了苹果。", "zf_xiaoni", "zh")])[0]
    assert isinstance(speech, Speech), speech
    features = Mels().run([AnalyseWork(speech.audio)])[0]
    assert isinstance(features, Features)
    count = round(len(speech.audio) / 2 / 24_000 * MOUTH_RATE)
    moved = net.run([MouthWork(count, features=features)])[0]
    assert isinstance(moved, MouthFrames), moved
    press = np.frombuffer(moved.frames, np.uint8).reshape(-1, len(MOUTH_PARAMS))[:, PRESS]
    middles = [round((p.start + p.end) / 2 * MOUTH_RATE) for p in speech.phones if p.symbol in {"m", "b", "p"}]
    shut = [press[max(0, middle - 3) : middle + 4].max() > 230 for middle in middles]
    assert len(shut) >= 8
    assert sum(shut) >= 0.75 * len(shut), f"{sum(shut)} of {len(shut)}"

"""Sound that is coded as it comes: any decoder reads it, it comes early, and it says what made it."""

from typing import get_args

import numpy as np
import pytest

from polytalk.media.decode import decode_audio
from polytalk.media.marking import Marking, read_marking
from polytalk.media.pcm import duration, from_float, level
from polytalk.media.streamed import Form, SoundStream
from polytalk.types import SPEECH_RATE

TONE = from_float(0.3 * np.sin(np.arange(3 * SPEECH_RATE) * 2 * np.pi * 220 / SPEECH_RATE))
STEP = SPEECH_RATE // 5 * 2
TAGS = Marking(producer="Test", produce_id="clip_1").tags("en", "sound")


@pytest.mark.parametrize("form", [form for form in get_args(Form) if form != "pcm"])
def test_what_is_streamed_can_be_decoded(form: Form) -> None:
    coder = SoundStream(form, TAGS)
    pieces = [coder.push(TONE[at : at + STEP]) for at in range(0, len(TONE), STEP)]
    assert sum(map(len, pieces[:8])) > 0, "nothing could be played after half of it"
    whole = b"".join(pieces) + coder.finish()
    heard = decode_audio(whole, SPEECH_RATE)
    assert duration(heard, SPEECH_RATE) == pytest.approx(3.0, abs=0.15)
    assert level(heard) == pytest.approx(level(TONE), rel=0.1)
    if form != "aac":  # which has no place for it
        marking = read_marking(whole)
        assert marking is not None
        assert marking.produce_id == "clip_1"


def test_bare_sound_stays_as_it_is() -> None:
    coder = SoundStream("pcm", TAGS)
    assert coder.push(TONE[:100]) + coder.push(TONE[100:]) + coder.finish() == TONE


@pytest.mark.parametrize("form", get_args(Form))
def test_nothing_makes_a_file_without_sound(form: Form) -> None:
    coder = SoundStream(form, TAGS)
    assert coder.push(b"") + coder.finish() is not None

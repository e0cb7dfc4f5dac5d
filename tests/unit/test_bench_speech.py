"""What callers say, how it is sent, and how their answers' voices are told apart."""

import numpy as np
import pytest

from bench.figures.barge_in import TEXTS
from bench.microphone import Microphone
from bench.pitch import median_pitch
from bench.questions import BY_HEART, FRAME_BYTES, QUESTIONS, Line, Utterance, append_events, rotated, trim
from bench.scripted import QUESTION
from bench.stats import percentile_ms, summary
from polytalk.dialogue.persona import load_personas
from polytalk.gateway.realtime.client_events import AudioAppend, decode
from polytalk.media.pcm import from_float, samples, silence
from polytalk.types import SPEECH_RATE


def tone(hertz: float, seconds: float, level: float = 0.3) -> bytes:
    times = np.arange(round(seconds * SPEECH_RATE)) / SPEECH_RATE
    waves = sum(np.sin(2 * np.pi * hertz * order * times) / order for order in (1, 2, 3))
    return from_float(level * np.asarray(waves))


def test_the_end_of_speech_is_the_last_voiced_sample() -> None:
    spoken = trim(silence(0.3, SPEECH_RATE) + tone(150, 0.5) + silence(0.4, SPEECH_RATE))
    assert len(spoken) % FRAME_BYTES == 0
    assert abs(int(samples(spoken)[-1])) > 600
    assert len(spoken) / 2 / SPEECH_RATE == pytest.approx(0.5, abs=0.025)


def test_an_interruption_has_voice_in_its_first_frame() -> None:
    spoken = trim(silence(0.3, SPEECH_RATE) + tone(150, 0.5))
    assert np.abs(samples(spoken[:FRAME_BYTES])).max() > 600


def test_silence_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no voice"):
        trim(silence(1.0, SPEECH_RATE))


def test_the_server_hears_exactly_what_is_sent() -> None:
    pcm = tone(150, 0.5)
    heard = [decode(frame) for frame in append_events(pcm)]
    assert all(isinstance(event, AudioAppend) for event in heard)
    assert b"".join(event.audio for event in heard if isinstance(event, AudioAppend)) == pcm


async def test_a_microphone_tells_when_speech_began_and_ended() -> None:
    sent: list[bytes] = []

    class Unplugged(Exception):
        pass

    async def send(frame: bytes) -> None:
        sent.append(frame)
        if len(sent) == 6:
            raise Unplugged

    microphone = Microphone(send)
    utterance = Utterance(Line("Hi."), tone(150, 0.06))
    saying = microphone.say(utterance)
    with pytest.raises(Unplugged):
        await microphone.run()
    assert sent[:3] == list(utterance.frames)
    assert 0.03 < saying.ended.result() - saying.began.result() < 1.0
    assert len(microphone.late) == 6


def test_questions_need_the_llm_unless_they_are_known_by_heart() -> None:
    """Or else a figure would mix the two without a word."""
    persona = load_personas("Mira")["en"]
    shown = {example.user for example in persona.examples}
    for text in (*QUESTIONS, *TEXTS, QUESTION):
        assert persona.knowledge.find(text) is None
        assert text not in shown
    assert all(persona.knowledge.find(text) for text in BY_HEART)


def test_every_caller_begins_with_another_question() -> None:
    asked = [Utterance(Line(text), b"") for text in "abc"]
    assert [one.line.text for one in rotated(asked, 4)] == ["b", "c", "a"]


@pytest.mark.parametrize("hertz", [100, 130, 190, 230])
def test_pitch_is_found(hertz: float) -> None:
    found = median_pitch(tone(hertz, 1.0))
    assert found == pytest.approx(hertz, rel=0.02)


def test_silence_has_no_pitch() -> None:
    assert median_pitch(silence(1.0, SPEECH_RATE)) is None
    assert median_pitch(b"") is None


def test_summaries_are_in_milliseconds() -> None:
    assert summary([0.1, 0.2, 0.3]) == {"n": 3, "p50 ms": 200.0, "p95 ms": 290.0, "max ms": 300.0}
    assert percentile_ms([], 50) is None

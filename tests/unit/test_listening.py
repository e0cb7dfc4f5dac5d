"""A session's ears: what is heard, judged and kept."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.ears.endpointing import Event, Paused, SpeechStarted, SpeechStopped, VadSettings
from polytalk.dialogue.ears.listening import Ears
from polytalk.errors import BadInput
from polytalk.media.pcm import silence
from polytalk.types import LISTEN_RATE, SPEECH_RATE, Seconds
from tests.support.engines import LevelVad
from tests.support.sound import level_of, voice

LAG: Seconds = 0.07
"""What the resampler holds back, and two ends that lie on frames of 32 ms."""


def hush(seconds: Seconds) -> bytes:
    return silence(seconds, SPEECH_RATE)


def ears(settings: VadSettings | None = VadSettings(), max_seconds: Seconds = 60.0) -> Ears:  # noqa: B008 - frozen
    return Ears(LevelVad(), settings, max_seconds)


def utterances(of: Ears, pcm: bytes, step: int = 960) -> Iterator[bytes]:
    """As a session takes them."""
    start = 0
    for at in range(0, len(pcm), step):
        for event in of.hear(pcm[at : at + step]):
            match event:
                case SpeechStarted():
                    start = event.start_ms
                case SpeechStopped():
                    yield of.utterance(start, event.end_ms)
                    of.release(event.end_ms)


def seconds(pcm: bytes) -> Seconds:
    return len(pcm) / 2 / LISTEN_RATE


def test_an_utterance_is_cut_out_with_its_padding() -> None:
    [heard] = utterances(ears(), hush(2) + voice(1) + hush(1))
    assert seconds(heard) == pytest.approx(0.3 + 1.0 + 0.5, abs=LAG)
    assert level_of(heard) == 8_000


def test_utterances_do_not_overlap() -> None:
    said = hush(1) + voice(0.5, 2_000) + hush(0.55) + voice(0.5, 4_000) + hush(0.6)
    first, second = utterances(ears(), said)
    assert (level_of(first), level_of(second)) == (2_000, 4_000)


@given(st.lists(st.integers(1, 4_000), min_size=1, max_size=12))
def test_events_do_not_depend_on_how_the_audio_is_cut(cuts: list[int]) -> None:
    pcm = hush(0.4) + voice(0.4) + hush(0.6)

    def events(sizes: list[int]) -> list[Event]:
        of, at, found = ears(), 0, []
        for size in (*sizes, len(pcm)):
            found += list(of.hear(pcm[at : at + 2 * size]))
            at += 2 * size
        return found

    assert events(cuts) == events([])


def test_silence_is_not_kept() -> None:
    of = ears()
    for _ in range(60):
        assert list(of.hear(hush(1))) == []
    assert len(of._audio) < 2 * 2 * LISTEN_RATE
    assert of.now_ms() == pytest.approx(60_000, abs=50)


def test_a_long_utterance_is_bounded() -> None:
    of = ears(VadSettings(max_duration_ms=5_000))
    for heard in utterances(of, voice(30)):
        assert seconds(heard) <= 5.1
    assert len(of._audio) < 7 * 2 * LISTEN_RATE


def test_push_to_talk_keeps_everything_until_it_is_committed() -> None:
    of = ears(None)
    assert list(of.hear(voice(1) + hush(1) + voice(1))) == []
    assert seconds(of.commit()) == pytest.approx(3.0, abs=LAG)
    with pytest.raises(BadInput, match="at least 100 ms are needed"):
        of.commit()


def test_push_to_talk_is_bounded_and_says_so() -> None:
    of = ears(None, max_seconds=2.0)
    list(of.hear(voice(1.5)))
    with pytest.raises(BadInput, match="the buffer holds at most 2 s; commit or clear it first"):
        list(of.hear(voice(1.0)))
    assert seconds(of.commit()) == pytest.approx(1.5, abs=LAG)


def test_a_commit_of_next_to_nothing_is_refused_and_keeps_it() -> None:
    of = ears(None)
    list(of.hear(voice(0.09)))
    with pytest.raises(BadInput, match="at least 100 ms") as refused:
        of.commit()
    assert refused.value.detail == "input_audio_buffer_commit_empty"
    list(of.hear(voice(0.09)))
    assert seconds(of.commit()) == pytest.approx(0.18, abs=LAG)


def test_half_a_sample_is_refused() -> None:
    with pytest.raises(BadInput, match="even number of bytes, not 3"):
        list(ears().hear(b"abc"))


def test_a_commit_ends_an_utterance_without_an_event() -> None:
    of = ears()
    assert [type(event) for event in of.hear(hush(0.5) + voice(0.5) + hush(0.1))] == [SpeechStarted, Paused]
    assert of.speaking
    assert level_of(of.commit()) == 8_000
    assert not of.speaking
    assert list(of.hear(hush(2))) == []


@given(st.lists(st.tuples(st.sampled_from(["hush", "clear", "push to talk", "detect"]), st.integers(1, 300))))
def test_whatever_came_before_the_next_utterance_is_cut_out_right(before: list[tuple[str, int]]) -> None:
    of = ears()
    for what, length in before:
        match what:
            case "hush":
                list(of.hear(hush(length / 1000)))
            case "clear":
                of.clear()
            case "push to talk":
                of.configure(None)
                list(of.hear(voice(length / 1000, 700) + hush(0.1)))
                of.clear()
            case "detect":
                of.configure(VadSettings())
    of.configure(VadSettings())
    [heard] = utterances(of, hush(1.0) + voice(0.5, 5_000) + hush(0.7))
    assert seconds(heard) == pytest.approx(0.3 + 0.5 + 0.5, abs=LAG)
    assert level_of(heard) == 5_000
    assert level_of(heard[-2 * LISTEN_RATE // 4 :]) == 0

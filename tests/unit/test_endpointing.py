"""The turn detector, frame by frame: V is a frame of voice, - one of silence, ~ one between the two thresholds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.endpointing import FRAME_MS, Event, Paused, Resumed, ServerVad, SpeechStarted, SpeechStopped
from polytalk.errors import BadInput

LEVELS = {"V": 0.9, "~": 0.4, "-": 0.05}


def events(vad: ServerVad, frames: str) -> list[Event]:
    return [event for frame in frames if (event := vad.push(LEVELS[frame]))]


CASES = {
    # 500 ms of silence are 16 frames of 32 ms; the pause shows after 3
    "a turn": ("-" * 20 + "V" * 10 + "-" * 16, [SpeechStarted(340), Paused(33 * 32), SpeechStopped(46 * 32, 30 * 32)]),
    "a start is never before the first sample": ("--VV", [SpeechStarted(0)]),
    "a click starts nothing": ("-" * 9 + "V" + "-" * 30, []),
    "clicks do not add up": ("V-V-V~V-" * 9, []),
    "a pause and on": ("VV---VV", [SpeechStarted(0), Paused(160), Resumed(192)]),
    "a short gap is no pause": ("VV--VV--VV", [SpeechStarted(0)]),
    "one frame short of the end": ("VV" + "-" * 15 + "V", [SpeechStarted(0), Paused(160), Resumed(576)]),
    "a wavering voice goes on": ("VV" + "~" * 40, [SpeechStarted(0)]),
    "a wavering silence ends": ("VV-" + "~" * 15, [SpeechStarted(0), Paused(160), SpeechStopped(576, 64)]),
}


@pytest.mark.parametrize(("frames", "expected"), CASES.values(), ids=CASES)
def test_frames_give_events(frames: str, expected: list[Event]) -> None:
    assert events(ServerVad(), frames) == expected


def test_a_start_reaches_back_only_to_the_last_stop() -> None:
    vad = ServerVad(silence_duration_ms=64)
    first = events(vad, "VV--VV")
    assert first == [SpeechStarted(0), SpeechStopped(128, 64), SpeechStarted(128)]


def test_a_long_utterance_is_cut_and_goes_on_without_loss() -> None:
    vad = ServerVad(max_duration_ms=640)
    assert events(vad, "V" * 22) == [SpeechStarted(0), SpeechStopped(640, 640, "max_duration"), SpeechStarted(640)]


def test_a_reset_gives_no_event_and_moves_the_earliest_start() -> None:
    vad = ServerVad()
    events(vad, "VVVV")
    assert vad.speaking
    vad.reset()
    assert not vad.speaking
    assert vad.now_ms == 128
    assert events(vad, "-" * 40) == []
    vad.reset()
    assert events(vad, "VV") == [SpeechStarted(44 * 32)]


def test_settings_change_in_mid_speech() -> None:
    vad = ServerVad()
    events(vad, "VV" + "-" * 5)
    vad.configure(silence_duration_ms=200)
    assert events(vad, "--") == [SpeechStopped(9 * 32, 64)]
    vad.configure(threshold=0.95)
    assert events(vad, "VVVV") == []


def test_not_a_number_is_silence() -> None:
    vad = ServerVad(silence_duration_ms=64)
    events(vad, "VV")
    assert [vad.push(float("nan")) for _ in range(2)] == [None, SpeechStopped(128, 64)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("threshold", 0.0),
        ("threshold", 1.1),
        ("prefix_padding_ms", -1),
        ("silence_duration_ms", 0),
        ("max_duration_ms", 9),
    ],
)
def test_a_bad_setting_is_refused_and_changes_nothing(name: str, value: float) -> None:
    vad = ServerVad()
    before = vad.settings
    with pytest.raises(BadInput, match=name) as caught:
        vad.configure(**{name: value})
    assert caught.value.param == name
    assert vad.settings == before


@given(
    st.lists(st.tuples(st.sampled_from("V~-"), st.integers(1, 30)), max_size=30),
    st.integers(1, 1500),
    st.integers(0, 1000),
    st.integers(1, 300),
)
def test_starts_and_stops_alternate_and_keep_their_times(
    runs: list[tuple[str, int]], silence_ms: int, padding_ms: int, speech_ms: int
) -> None:
    vad = ServerVad(0.5, padding_ms, silence_ms, min_speech_ms=speech_ms, max_duration_ms=5000)
    open_start: int | None = None
    last_stop = last_voice = 0
    paused = False
    for frame in "".join(char * count for char, count in runs):
        event = vad.push(LEVELS[frame])
        if frame == "V":
            last_voice = vad.now_ms
        match event:
            case SpeechStarted(start):
                assert open_start is None
                assert last_stop <= start <= vad.now_ms - speech_ms
                open_start = start
            case SpeechStopped(end, voice_end, reason):
                assert open_start is not None
                assert end == vad.now_ms > open_start
                assert last_voice <= voice_end <= end  # a wavering end still is voice
                if reason == "silence":
                    assert silence_ms <= end - voice_end < silence_ms + FRAME_MS
                assert end - open_start < 5000 + FRAME_MS
                last_stop, open_start, paused = end, None, False
            case Paused():
                assert open_start is not None
                assert not paused
                paused = True
            case Resumed():
                assert paused
                paused = False
        assert vad.speaking == (open_start is not None)

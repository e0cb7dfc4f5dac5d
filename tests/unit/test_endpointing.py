"""The turn detector, frame by frame: V is a frame of voice, - one of silence, ~ one between the two thresholds."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.ears.endpointing import (
    FRAME_MS,
    MOST_LATE_MS,
    Event,
    Paused,
    Resumed,
    ServerVad,
    SpeechStarted,
    SpeechStopped,
)
from polytalk.errors import BadInput

LEVELS = {"V": 0.9, "~": 0.4, "-": 0.05}


def events(vad: ServerVad, frames: str) -> list[Event]:
    return [event for frame in frames if (event := vad.push(LEVELS[frame]))]


CASES = {
    # 500 ms of silence are 16 frames of 32 ms; the pause shows after 2
    "a turn": ("-" * 20 + "V" * 10 + "-" * 16, [SpeechStarted(340), Paused(32 * 32), SpeechStopped(46 * 32, 30 * 32)]),
    "a start is never before the first sample": ("--VV", [SpeechStarted(0)]),
    "a click starts nothing": ("-" * 9 + "V" + "-" * 30, []),
    "clicks do not add up": ("V-V-V~V-" * 9, []),
    "a pause and on": ("VV--VV", [SpeechStarted(0), Paused(128), Resumed(160)]),
    "a short gap is no pause": ("VV-VV-VV", [SpeechStarted(0)]),
    "one frame short of the end": ("VV" + "-" * 15 + "V", [SpeechStarted(0), Paused(128), Resumed(576)]),
    "a wavering voice goes on": ("VV" + "~" * 40, [SpeechStarted(0)]),
    "a wavering silence ends": ("VV-" + "~" * 15, [SpeechStarted(0), Paused(128), SpeechStopped(576, 64)]),
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


LOUD, ROOM = -20.0, -65.0
FADING = (0.99, 0.8, 0.6, 0.2)  # how a detector lets go of a voice that is over


def voice_and_end(vad: ServerVad, *, last_frame: Sequence[float], after: Sequence[float]) -> list[Event]:
    """Twenty frames of voice, one in which it ends, and a detector that is slow to notice; then silence."""
    rows = [(0.99, [LOUD] * 4)] * 20 + [(FADING[0], last_frame)] + [(p, after) for p in FADING[1:]]
    rows += [(0.01, after)] * 20
    return [event for probability, levels in rows if (event := vad.push(probability, levels))]


def test_silence_counts_from_where_the_sound_fell_off() -> None:
    found = voice_and_end(ServerVad(silence_duration_ms=300), last_frame=[LOUD, LOUD, ROOM, ROOM], after=[ROOM] * 4)
    end = 20 * FRAME_MS + 16
    assert found[-1] == SpeechStopped(30 * FRAME_MS, end)
    assert 300 <= found[-1].end_ms - end < 300 + FRAME_MS
    assert found[1] == Paused(22 * FRAME_MS)  # 40 ms without sound, while the detector still hears a voice


def test_in_a_noisy_room_the_detector_has_the_word() -> None:
    found = voice_and_end(ServerVad(silence_duration_ms=300), last_frame=[LOUD] * 4, after=[LOUD - 12] * 4)
    assert found[-1] == SpeechStopped(33 * FRAME_MS, 23 * FRAME_MS)


def test_the_voice_is_not_taken_to_have_ended_long_before_the_detector_says_so() -> None:
    vad = ServerVad(silence_duration_ms=300)
    rows = [(0.99, [LOUD] * 4)] * 20 + [(0.9, [ROOM] * 4)] * 4 + [(0.01, [ROOM] * 4)] * 20
    found = [event for row in rows if (event := vad.push(*row))]
    assert isinstance(found[-1], SpeechStopped)
    assert found[-1].voice_end_ms == 24 * FRAME_MS - MOST_LATE_MS


def test_who_goes_on_softly_is_heard() -> None:
    vad = ServerVad()
    rows = [(0.99, [LOUD] * 4)] * 20 + [(0.9, [LOUD - 40] * 4)] * 40
    found = [event for row in rows if (event := vad.push(*row))]
    assert [type(event) for event in found] == [SpeechStarted, Paused, Resumed]


def test_a_loud_noise_before_sets_no_measure_for_a_voice() -> None:
    vad = ServerVad(silence_duration_ms=300)
    assert vad.push(0.1, [0.0] * 4) is None
    quiet = [LOUD - 25] * 4
    rows = [(0.99, quiet)] * 20 + [(0.2, [ROOM] * 4)] * 20
    found = [event for row in rows if (event := vad.push(*row))]
    assert found[-1] == SpeechStopped(31 * FRAME_MS, 21 * FRAME_MS)

"""Subtitles: what is shown when."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.answers.sentences import columns
from polytalk.dialogue.clips.subtitles import LINE, LINES, Cue, cues, written


def test_srt_counts_and_has_commas() -> None:
    shown = [Cue(0.4, 1.82, "Hello."), Cue(3661.0005, 3662, "An hour --> later.")]
    assert written("srt", shown) == (
        "1\n00:00:00,400 --> 00:00:01,820\nHello.\n\n2\n01:01:01,000 --> 01:01:02,000\nAn hour → later.\n"
    )


def test_vtt_has_a_head_and_no_markup_of_ours() -> None:
    assert written("vtt", [Cue(0, 1, "1 < 2 & <b>")]) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\n1 &lt; 2 &amp; &lt;b&gt;\n"
    )


def test_a_time_is_never_rounded_to_sixty_seconds() -> None:
    assert "00:01:00,000" in written("srt", [Cue(59.9999, 61, "x")])


def test_a_long_sentence_has_several_cues_that_share_its_time() -> None:
    text = "This sentence is so long that nobody could read all of it at once, so it is shown in more than one part."
    shown = list(cues(2.0, 8.0, text))
    assert len(shown) == 2
    assert (shown[0].start, shown[-1].end) == (2.0, 8.0)
    assert shown[0].end == shown[1].start


@given(st.text("abc 中，.", min_size=1, max_size=400).filter(str.strip))
def test_lines_fit_nothing_is_lost_and_time_goes_on(text: str) -> None:
    shown = list(cues(1.0, 5.0, text))
    assert "".join("".join(cue.text for cue in shown).split()) == "".join(text.split())
    for cue in shown:
        assert len(cue.text.split("\n")) <= LINES
        assert all(0 < columns(line) <= LINE for line in cue.text.split("\n"))
        assert 1.0 <= cue.start < cue.end <= 5.0 + 1e-9
    assert all(abs(one.end - other.start) < 1e-9 for one, other in pairwise(shown))

"""The playout clock of a session."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.schedule.playout import Playout
from polytalk.types import Seconds


@dataclass(frozen=True)
class Sent:
    after: Seconds
    """Since the piece before."""
    lasts: Seconds


pieces = st.lists(st.builds(Sent, st.floats(0, 3), st.floats(0.01, 2)), max_size=20)


def test_nothing_is_heard_before_anything_is_sent() -> None:
    playout = Playout()
    assert (playout.heard(9.0), playout.lead(9.0), playout.may_send_at(9.0, 0.5)) == (0.0, 0.0, 9.0)


def test_speech_is_heard_as_time_goes_by() -> None:
    playout = Playout()
    playout.send(2.0, now=10.0)
    assert playout.heard(11.5) == 1.5
    assert playout.lead(11.5) == 0.5
    assert playout.heard(99.0) == 2.0


def test_a_late_piece_is_an_underrun_and_moves_the_rest() -> None:
    playout = Playout()
    playout.send(1.0, now=0.0)
    playout.send(1.0, now=1.5)
    assert (playout.underruns, playout.waited) == (1, 0.5)
    assert playout.heard(2.0) == 1.5
    assert playout.deadline() == 2.5


def test_a_piece_in_time_is_no_underrun() -> None:
    playout = Playout()
    playout.send(1.0, now=0.0)
    playout.send(1.0, now=1.0)
    assert playout.underruns == 0


def test_sending_resumes_when_the_lead_is_back_within_its_bound() -> None:
    playout = Playout()
    playout.send(2.0, now=0.0)
    assert playout.may_send_at(0.5, max_lead=0.5) == 1.5
    assert playout.lead(1.5) == 0.5


@given(pieces, st.floats(0, 60))
def test_no_more_is_heard_than_was_sent_and_no_lead_is_negative(sent: list[Sent], later: Seconds) -> None:
    playout, now = Playout(), 0.0
    for piece in sent:
        now += piece.after
        playout.send(piece.lasts, now)
        assert 0 <= playout.heard(now) <= playout.sent
        assert playout.lead(now) >= 0
    assert 0 <= playout.heard(now + later) <= playout.sent
    assert playout.sent == pytest.approx(sum(piece.lasts for piece in sent))


@given(pieces)
def test_every_gap_is_counted_and_accounted_for(sent: list[Sent]) -> None:
    """Against the loudspeaker itself: it plays what it has, and is silent when it has nothing."""
    playout, now = Playout(), 0.0
    empty_at = gaps = silent = 0.0
    for index, piece in enumerate(sent):
        now += piece.after
        if index and now > empty_at:
            gaps, silent = gaps + 1, silent + now - empty_at
        empty_at = max(now, empty_at) + piece.lasts
        playout.send(piece.lasts, now)
    assert playout.waited == pytest.approx(silent, abs=1e-9)
    if sent:
        assert playout.deadline() == pytest.approx(empty_at)
    if silent > 1e-6:
        assert playout.underruns == pytest.approx(gaps, abs=len(sent) - 1)


@given(pieces, st.floats(0, 2))
def test_pacing_keeps_the_lead_within_its_bound(sent: list[Sent], max_lead: Seconds) -> None:
    playout, now = Playout(), 0.0
    for piece in sent:
        now = playout.may_send_at(now + piece.after, max_lead)
        assert playout.lead(now) <= max_lead + 1e-9
        playout.send(piece.lasts, now)

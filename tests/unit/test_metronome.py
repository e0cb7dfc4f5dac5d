"""The common beat: whoever waits is called at the first beat of its moment, together with the others."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.metronome import BEAT, Metronome
from polytalk.types import Seconds
from tests.support.sound import LoopClock, now

pytestmark = pytest.mark.looptime


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=30))
async def test_each_is_called_once_at_the_first_beat_of_its_moment(waits: list[Seconds]) -> None:
    metronome, began = Metronome(LoopClock()), now()
    called: list[tuple[Seconds, Seconds]] = []
    for wait in waits:
        moment = began + wait
        metronome.at(moment, lambda beat, moment=moment: called.append((moment, beat)))  # type: ignore[misc]
    await asyncio.sleep(1.1)
    assert sorted(moment for moment, _ in called) == sorted(began + wait for wait in waits)
    for moment, beat in called:
        assert -1e-6 <= beat - moment < BEAT + 1e-6
        assert beat / BEAT == pytest.approx(round(beat / BEAT), abs=1e-4)


async def test_those_of_one_beat_share_a_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    metronome, timers = Metronome(LoopClock()), 0
    loop = asyncio.get_running_loop()
    call_later = loop.call_later

    def counted(*args: object) -> object:
        nonlocal timers
        timers += 1
        return call_later(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "call_later", counted)
    called: list[int] = []
    for listener in range(100):
        metronome.at(now() + BEAT / 2, lambda _, listener=listener: called.append(listener))  # type: ignore[misc]
    assert timers == 1
    monkeypatch.undo()
    await asyncio.sleep(2 * BEAT)
    assert called == list(range(100))


async def test_one_that_fails_keeps_nobody_from_the_beat(caplog: pytest.LogCaptureFixture) -> None:
    metronome = Metronome(LoopClock())
    called: list[Seconds] = []

    def fail(_: Seconds) -> None:
        raise ValueError("a defect")

    moment = now() + BEAT / 2
    metronome.at(moment, fail)
    metronome.at(moment, called.append)
    await asyncio.sleep(2 * BEAT)
    assert len(called) == 1
    assert "a defect" in caplog.text

"""The common beat: whoever waits is called soon after its moment, together with the others."""

import asyncio
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.metronome import BAR, BEAT, Metronome
from polytalk.types import Seconds
from tests.support.sound import LoopClock, now

pytestmark = pytest.mark.looptime


@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 0.1)), min_size=1, max_size=30))
async def test_each_is_called_once_and_in_time(asked: list[tuple[Seconds, Seconds]]) -> None:
    metronome, began = Metronome(LoopClock()), now()
    called: list[tuple[Seconds, Seconds, Seconds]] = []
    for wait, within in asked:
        metronome.at(began + wait, within, partial(lambda *what: called.append(what), began + wait, within))
    await asyncio.sleep(1.2)
    assert sorted((moment, within) for moment, within, _ in called) == sorted(
        (began + w, within) for w, within in asked
    )
    for moment, within, beat in called:
        assert -1e-6 <= beat - moment <= max(BEAT, within) + 1e-5
        assert beat / BEAT == pytest.approx(round(beat / BEAT), abs=1e-4)
        if within >= BAR * BEAT:
            assert round(beat / BEAT) % BAR == 0


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
        metronome.at(now() + BEAT / 2, 0.0, lambda _, listener=listener: called.append(listener))  # type: ignore[misc]
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
    metronome.at(moment, 0.0, fail)
    metronome.at(moment, 0.0, called.append)
    await asyncio.sleep(2 * BEAT)
    assert len(called) == 1
    assert "a defect" in caplog.text

"""What goes out of a call: on the beat, encoded once for all who listen."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from polytalk.dialogue.metronome import Metronome
from polytalk.gateway.webrtc.buffer import OutputBuffer
from polytalk.gateway.webrtc.cast import CATCH_UP, MOST, Cast, Packet, Tap
from polytalk.gateway.webrtc.projector import Projector
from polytalk.media.opus import PACKET, SILENCE
from polytalk.media.units import Unit
from tests.support.sound import LoopClock, now, voice

pytestmark = pytest.mark.looptime


class Desk:
    def __init__(self) -> None:
        self.keys = 0
        self.buffer = OutputBuffer(lambda change, response: None)
        self.projector = Projector()
        clock = LoopClock()
        self.cast = Cast(self.buffer, self.projector, Metronome(clock), clock, self.key)

    def key(self) -> None:
        self.keys += 1


async def taken(tap: Tap, count: int) -> list[Packet]:
    return [await tap.get() for _ in range(count)]


def pictures(count: int) -> tuple[Unit, ...]:
    """Of an answer, the first of them whole."""
    return tuple(Unit(b"%d" % index, index / 25, index == 0) for index in range(count))


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.cast.run())
    try:
        yield
    finally:
        task.cancel()


async def test_sound_goes_out_every_20_ms_silence_where_nothing_is_said_and_the_timeline_has_no_hole() -> None:
    desk = Desk()
    tap = desk.cast.tap("audio")
    async with asyncio.timeout(10):
        running = asyncio.create_task(desk.cast.run())
        began = now()
        quiet = await taken(tap, 5)
        desk.buffer.add("a", "i", voice(0.1))
        said = await taken(tap, 5)
        after = await taken(tap, 5)
        running.cancel()
    assert {packet.data for packet in (*quiet, *after)} == {SILENCE}
    assert all(len(packet.data) > len(SILENCE) for packet in said)
    assert [packet.at for packet in (*quiet, *said, *after)] == pytest.approx([index * PACKET for index in range(15)])
    assert now() - began == pytest.approx(14 * PACKET, abs=PACKET)


async def test_all_who_listen_and_watch_get_the_same_packets_encoded_once() -> None:
    desk = Desk()
    taps = [desk.cast.tap("audio") for _ in range(3)]
    screens = [desk.cast.tap("video") for _ in range(2)]
    desk.buffer.add("a", "i", voice(0.2))
    desk.projector.add("a", tuple(Unit(b"picture", index / 25, index == 0) for index in range(5)))
    running = asyncio.create_task(desk.cast.run())
    sounds = [await taken(tap, 10) for tap in taps]
    pictures = [await taken(screen, 5) for screen in screens]
    running.cancel()
    assert sounds[0] == sounds[1] == sounds[2]
    assert pictures[0] == pictures[1]
    assert desk.cast.encoded == 10
    assert [round(packet.at, 3) for packet in pictures[0]] == [0.0, 0.04, 0.08, 0.12, 0.16]


async def test_a_picture_is_dated_as_the_sound_that_it_belongs_to() -> None:
    desk = Desk()
    ear, eye = desk.cast.tap("audio"), desk.cast.tap("video")
    running = asyncio.create_task(desk.cast.run())
    await taken(ear, 7)
    desk.buffer.add("a", "i", voice(1.0))
    desk.projector.add("a", tuple(Unit(b"%d" % index, index / 25, True) for index in range(25)))
    sounds, pictures = await taken(ear, 20), await taken(eye, 10)
    running.cancel()
    spoken = next(packet.at for packet in sounds if packet.data != SILENCE)
    assert [packet.at - spoken for packet in pictures] == pytest.approx([index / 25 for index in range(10)])


async def test_without_anybody_who_watches_no_picture_is_looked_for() -> None:
    desk = Desk()
    ear = desk.cast.tap("audio")
    desk.projector.add("a", (Unit(b"x", 0.0, True),))
    desk.buffer.add("a", "i", voice(0.1))
    running = asyncio.create_task(desk.cast.run())
    await taken(ear, 5)
    running.cancel()
    assert desk.projector.next(0.0, "a", 1.0) == [(-1.0, Unit(b"x", 0.0, True))]
    assert not desk.cast.watched


async def test_who_comes_while_little_was_shown_since_the_last_whole_picture_gets_that_again_and_nobody_else() -> None:
    desk = Desk()
    first = desk.cast.tap("video")
    assert desk.keys == 1
    shown = pictures(10)
    desk.projector.add("a", shown)
    desk.buffer.add("a", "i", voice(1.0))
    async with running(desk):
        seen = await taken(first, 5)
        late = desk.cast.tap("video")
        again = await taken(late, 5)
        both = [await taken(tap, 5) for tap in (first, late)]
    assert [packet.data for packet in again] == [packet.data for packet in seen] == [unit.data for unit in shown[:5]]
    assert both[0] == both[1]
    dates = [packet.at for packet in (*again, *both[1])]
    assert dates == sorted(set(dates))
    assert desk.keys == 1


async def test_who_comes_later_waits_for_a_whole_picture_and_many_who_come_at_once_ask_for_one() -> None:
    desk = Desk()
    first = desk.cast.tap("video")
    desk.projector.add("a", pictures(100))
    desk.buffer.add("a", "i", voice(4.0))
    async with running(desk):
        await taken(first, CATCH_UP + 5)
        late = [desk.cast.tap("video") for _ in range(3)]
        assert desk.keys == 2
        waiting = [asyncio.create_task(tap.get()) for tap in late]
        await taken(first, 30)
        assert not any(task.done() for task in waiting)
        assert desk.keys == 3  # it was asked for once more, as none had come
        desk.projector.add("b", pictures(5))
        desk.buffer.add("b", "i", voice(0.2))
        whole = await asyncio.gather(*waiting)
    assert {packet.data for packet in whole} == {b"0"}


async def test_a_client_that_complains_without_end_is_helped_once_a_second() -> None:
    desk = Desk()
    eye = desk.cast.tap("video")
    desk.projector.add("a", pictures(20))
    desk.buffer.add("a", "i", voice(1.0))
    async with running(desk):
        await taken(eye, 5)
        for _ in range(50):
            desk.cast.want_key(eye)
        await asyncio.sleep(0.1)
    assert 5 <= eye._packets.qsize() <= 8
    assert desk.keys == 1


async def test_nobody_who_watches_is_left_twice() -> None:
    desk = Desk()
    eye = desk.cast.tap("video")
    desk.cast.leave(eye)
    desk.cast.leave(eye)
    assert not desk.cast.watched


async def test_who_does_not_take_packets_loses_the_old_ones_and_nobody_else_does() -> None:
    desk = Desk()
    idle, awake = desk.cast.tap("audio"), desk.cast.tap("audio")
    desk.cast.tap("video")
    desk.projector.add("a", pictures(10))
    desk.buffer.add("a", "i", voice(0.4))
    running = asyncio.create_task(desk.cast.run())
    await taken(awake, 3 * MOST["audio"])
    running.cancel()
    packets = [idle._packets.get_nowait() for _ in range(idle._packets.qsize())]
    assert 0 < len(packets) <= MOST["audio"]
    assert {packet.data for packet in packets} == {SILENCE}  # nothing of the pictures
    kept = [packet.at for packet in packets]
    assert kept[-1] == pytest.approx((3 * MOST["audio"] - 1) * PACKET)


async def test_short_stalls_are_made_up_for_and_long_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk()
    ear = desk.cast.tap("audio")
    loop = asyncio.get_running_loop()
    running = asyncio.create_task(desk.cast.run())
    await taken(ear, 3)
    skipped = 0.0
    true_time = loop.time
    monkeypatch.setattr(loop, "time", lambda: true_time() + skipped)
    skipped = 0.1
    short = await taken(ear, 8)
    assert [b.at - a.at for a, b in pairwise(short)] == pytest.approx([PACKET] * 7)
    skipped += 5.0
    gaps = [packet.at for packet in await taken(ear, 8)]
    running.cancel()
    assert max(b - a for a, b in pairwise(gaps)) == pytest.approx(5.0, abs=0.05)

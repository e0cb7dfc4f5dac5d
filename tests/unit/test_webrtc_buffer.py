"""What a listener is about to hear, and which picture goes with it."""

from polytalk.dialogue.faces.resting import Reel
from polytalk.gateway.webrtc.buffer import Cut, OutputBuffer
from polytalk.gateway.webrtc.projector import Projector
from polytalk.media.opus import PACKET, PACKET_BYTES
from polytalk.media.units import Unit


class Told(list[str]):
    def __call__(self, change: str, response: str) -> None:
        self.append(f"{change} {response}")


def frame(mark: int, count: int = 1) -> bytes:
    return bytes([mark]) * (PACKET_BYTES * count)


def test_an_answer_is_heard_in_steps_of_20_ms_and_its_ends_are_told() -> None:
    told = Told()
    buffer = OutputBuffer(told)
    assert buffer.next() is None
    buffer.add("a", "item", frame(1, 2))
    assert [buffer.next(), buffer.position] == [frame(1), PACKET]
    assert told == ["started a"]
    buffer.next()
    assert buffer.next() is None  # more of it may come
    assert told == ["started a"]
    buffer.add("a", "item", frame(2))
    assert [buffer.next(), buffer.position] == [frame(2), 3 * PACKET]
    buffer.end("a")
    assert buffer.next() is None
    assert told == ["started a", "stopped a"]
    assert buffer.next() is None
    assert len(told) == 2


def test_answers_follow_each_other() -> None:
    told = Told()
    buffer = OutputBuffer(told)
    buffer.add("a", "i", frame(1))
    buffer.end("a")
    buffer.add("b", "j", frame(2))
    assert [buffer.next(), buffer.next()] == [frame(1), frame(2)]
    assert told == ["started a", "stopped a", "started b"]
    assert (buffer.response, buffer.position) == ("b", PACKET)


def test_what_is_cleared_is_not_heard_and_how_far_it_was_heard_is_known() -> None:
    told = Told()
    buffer = OutputBuffer(told)
    assert buffer.clear() == []
    buffer.add("a", "item", frame(1, 10))
    buffer.next()
    buffer.next()
    buffer.add("b", "other", frame(2))
    assert buffer.clear() == [Cut("a", "item", 2 * PACKET), Cut("b", "other", 0.0)]
    assert told == ["started a", "cleared a", "cleared b"]
    assert buffer.next() is None


def test_it_is_complete_when_no_more_of_the_last_answer_comes() -> None:
    buffer = OutputBuffer(Told())
    assert not buffer.complete
    buffer.add("a", "i", frame(1))
    assert not buffer.complete
    buffer.end("a")
    assert buffer.complete
    buffer.next()
    assert buffer.complete
    buffer.next()
    assert not buffer.complete


def units(*moments: float, key: bool = True) -> tuple[Unit, ...]:
    return tuple(Unit(b"%.2f" % at, at, key and index == 0) for index, at in enumerate(moments))


def reel() -> Reel:
    resting = Reel(12.5)
    resting.extend(tuple(Unit(b"rest %d" % index, index / 12.5, index % 5 == 0) for index in range(10)))
    resting.complete = True
    return resting


def names(due: list[tuple[float, Unit]]) -> list[bytes]:
    return [unit.data for _, unit in due]


def dated(due: list[tuple[float, Unit]]) -> list[tuple[float, bytes]]:
    return [(at, unit.data) for at, unit in due]


def test_pictures_are_shown_when_their_sound_is_heard_each_once_and_dated_by_it() -> None:
    projector = Projector()
    projector.add("a", units(0.0, 0.04, 0.08))
    assert projector.next(5.0, None, 0.0) == []
    assert dated(projector.next(5.0, "a", 0.0)) == [(5.0, b"0.00")]
    assert projector.next(5.02, "a", 0.02) == []
    assert dated(projector.next(5.10, "a", 0.10)) == [(5.04, b"0.04"), (5.08, b"0.08")]  # none is left out
    assert projector.next(5.12, "a", 0.12) == []


def test_the_face_rests_between_answers_and_begins_at_a_whole_picture() -> None:
    projector = Projector()
    projector.rest(reel())
    assert names(projector.next(0.0, None, 0.0)) == [b"rest 0"]
    assert projector.next(0.04, None, 0.0) == []  # 12.5 a second
    assert names(projector.next(0.08, None, 0.0)) == [b"rest 1"]
    assert names(projector.next(0.16, "a", 0.0)) == [b"rest 2"]  # its pictures are not encoded yet
    projector.add("a", units(0.0, 0.04))
    assert names(projector.next(0.24, "a", 0.08)) == [b"0.00", b"0.04"]
    assert projector.next(0.32, "a", 0.16) == []  # the last one stays for as long as it speaks
    assert names(projector.next(0.40, None, 0.0)) == [b"rest 0"]


def test_pictures_of_an_answer_that_was_dropped_or_came_too_late_stand_in_nobodys_way() -> None:
    projector = Projector()
    projector.add("a", units(0.0))
    projector.drop("a")
    projector.add("late", units(0.0))
    projector.add("b", units(0.0))
    assert names(projector.next(0.0, "a", 0.0)) == []
    assert names(projector.next(0.0, "b", 0.0)) == [b"0.00"]
    assert names(projector.next(0.0, "late", 0.0)) == []


def test_it_does_not_grow_without_bound() -> None:
    projector = Projector()
    for _ in range(20):
        projector.add("a", units(*(index / 25 for index in range(100))))
    assert len(projector.next(0.0, "a", 1e6)) == 200

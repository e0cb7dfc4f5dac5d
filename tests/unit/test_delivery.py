"""An answer on its way: cut into slices, paced, and accounted for."""

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.answers.delivery import SLICE_FRAMES, Delivery, cut, joined
from polytalk.dialogue.answers.turn import Turn
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.events import DialogueEvent, Said, Spoke
from polytalk.dialogue.faces.face import FRAME_BYTES, Piece
from polytalk.dialogue.metronome import BAR, BEAT, Metronome
from polytalk.dialogue.settings import SessionSettings
from polytalk.errors import EngineFailed
from polytalk.media.pcm import duration
from polytalk.schedule.playout import Playout
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE, Pictures, Seconds
from tests.support.sound import LoopClock, mouth_of, now, voice

pytestmark = pytest.mark.looptime


class Ready:
    """A turn whose pieces are there already, or fail after them."""

    def __init__(self, *pieces: Piece, failure: Exception | None = None) -> None:
        self.playout = Playout()
        self.settings = SessionSettings(avatar="mira", voice="vera")
        self._pieces = pieces
        self._failure = failure

    async def pieces(self) -> Any:
        for piece in self._pieces:
            yield piece
        if self._failure is not None:
            raise self._failure


def said(text: str, seconds: Seconds) -> Piece:
    audio = voice(seconds)
    return Piece(text, audio, mouth_of(audio))


def delivery(turn: Ready, send_lead: Seconds = 0.8) -> tuple[Delivery, list[tuple[Seconds, DialogueEvent]]]:
    told: list[tuple[Seconds, DialogueEvent]] = []
    item = Item("item", "assistant", spoken=True, status="in_progress")

    def emit(event: DialogueEvent) -> None:
        told.append((now(), event))

    clock = LoopClock()
    return Delivery("resp", item, cast(Turn, turn), emit, clock, Metronome(clock), send_lead), told


def marks(sending: Delivery) -> list[tuple[Seconds, str]]:
    return [(round(end, 6), text) for end, text in sending.item.marks]


def slices(piece: Piece, frames: int) -> list[Piece]:
    return [cut(piece, first, first + frames) for first in range(0, len(piece.audio) // FRAME_BYTES, frames)]


@given(st.integers(0, 40), st.booleans(), st.integers(1, SLICE_FRAMES))
def test_slices_are_the_piece(frames: int, mouth: bool, most: int) -> None:
    audio = bytes(range(256)) * (frames * FRAME_BYTES // 256 + 1)
    audio = audio[: frames * FRAME_BYTES]
    params = bytes(frames * len(MOUTH_PARAMS)) if mouth else b""
    parts = slices(Piece("", audio, params), most)
    assert b"".join(part.audio for part in parts) == audio
    assert b"".join(part.mouth for part in parts) == params
    assert all(0 < len(part.audio) <= most * FRAME_BYTES for part in parts)
    if mouth:
        assert all(len(part.audio) // FRAME_BYTES == len(part.mouth) // len(MOUTH_PARAMS) for part in parts)


@given(st.integers(1, 200), st.integers(1, 40), st.floats(0.0, 0.0999), st.sampled_from([10.0, 15.0, 25.0, 50.0]))
def test_a_picture_is_sent_with_the_audio_during_which_it_is_shown(
    frames: int, most: int, offset: float, fps: float
) -> None:
    count = sum(offset + number / fps < frames / MOUTH_RATE for number in range(200))
    numbers = memoryview(b"".join(bytes([number] * 3) for number in range(count)))
    pictures = Pictures(numbers, 1, 1) if count else None
    whole = Piece("", bytes(frames * FRAME_BYTES), b"", pictures, fps, offset)
    parts, begins, sent = slices(whole, most), 0.0, 0
    for part in parts:
        lasts = len(part.audio) / FRAME_BYTES / MOUTH_RATE
        for place, number in enumerate([] if part.pictures is None else part.pictures.pixels[::3]):
            assert number == sent
            assert begins + part.offset + place / fps == pytest.approx(offset + number / fps)
            assert -1e-6 <= part.offset + place / fps < lasts + 1e-6
            sent += 1
        begins += lasts
    assert sent == count
    again = joined(parts)
    assert (again.audio, again.pictures) == (whole.audio, whole.pictures)
    assert not count or again.offset == pytest.approx(offset)


async def test_the_first_of_the_lead_leaves_at_once_and_the_rest_as_it_is_played() -> None:
    sending, told = delivery(Ready(said("Hello there.", 2.0)))
    await sending.run()
    moments = [at for at, event in told if isinstance(event, Spoke)]
    assert moments == pytest.approx([0, 0, 0.2, 0.6, 1.0, 1.2], abs=BAR * BEAT + 1e-3)
    assert [event.first_frame for _, event in told if isinstance(event, Spoke)] == [0, 10, 30, 50, 70, 90]


@given(st.floats(0.05, 2.0), st.floats(0.1, 6.0))
async def test_the_lead_keeps_its_bound_and_never_runs_out(send_lead: Seconds, seconds: Seconds) -> None:
    sending, told = delivery(Ready(said("Hello there.", seconds)), send_lead)
    began = now()
    await sending.run()
    sent = 0.0
    for at, event in told:
        if isinstance(event, Spoke):
            sent += duration(event.audio, SPEECH_RATE)
            assert sent - (at - began) <= send_lead + 1e-6
    assert sending.turn.playout.underruns == 0


async def test_listeners_who_began_apart_are_served_in_the_same_wake_up() -> None:
    (one, told), (other, told_other) = (delivery(Ready(said("Hello there.", 2.2))) for _ in range(2))
    await asyncio.sleep(BEAT / 3)
    running = asyncio.create_task(one.run())
    await asyncio.sleep(BEAT / 3)
    await other.run()
    await running
    paced, also_paced = ([at for at, event in which if isinstance(event, Spoke)][2:] for which in (told, told_other))
    assert paced == pytest.approx(also_paced)
    assert len(paced) == 4


async def test_words_are_told_before_their_audio() -> None:
    sending, told = delivery(Ready(said("One.", 0.2), said(" Two.", 0.2)))
    await sending.run()
    assert [type(event) for _, event in told] == [Said, Spoke, Said, Spoke]
    assert sending.item.text == "One. Two."
    assert marks(sending) == [(0.2, "One."), (0.4, " Two.")]


async def test_more_audio_of_the_same_words_moves_their_end() -> None:
    sending, _ = delivery(Ready(said("One two three.", 0.2), said("", 0.4)))
    await sending.run()
    assert marks(sending) == [(0.6, "One two three.")]


async def test_what_is_heard_is_what_the_clock_has_played() -> None:
    sending, told = delivery(Ready(said("One.", 2.0)))
    running = asyncio.create_task(sending.run())
    await asyncio.sleep(0.75)
    assert sending.heard() == pytest.approx(0.75)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    sent = sum(duration(event.audio, SPEECH_RATE) for _, event in told if isinstance(event, Spoke))
    count = len(told)
    await asyncio.sleep(5)
    assert sending.heard() == pytest.approx(sent)
    assert len(told) == count


async def test_a_failure_comes_after_what_was_made_before_it() -> None:
    sending, told = delivery(Ready(said("One.", 0.2), failure=EngineFailed("no memory")))
    with pytest.raises(EngineFailed, match="no memory"):
        await sending.run()
    assert [type(event) for _, event in told] == [Said, Spoke]


async def test_nothing_leaves_on_the_beat_after_a_break() -> None:
    sending, told = delivery(Ready(said("One.", 2.0)))
    running = asyncio.create_task(sending.run())
    await asyncio.sleep(0.05)  # the next slice has its beat already
    count = len(told)
    running.cancel()
    sending._on_beat(now() + 1.0)  # in the very moment, before the task has run
    await asyncio.gather(running, return_exceptions=True)
    await asyncio.sleep(1.0)
    assert count == len(told) == 3


async def test_a_listener_that_fails_on_the_beat_ends_its_own_delivery() -> None:
    sending, told = delivery(Ready(said("One.", 2.0)))
    emit = sending._emit

    def fail_later(event: DialogueEvent) -> None:
        if len(told) > 3:
            raise EngineFailed("the socket is gone")
        emit(event)

    sending._emit = fail_later
    with pytest.raises(EngineFailed, match="gone"):
        await sending.run()


async def test_of_what_is_left_nothing_is_lost_whatever_was_sent() -> None:
    pieces = [said("One.", 1.0), Piece(" (a sigh)"), said(" Two.", 3.0)]
    sending, _ = delivery(Ready(*pieces))
    running = asyncio.create_task(sending.run())
    await asyncio.sleep(2.5)
    running.cancel()
    position, rest = sending.rest()
    whole = b"".join(piece.audio for piece in pieces)
    assert 2.5 - 0.6 - 0.02 <= position <= 2.5 + 0.02
    assert rest.audio == whole[round(position * MOUTH_RATE) * FRAME_BYTES :]

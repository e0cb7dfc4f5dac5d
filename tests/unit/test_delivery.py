"""An answer on its way: cut into slices, paced, and accounted for."""

import asyncio
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polytalk.dialogue.conversation import Item
from polytalk.dialogue.delivery import SLICE_FRAMES, Delivery, slices
from polytalk.dialogue.events import DialogueEvent, Said, Spoke
from polytalk.dialogue.turn import FRAME_BYTES, Piece, Turn
from polytalk.errors import EngineFailed
from polytalk.media.pcm import duration
from polytalk.schedule.playout import Playout
from polytalk.types import MOUTH_PARAMS, SPEECH_RATE, Seconds
from tests.support.sound import LoopClock, mouth_of, now, voice

pytestmark = pytest.mark.looptime


class Ready:
    """A turn whose pieces are there already, or fail after them."""

    def __init__(self, *pieces: Piece, failure: Exception | None = None) -> None:
        self.playout = Playout()
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


def delivery(turn: Ready, send_lead: Seconds = 0.5) -> tuple[Delivery, list[tuple[Seconds, DialogueEvent]]]:
    told: list[tuple[Seconds, DialogueEvent]] = []
    item = Item("item", "assistant", spoken=True, status="in_progress")

    def emit(event: DialogueEvent) -> None:
        told.append((now(), event))

    return Delivery("resp", item, cast(Turn, turn), emit, LoopClock(), send_lead), told


def marks(sending: Delivery) -> list[tuple[Seconds, str]]:
    return [(round(end, 6), text) for end, text in sending.item.marks]


@given(st.integers(0, 40), st.booleans())
def test_slices_are_the_piece(frames: int, mouth: bool) -> None:
    audio = bytes(range(256)) * (frames * FRAME_BYTES // 256 + 1)
    audio = audio[: frames * FRAME_BYTES]
    params = bytes(frames * len(MOUTH_PARAMS)) if mouth else b""
    cut = list(slices(Piece("", audio, params)))
    assert b"".join(part for part, _ in cut) == audio
    assert b"".join(part for _, part in cut) == params
    assert all(0 < len(part) <= SLICE_FRAMES * FRAME_BYTES for part, _ in cut)
    if mouth:
        assert all(len(part) // FRAME_BYTES == len(shown) // len(MOUTH_PARAMS) for part, shown in cut)


async def test_the_first_of_the_lead_leaves_at_once_and_the_rest_as_it_is_played() -> None:
    sending, told = delivery(Ready(said("Hello there.", 1.2)))
    await sending.run()
    moments = [round(at, 3) for at, event in told if isinstance(event, Spoke)]
    assert moments == [0, 0, 0, 0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert [event.first_frame for _, event in told if isinstance(event, Spoke)] == list(range(0, 60, SLICE_FRAMES))


async def test_words_are_told_before_their_audio() -> None:
    sending, told = delivery(Ready(said("One.", 0.2), said(" Two.", 0.2)))
    await sending.run()
    assert [type(event) for _, event in told] == [Said, Spoke, Spoke, Said, Spoke, Spoke]
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
    assert len(told) == 3

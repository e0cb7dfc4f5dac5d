"""An answer on its way to the listener: paced a little ahead of playback, and accounted for to the sample."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from typing import TypeAlias

from polytalk.clock import Clock
from polytalk.dialogue.conversation import Item
from polytalk.dialogue.events import DialogueEvent, Said, Spoke
from polytalk.dialogue.turn import FRAME_BYTES, Piece, Turn
from polytalk.media.pcm import duration
from polytalk.types import MOUTH_PARAMS, SPEECH_RATE, Seconds

Emit: TypeAlias = Callable[[DialogueEvent], None]

SLICE_FRAMES = 5
"""Mouth frames a slice: 100 ms of audio, small enough to pace by, large enough to cost little."""


class Delivery:
    """One answer. Nothing of it is emitted after its `run` was cancelled."""

    def __init__(self, response: str, item: Item, turn: Turn, emit: Emit, clock: Clock, send_lead: Seconds) -> None:
        self.response = response
        self.item = item
        self.turn = turn
        self._emit = emit
        self._clock = clock
        self._send_lead = send_lead
        self._frames = 0

    async def run(self) -> None:
        """Send the whole answer and fill its item. Raises the turn's failure after what came before it."""
        async with aclosing(self.turn.pieces()) as pieces:
            async for piece in pieces:
                self._note(piece)
                for audio, mouth in slices(piece):
                    lasts = duration(audio, SPEECH_RATE)
                    await self._pace(lasts)
                    self.turn.playout.send(lasts, self._clock.now())
                    self._emit(Spoke(self.response, self.item.id, audio, mouth, self._frames))
                    self._frames += len(audio) // FRAME_BYTES

    def _note(self, piece: Piece) -> None:
        """Account for the words and the length of a piece before it is sent: it may be cut off in the middle."""
        ends, item = self.turn.playout.sent + duration(piece.audio, SPEECH_RATE), self.item
        if piece.text:
            item.marks.append((ends, piece.text))
            if item.status == "in_progress":  # else the client has said already where it stopped listening
                item.text += piece.text
            self._emit(Said(self.response, item.id, piece.text))
        elif item.marks:  # more audio of the same words
            item.marks[-1] = (ends, item.marks[-1][1])

    def heard(self) -> Seconds:
        """How much of it the listener has played by now."""
        return self.turn.playout.heard(self._clock.now())

    async def _pace(self, lasts: Seconds) -> None:
        """Wait until the lead, with the next slice, is within its bound."""
        now = self._clock.now()
        wait = self.turn.playout.may_send_at(now, max(0.0, self._send_lead - lasts)) - now
        if wait > 0:
            await asyncio.sleep(wait)


def slices(piece: Piece) -> Iterator[tuple[bytes, bytes]]:
    """A piece's audio in slices, each with its mouth frames."""
    audio_step = SLICE_FRAMES * FRAME_BYTES
    mouth_step = SLICE_FRAMES * len(MOUTH_PARAMS)
    for index in range(-(-len(piece.audio) // audio_step)):
        yield (
            piece.audio[index * audio_step : (index + 1) * audio_step],
            piece.mouth[index * mouth_step : (index + 1) * mouth_step],
        )

"""An answer on its way to the listener: paced a little ahead of playback, and accounted for to the sample."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import aclosing
from math import ceil
from typing import TypeAlias

from msgspec.structs import replace

from polytalk.clock import Clock
from polytalk.dialogue.answers.turn import Turn
from polytalk.dialogue.conversation.calls import Calls
from polytalk.dialogue.conversation.items import Item, unheard_text
from polytalk.dialogue.events import Called, DialogueEvent, OutputDone, Said, Spoke
from polytalk.dialogue.faces.face import FRAME_BYTES, Piece, phones_within
from polytalk.dialogue.metronome import Metronome
from polytalk.media.pcm import duration, level
from polytalk.types import MOUTH_PARAMS, MOUTH_RATE, SPEECH_RATE, Phone, Seconds, ToolDelta

Emit: TypeAlias = Callable[[DialogueEvent], None]

SLICE_FRAMES = 20
"""Mouth frames a slice, at most: 400 ms of audio. What a slice costs hardly depends on its length."""
FIRST_FRAMES = 10
"""Of the first slice: it is all that keeps the listener waiting, also on a slow line."""
GAP_WITHIN: Seconds = 0.6
"""An answer that goes on after a break begins in the stillest moment of what was heard so long before it."""

AT_ONCE: Seconds = 1e-7
"""Moments so near are one: floats differ by it, and a beat must not call for itself again."""


class Delivery:
    """One answer. Nothing of it is emitted after its `run` was cancelled."""

    def __init__(
        self,
        response: str,
        item: Item,
        turn: Turn,
        emit: Emit,
        clock: Clock,
        metronome: Metronome,
        send_lead: Seconds,
        first: Piece | None = None,
        begin: Callable[[Item], None] = lambda item: None,
    ) -> None:
        """`item` is the message's, `begin` is called as the first of it, or of a call, is there.

        `first`: what is to be sent before the turn's pieces, left over from a delivery that was broken off.
        """
        self.response = response
        self.item = item
        self.turn = turn
        self.outputs: list[Item] = []
        """What of the answer has begun, in order."""
        self._open: list[Item] = []
        self._begin = begin
        self._calls = Calls({tool.name for tool in turn.settings.tools})
        self._emit = emit
        self._clock = clock
        self._metronome = metronome
        self._send_lead = send_lead
        # Half of the lead at most: the other half is still to be played when the next slice leaves.
        self._slice_frames = max(1, min(SLICE_FRAMES, int(send_lead * MOUTH_RATE / 2)))
        self._first_frames = min(FIRST_FRAMES, self._slice_frames)
        self._frames = 0
        self._first = first
        self._taken: deque[Piece] = deque()
        """From the turn, of which some is not heard yet, and a little more; the last of them is being sent."""
        self._taken_from: Seconds = 0.0
        """Where in this delivery they begin."""
        self._cut = 0
        """Mouth frames of the last of them that are sent."""
        self._sent: asyncio.Future[None] | None = None
        """Done when all of it is."""

    async def run(self) -> None:
        """Send the whole answer and fill its items. Raises BadCall, or the turn's failure after what came before it."""
        if self._first is not None:
            await self._send(self._first)
        async with aclosing(self.turn.pieces()) as pieces:
            async for piece in pieces:
                if piece.call is None:
                    await self._send(piece)
                else:
                    self._call(piece.call)
        self._calls.finish()

    def _enter(self, item: Item) -> None:
        if item not in self.outputs:
            self.outputs.append(item)
            self._open.append(item)
            self._begin(item)

    def close(self) -> list[Item]:
        """Nothing more comes of it: the parts that were not over."""
        left, self._open = self._open, []
        return left

    def _call(self, delta: ToolDelta) -> None:
        item = self._calls.take(delta)
        if item is None:
            return
        if item not in self.outputs and self.item in self._open:
            self._open.remove(self.item)
            if self.item.status == "in_progress":
                self.item.status = "completed"  # all of it was said
            self._emit(OutputDone(self.response, self.item))
        self._enter(item)
        if delta.arguments:
            self._emit(Called(self.response, item.id, item.call_id, delta.arguments))

    async def _send(self, piece: Piece) -> None:
        self._note(piece)
        self._taken.append(piece)
        self._cut = 0
        if self._advance(self._clock.now()):
            return
        self._sent = asyncio.get_running_loop().create_future()
        await self._sent  # cancelled with `run`, at once

    def _advance(self, now: Seconds) -> bool:
        """Send what the lead has room for. Whether it was all of the piece; else the beat goes on with it."""
        piece, playout = self._taken[-1], self.turn.playout
        while (first := self._cut * FRAME_BYTES) < len(piece.audio):
            end = self._cut + (self._slice_frames if self._frames else self._first_frames)
            lasts = (min(end * FRAME_BYTES, len(piece.audio)) - first) / FRAME_BYTES / MOUTH_RATE
            at = playout.may_send_at(now, max(0.0, self._send_lead - lasts))
            if at > now + AT_ONCE:
                self._metronome.at(at, self._send_lead / 10, self._on_beat)
                return False
            playout.send(lasts, now)
            self._emit(self._slice(piece, self._cut, end))
            self._cut = end
        self._forget(now)
        return True

    def _on_beat(self, beat: Seconds) -> None:
        sent = self._sent
        if sent is None or sent.done():
            return  # cancelled meanwhile
        try:
            if self._advance(max(beat, self._clock.now())):
                sent.set_result(None)
        except Exception as error:  # raised by `run`
            sent.set_exception(error)

    def _slice(self, piece: Piece, first: int, end: int) -> Spoke:
        part = cut(piece, first, end)
        begins, self._frames = self._frames, self._frames + len(part.audio) // FRAME_BYTES
        if part.pictures is None:
            return Spoke(self.response, self.item.id, part.audio, part.mouth, begins, phones=part.phones)
        shown_at, pictures = begins / MOUTH_RATE + part.offset, part.pictures
        return Spoke(
            self.response, self.item.id, part.audio, part.mouth, begins, pictures, shown_at, part.fps, part.phones
        )

    def _forget(self, now: Seconds) -> None:
        """What a listener will not have to be told again."""
        heard = self.turn.playout.heard(now)
        while self._taken:
            ends = self._taken_from + duration(self._taken[0].audio, SPEECH_RATE)
            if ends >= heard - GAP_WITHIN:
                break
            self._taken.popleft()
            self._taken_from = ends

    def rest(self) -> tuple[Seconds, Piece]:
        """Of the pieces taken from the turn, what was not heard, from the stillest moment shortly before on; and
        where in this delivery that is."""
        whole, begins = joined(tuple(self._taken)), self._taken_from
        audio = whole.audio
        heard = round((self.heard() - begins) * MOUTH_RATE)
        earliest = max(0, heard - round(GAP_WITHIN * MOUTH_RATE))
        levels = [level(audio[at * FRAME_BYTES : (at + 1) * FRAME_BYTES]) for at in range(earliest, heard)]
        at = earliest + min(range(len(levels)), key=levels.__getitem__) if levels else heard
        position = begins + at / MOUTH_RATE
        text = unheard_text(self.item.marks, position).strip()
        return position, replace(cut(whole, at, len(audio) // FRAME_BYTES), text=text)

    def _note(self, piece: Piece) -> None:
        """Account for the words and the length of a piece before it is sent: it may be cut off in the middle."""
        ends, item = self.turn.playout.sent + duration(piece.audio, SPEECH_RATE), self.item
        self._enter(item)
        if piece.text:
            item.marks.append((ends, piece.text))
            if item.status == "in_progress":  # else the client has said already where it stopped listening
                item.text += piece.text
            self._emit(Said(self.response, item.id, piece.text, self.turn.playout.sent, piece.lasts))
        elif item.marks:  # more audio of the same words
            item.marks[-1] = (ends, item.marks[-1][1])

    def heard(self) -> Seconds:
        """How much of it the listener has played by now."""
        return self.turn.playout.heard(self._clock.now())


def cut(piece: Piece, first: int, end: int) -> Piece:
    """A piece's mouth frames from `first` to before `end`, without its text."""
    step, pictures, offset = len(MOUTH_PARAMS), None, 0.0
    if piece.pictures is not None:
        edges = (ceil((edge / MOUTH_RATE - piece.offset) * piece.fps - 1e-6) for edge in (first, end))
        low, high = (min(max(edge, 0), piece.pictures.count) for edge in edges)
        pictures = piece.pictures.part(low, high) if high > low else None
        offset = piece.offset + low / piece.fps - first / MOUTH_RATE
    audio, mouth = piece.audio[first * FRAME_BYTES : end * FRAME_BYTES], piece.mouth[first * step : end * step]
    phones = phones_within(piece.phones, first / MOUTH_RATE, end / MOUTH_RATE)
    return Piece("", audio, mouth, pictures, piece.fps, offset, phones)


def joined(parts: Sequence[Piece]) -> Piece:
    """Pieces that follow each other as one, without their text."""
    audio, mouth = (b"".join(getattr(part, name) for part in parts) for name in ("audio", "mouth"))
    drawn = [part.pictures for part in parts if part.pictures is not None]
    phones: list[Phone] = []
    begins = 0.0
    for part in parts:
        phones += (Phone(one.symbol, begins + one.start, begins + one.end) for one in part.phones)
        begins += duration(part.audio, SPEECH_RATE)
    if not drawn:
        return Piece("", audio, mouth, phones=tuple(phones))
    first = next(index for index, part in enumerate(parts) if part.pictures is not None)
    offset = parts[first].offset + sum(duration(part.audio, SPEECH_RATE) for part in parts[:first])
    pixels = memoryview(b"".join(one.pixels for one in drawn))
    return Piece("", audio, mouth, replace(drawn[0], pixels=pixels), parts[first].fps, offset, tuple(phones))

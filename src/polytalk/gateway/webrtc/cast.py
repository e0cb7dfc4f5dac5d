"""What goes out of a call: sound every 20 ms, pictures beside it. Encoded once for all who listen and watch."""

import asyncio
from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from polytalk.clock import Clock
from polytalk.dialogue.metronome import Metronome
from polytalk.gateway.webrtc.buffer import OutputBuffer
from polytalk.gateway.webrtc.projector import Projector
from polytalk.media.opus import PACKET, SILENCE, OpusEncoder
from polytalk.media.units import Unit
from polytalk.types import Seconds

Kind: TypeAlias = Literal["audio", "video"]

LONGEST_STALL: Seconds = 1.0
"""After which what was not sent is not made up for: the timeline goes on where the clock is."""
MOST = {"audio": 50, "video": 250}
"""Packets that may wait for one who takes them: a second of sound, ten of pictures."""
CATCH_UP = 30
"""Pictures since the last whole one that are given again to who needs it: all that there are of a face at rest."""
KEY_APART: Seconds = 1.0
"""Between whole pictures that are made because somebody asked: each is ten times as large as others, for everybody."""


class Packet(Struct, frozen=True):
    """Something encoded, and when it is played, from the first beat of the call."""

    data: bytes
    at: Seconds
    key: bool = True
    """Whether it needs no other."""


class Tap:
    """Where one of those who listen or watch takes packets."""

    def __init__(self, kind: Kind, lost: Callable[["Tap"], None]) -> None:
        self.kind = kind
        self.behind = kind == "video"
        """Nothing is of use before the next whole picture."""
        self.helped: Seconds = float("-inf")
        """When it was last given pictures again."""
        self._lost = lost
        self._packets: asyncio.Queue[Packet] = asyncio.Queue(MOST[kind])

    def put(self, packet: Packet) -> None:
        """Hand over; who does not take them loses the old ones."""
        if self._packets.full():
            while not self._packets.empty():
                self._packets.get_nowait()
            if self.kind == "video":
                self.behind = True
                self._lost(self)
        if packet.key:
            self.behind = False
        if not self.behind:
            self._packets.put_nowait(packet)

    async def get(self) -> Packet:
        """The next one."""
        return await self._packets.get()


class Cast:
    """One call's. `run` must be running."""

    def __init__(
        self,
        buffer: OutputBuffer,
        projector: Projector,
        metronome: Metronome,
        clock: Clock,
        key: Callable[[], None],
    ) -> None:
        """`key` is called when somebody needs a whole picture of the answer that is being encoded."""
        self.buffer = buffer
        self.projector = projector
        self._metronome = metronome
        self._clock = clock
        self._key = key
        self._running = False
        self._origin: Seconds | None = None
        self._taps: dict[Kind, list[Tap]] = {"audio": [], "video": []}
        self._encoder: OpusEncoder | None = None
        self._last: Seconds = -1.0
        self._since_key: list[bytes] = []  # the last whole picture and what leans on it, one more than may be given
        self._asked: Seconds = float("-inf")
        self._wanted = False
        self.encoded = 0
        """Packets of sound that were encoded, for however many."""

    @property
    def watched(self) -> bool:
        """Whether anybody sees pictures."""
        return bool(self._taps["video"])

    def tap(self, kind: Kind) -> Tap:
        """One more who listens, or watches."""
        tap = Tap(kind, self.want_key)
        self._taps[kind].append(tap)
        if kind == "video":
            self.want_key(tap)
        return tap

    def leave(self, tap: Tap) -> None:
        """One less."""
        if tap in self._taps[tap.kind]:
            self._taps[tap.kind].remove(tap)
        if not self.watched:
            self._since_key.clear()  # from now on pictures are not looked for

    def resume(self, tap: Tap) -> None:
        """One that has left is back: it needs a whole picture, like one that has just come."""
        if tap not in self._taps[tap.kind]:
            self._taps[tap.kind].append(tap)
            if tap.kind == "video":
                tap.behind = True
                self.want_key(tap)

    def want_key(self, tap: Tap) -> None:
        """One who watches lost a picture, or has just come: the last ones again, or else a whole one for all."""
        now = self._clock.now()
        if 0 < len(self._since_key) <= CATCH_UP and now - tap.helped >= KEY_APART:
            tap.helped = now
            for index, data in enumerate(self._since_key):
                self._last += 0.001
                tap.put(Packet(data, self._last, index == 0))
        elif now - self._asked >= KEY_APART:
            self._ask(now)
        else:
            self._wanted = True

    def _ask(self, now: Seconds) -> None:
        self._asked, self._wanted = now, False
        self._key()

    async def run(self) -> None:
        """Play on every beat, until cancelled."""
        self._running = True
        self._metronome.at(self._clock.now(), 0.0, self._beat)
        try:
            await asyncio.Event().wait()
        finally:
            self._running = False

    def _beat(self, moment: Seconds) -> None:
        if not self._running:
            return
        if self._origin is None:
            self._origin = moment
        self._play(moment - self._origin)
        now = self._clock.now()
        self._metronome.at(moment + PACKET if now - moment < LONGEST_STALL else now, 0.0, self._beat)

    def _play(self, at: Seconds) -> None:
        position = self.buffer.position
        audio = self.buffer.next()
        if audio is not None and self.buffer.position == PACKET:
            position = 0.0
        if audio is None:
            data = SILENCE
        else:
            if self._encoder is None:
                self._encoder = OpusEncoder()
            data = self._encoder.encode(audio)
            self.encoded += 1
        self._give("audio", Packet(data, at))
        if self.watched:
            if self._wanted and (now := self._clock.now()) - self._asked >= KEY_APART:
                self._ask(now)
            for moment, picture in self.projector.next(at, self.buffer.response, position):
                self._last = max(moment, self._last + 0.001)
                self._give("video", Packet(picture.data, self._last, picture.key))
                self._keep(picture)

    def _keep(self, picture: Unit) -> None:
        if picture.key:
            self._since_key.clear()
            self._wanted = False
        if picture.key or 0 < len(self._since_key) <= CATCH_UP:
            self._since_key.append(picture.data)

    def _give(self, kind: Kind, packet: Packet) -> None:
        for tap in self._taps[kind]:
            tap.put(packet)

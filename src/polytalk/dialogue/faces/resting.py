"""Faces at rest for those who are sent pictures: a loop of each, drawn and encoded once for everybody who sees it."""

import asyncio
import logging
from collections import OrderedDict

import numpy as np
from msgspec import Struct

from polytalk.avatar.idle import loop
from polytalk.avatar.terms import PARAMETERS
from polytalk.clock import Clock
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.faces.face import Painter
from polytalk.dialogue.faces.filming import FilmKit
from polytalk.dialogue.ids import new_id
from polytalk.errors import EngineFailed, PolytalkError
from polytalk.media.fragments import Encoding
from polytalk.media.pcm import silence
from polytalk.media.units import Unit, UnitWriter
from polytalk.types import SPEECH_RATE, Pictures, Seconds, Stage, SynthesiseWork

log = logging.getLogger(__name__)

LASTS: Seconds = 8.0
FPS = 12.5
"""Breath and lids need no more, and each picture costs every call one or two packets."""
KEY_EVERY: Seconds = 2.0
SOON: Seconds = 1.0
"""When somebody would like to see it."""
KEPT = 32
"""Loops, of about 400 kB."""


class Reel:
    """A loop's encoded pictures: may be shown while the rest is still being made."""

    def __init__(self, fps: float) -> None:
        self.fps = fps
        self.complete = False
        self._units: list[Unit] = []

    def __len__(self) -> int:
        return len(self._units)

    def extend(self, units: tuple[Unit, ...]) -> None:
        """More of it."""
        self._units.extend(units)

    def at(self, index: int) -> Unit | None:
        """The picture of that number, counted round and round; None while it is not there."""
        if index >= len(self._units) and not self.complete:
            return None
        return self._units[index % len(self._units)] if self._units else None


class Face(Struct, frozen=True):
    """Whose rest, and in which form."""

    avatar: str
    digest: str
    """Of its files: a face that is made anew is another."""
    encoding: Encoding


class Resting:
    """The loops of a process. Raises nothing: a face that can't be drawn has an empty reel."""

    def __init__(self, dispatcher: Dispatcher, kit: FilmKit, clock: Clock) -> None:
        self._dispatcher = dispatcher
        self._kit = kit
        self._clock = clock
        self._reels: OrderedDict[Face, Reel] = OrderedDict()
        self._making: set[asyncio.Task[None]] = set()

    def reel(self, face: Face, painter: Painter) -> Reel:
        """The loop, which is begun if nobody has asked for it yet."""
        reel = self._reels.get(face)
        if reel is None:
            reel = self._reels[face] = Reel(FPS)
            task = asyncio.create_task(self._make(face, painter, reel))
            self._making.add(task)
            task.add_done_callback(self._making.discard)
            if len(self._reels) > KEPT:
                self._reels.popitem(last=False)  # who sees it keeps it
        self._reels.move_to_end(face)
        return reel

    async def close(self) -> None:
        """End what is being made."""
        for task in self._making:
            task.cancel()
        await asyncio.gather(*self._making, return_exceptions=True)

    async def _make(self, face: Face, painter: Painter, reel: Reel) -> None:
        scope = Scope(self._dispatcher, new_id("rest"), 0)
        try:
            await self._draw(scope, face, painter, reel)
        except Exception as error:  # of an engine or an encoder: calls go on without
            self._reels.pop(face, None)
            text = error.message if isinstance(error, PolytalkError) else repr(error)
            log.warning("the face of %s at rest can't be drawn: %s", face.avatar, text)
        finally:
            await self._dispatcher.forget(scope.session)

    async def _draw(self, scope: Scope, face: Face, painter: Painter, reel: Reel) -> None:
        size = (face.encoding.width, face.encoding.height)
        label = self._kit.label(*size)
        writer = await self._kit.compute(lambda: UnitWriter(face.encoding, FPS, None, label))
        moves = loop(painter.motion, LASTS, FPS)
        rows = np.array([[move.get(name, 0.0) for name in PARAMETERS] for move in moves], "<f4")
        step = round(KEY_EVERY * FPS)
        for first in range(0, len(rows), step):
            part = rows[first : first + step]
            lasts = len(part) / FPS
            audio = silence(lasts, SPEECH_RATE) if painter.hears else b""
            work = SynthesiseWork(
                face.avatar, painter.folder, PARAMETERS, part.tobytes(), size, "full", FPS, audio, 0.0
            )
            asked = await scope.ask(Stage.SYNTHESISE, painter.engine, work, self._clock.now() + SOON)
            pictures = await asked.only()
            if not isinstance(pictures, Pictures) or pictures.count != len(part):
                raise EngineFailed(f"{painter.engine} gave something else than {len(part)} pictures")
            writer.wants_key = True
            reel.extend(await self._kit.compute(lambda given=pictures: writer.push(b"", given)))  # type: ignore[misc]
        reel.complete = True

"""Faces that will be drawn soon are opened before anybody waits for a picture, in what others leave of the machine."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable

import numpy as np

from polytalk.avatar.drawn.book import spoken
from polytalk.avatar.photo.codebook import MOUTH
from polytalk.avatar.terms import PARAMETERS
from polytalk.dialogue.faces.face import Painter
from polytalk.dialogue.faces.idling import Compute
from polytalk.engines.base import Rehearses, SynthesiseEngine
from polytalk.errors import PolytalkError
from polytalk.types import Seconds, SynthesiseWork

log = logging.getLogger(__name__)

MOUTHS = 24
"""That speech takes most: the others are drawn as they come."""
KNOWN = 32
"""Faces that are remembered as opened; processes keep fewer, and open again what they are asked for."""
WAITING = 16
"""Faces that may be wanted at once and are not open."""
FAR: Seconds = 60.0
"""Whoever waits for a slot goes first."""


class Foresight:
    """Of one process. Nothing is raised: a face that can't be opened now is opened when it is drawn."""

    def __init__(
        self, find: Callable[[str], tuple[SynthesiseEngine, Painter]], compute: Compute, processes: int
    ) -> None:
        """`find` gives who draws an avatar, and raises BadInput; `processes` is how many draw at once."""
        self._find, self._compute, self._processes = find, compute, processes
        self._done: OrderedDict[tuple[str, int], None] = OrderedDict()
        self._tasks: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._one = asyncio.Lock()

    def want(self, avatar: str, size: int) -> None:
        """Pictures of this side will be asked for."""
        try:
            engine, painter = self._find(avatar)
        except PolytalkError:
            return
        key = f"{painter.looks} {avatar}", size
        if not isinstance(engine, Rehearses) or key in self._tasks or len(self._tasks) == WAITING:
            return
        if key in self._done:
            self._done.move_to_end(key)
            return
        task = self._tasks[key] = asyncio.create_task(self._open(key, engine, _work(avatar, size, painter)))
        task.add_done_callback(lambda _: self._tasks.pop(key))

    async def settled(self) -> None:
        """When all that is wanted is open."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def close(self) -> None:
        """End what is under way."""
        for task in self._tasks.values():
            task.cancel()

    async def _open(self, key: tuple[str, int], engine: Rehearses, work: SynthesiseWork) -> None:
        async with self._one:  # a slot of the cores at most
            try:
                for _ in range(self._processes):
                    if not await self._compute(lambda: engine.rehearse(work, self._processes), FAR):
                        break
            except (PolytalkError, OSError) as error:
                log.warning("the face of %s can't be opened beforehand: %s", work.avatar, error)
                return
        self._done[key] = None
        if len(self._done) > KNOWN:
            self._done.popitem(last=False)


def _work(avatar: str, size: int, painter: Painter) -> SynthesiseWork:
    """What it says most, in the pose in which it says it."""
    pose = dict(painter.motion.poses.speaking)
    rows = [
        [{**pose, **dict(zip(MOUTH, mouth, strict=True))}.get(name, 0.0) for name in PARAMETERS] for mouth in _said()
    ]
    return SynthesiseWork(avatar, painter.folder, PARAMETERS, np.array(rows, "<f4").tobytes(), (size, size))


def _said() -> list[list[float]]:
    mouths: list[list[float]] = spoken()[0][:MOUTHS].tolist()
    return mouths

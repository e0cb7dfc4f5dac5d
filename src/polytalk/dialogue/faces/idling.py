"""Faces at rest, as films without sound: made once for all who look at them.

Each begins and ends in the pose that answers begin in, so that it repeats, and an answer follows, without a jump.
"""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Final, Literal, Protocol, TypeAlias, TypeVar, get_args

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from polytalk.avatar.library import Bundle
from polytalk.avatar.motion import at_rest
from polytalk.avatar.terms import PARAMETERS
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.faces.face import FaceEngines
from polytalk.dialogue.faces.filming import FilmKit
from polytalk.dialogue.faces.pipeline import Step, in_order
from polytalk.dialogue.ids import new_id
from polytalk.errors import EngineFailed, Shed
from polytalk.media.fragments import VideoCodec
from polytalk.media.loop import LoopWriter
from polytalk.types import Pictures, Seconds, Stage, SynthesiseWork

T = TypeVar("T")
Rest: TypeAlias = Literal["idle", "listening", "thinking"]
RESTS: Final[tuple[Rest, ...]] = get_args(Rest)
FPS: Final = 25
LASTS: Final[dict[Rest, Seconds]] = {"idle": 8.0, "listening": 6.0, "thinking": 5.0}
AHEAD = 2
"""Runs of a second that are drawn at once, as in an answer."""
WITHIN: Seconds = 3.0
"""When they are due: live speech goes first."""
KEPT_BYTES = 32 << 20
WAITING = 16
"""Films that may be wanted at once and are not there."""


class Order(Struct, frozen=True):
    """Which film."""

    avatar: str
    digest: str
    """Of the avatar's files: another avatar may come to have its name."""
    state: Rest
    size: int
    codec: VideoCodec


class Compute(Protocol):
    """Runs something on a slot of the pool."""

    def __call__(self, work: Callable[[], T], within: Seconds = 0.0, /) -> Awaitable[T]:
        """Its result. Raises what it raises."""
        ...


class Idling:
    """Keeps the films that were looked at last."""

    def __init__(self, dispatcher: Dispatcher, faces: FaceEngines, compute: Compute, kit: FilmKit) -> None:
        self._dispatcher = dispatcher
        self._faces = faces
        self._compute = compute
        self._kit = kit
        self._kept: OrderedDict[Order, bytes] = OrderedDict()
        self._making: dict[Order, asyncio.Task[bytes]] = {}
        self._one = asyncio.Lock()

    async def film(self, avatar: Bundle, state: Rest, size: int, codec: VideoCodec) -> bytes:
        """An MP4 of `LASTS`. Raises BadInput for who can't be drawn here, Shed, or what an engine raised."""
        order = Order(avatar.id, avatar.digest, state, size, codec)
        if order in self._kept:
            self._kept.move_to_end(order)
            return self._kept[order]
        if order not in self._making:
            if len(self._making) >= WAITING:
                raise Shed("too many films of faces at rest are being made; ask again", retry_after=WITHIN)
            task = self._making[order] = asyncio.create_task(self._make(avatar, order))
            task.add_done_callback(lambda _: self._making.pop(order))
        return await asyncio.shield(self._making[order])

    def close(self) -> None:
        """End what is under way."""
        for task in self._making.values():
            task.cancel()

    async def _make(self, avatar: Bundle, order: Order) -> bytes:
        painter = self._faces.painter(avatar.id)
        moves = [*at_rest(painter.motion, order.state, LASTS[order.state], FPS)]
        rows = np.array([[move.get(name, 0.0) for name in PARAMETERS] for move in moves], "<f4")
        scope = Scope(self._dispatcher, new_id("idle"), 0)
        tags, label = self._kit.tags(), self._kit.label(order.size, order.size)

        async def draw(part: NDArray[np.float32]) -> Pictures:
            work = SynthesiseWork(
                avatar.id, painter.folder, PARAMETERS, part.tobytes(), (order.size, order.size), fps=FPS
            )
            asked = await scope.ask(Stage.SYNTHESISE, painter.engine, work, scope.clock.now() + WITHIN)
            drawn = await asked.only()
            if not isinstance(drawn, Pictures) or drawn.count != len(part):
                raise EngineFailed(f"{painter.engine} was asked for {len(part)} pictures and gave something else")
            return drawn

        async def steps() -> AsyncGenerator[Step[Pictures], None]:
            for first in range(0, len(rows), FPS):
                yield draw(rows[first : first + FPS])

        async with self._one:  # one encoder, and one face's pictures in memory
            writer = LoopWriter(order.size, FPS, order.codec, tags, label)
            async for pictures in in_order(steps(), AHEAD):
                await self._compute(partial(writer.write, pictures), WITHIN)
            made = await self._compute(writer.finish, WITHIN)
        self._kept[order] = made
        while sum(map(len, self._kept.values())) > KEPT_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return made

"""A session's answers as films: what it speaks and shows is encoded on the pool's threads, in order, as it comes.

    Spoke ─▶ a short queue ─▶ a slot of the pool ─▶ FilmBegun, FilmPart …, FilmOver

An interruption drops what waits here, and what is encoded just then. When encoding falls behind, pictures are left out
and the one before them stays: the sound is never left out.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from polytalk.dialogue.events import Spoke
from polytalk.media.fragments import Encoding
from polytalk.media.labels import VisibleLabel
from polytalk.types import Pictures, Seconds

log = logging.getLogger(__name__)

T = TypeVar("T")
D = TypeVar("D")
"""What a writer gives: a film's fragments, or its access units."""
D_co = TypeVar("D_co", covariant=True)
MOST_WAITING = 8
"""Slices with pictures (4 MB each) that may wait for the encoder."""
FPS = 25.0
"""Of an answer whose first slice does not say."""


class FilmBegun(Struct, frozen=True):
    """An answer's film begins."""

    response: str
    item: str
    mime: str
    """Media type and codecs, as browsers want them."""
    init: bytes
    """The init segment."""


class FilmPart(Struct, Generic[D], frozen=True):
    """More of it."""

    response: str
    item: str
    data: D


class FilmOver(Struct, frozen=True):
    """All of it was given."""

    response: str
    item: str


Shot: TypeAlias = FilmBegun | FilmPart[bytes] | FilmOver


class Writer(Protocol[D_co]):
    """Encodes one answer, on one thread at a time."""

    mime: str
    init: bytes

    def push(self, audio: bytes, pictures: Pictures | None = None, shown_at: Seconds = 0.0) -> D_co:
        """More of the answer; what is encoded by now."""
        ...

    def finish(self) -> D_co:
        """The rest."""
        ...


OpenWriter: TypeAlias = Callable[[Encoding, float, Mapping[str, str], VisibleLabel | None], Writer[D]]
"""By encoding, pictures a second, metadata and label."""


class Compute(Protocol):
    """Runs something on a slot of the pool."""

    def __call__(self, work: Callable[[], T], /) -> Awaitable[T]:
        """Its result. Raises what it raises."""
        ...


class FilmKit(Struct, frozen=True):
    """What films are made with."""

    compute: Compute
    learn: Callable[[Seconds, int], None] = lambda seconds, pictures: None
    """Told how long how many pictures took."""
    tags: Callable[[], Mapping[str, str]] = dict
    """Metadata of a film."""
    label: Callable[[int, int], VisibleLabel | None] = lambda width, height: None
    """What is printed on pictures of that size."""


class _End(Struct, frozen=True):
    response: str
    item: str
    then: Callable[[], None]


class _Warm(Struct, frozen=True):
    encoding: Encoding
    fps: float


class Filming(Generic[D]):
    """One session's. `run` must be running; the rest returns at once."""

    def __init__(
        self, kit: FilmKit, show: Callable[[FilmBegun | FilmPart[D] | FilmOver], None], write: OpenWriter[D]
    ) -> None:
        self._kit = kit
        self._show = show
        self._write = write
        self._waiting: deque[tuple[Spoke, Encoding] | _Warm | _End] = deque()
        self._changed = asyncio.Event()
        self._live: str | None = None
        self._writer: Writer[D] | None = None
        self._spare: tuple[_Warm, Writer[D]] | None = None
        """Opened for the next film: that takes some milliseconds, tens on busy cores."""
        self.failed = False
        """Set for good when the encoder does not work."""

    def warm(self, encoding: Encoding, fps: float) -> None:
        """A film like this will probably begin soon."""
        self._waiting.append(_Warm(encoding, fps))
        self._changed.set()

    def add(self, spoke: Spoke, encoding: Encoding) -> None:
        """Sound of an answer and the pictures shown during it."""
        if sum(isinstance(one, tuple) for one in self._waiting) >= MOST_WAITING:
            spoke = replace(spoke, pictures=None)
        self._live = spoke.response
        self._waiting.append((spoke, encoding))
        self._changed.set()

    def end(self, response: str, item: str, then: Callable[[], None]) -> None:
        """No more of an answer comes; `then` is called when all of it is shown, or is not to be shown any more."""
        self._waiting.append(_End(response, item, then))
        self._changed.set()

    def drop(self, response: str) -> None:
        """Nothing of an answer is shown from now on."""
        if self._live == response:
            self._live = None
        self._waiting = deque(one for one in self._waiting if not isinstance(one, tuple) or one[0].response != response)

    async def run(self) -> None:
        """Encode, until cancelled."""
        while True:
            while not self._waiting:
                self._changed.clear()
                await self._changed.wait()
            what = self._waiting.popleft()
            if isinstance(what, _End):
                await self._finish(what)
            elif isinstance(what, _Warm):
                await self._guarded(self._prepare(what))
            elif self._live == what[0].response:
                await self._guarded(self._encode(*what))

    async def _encode(self, spoke: Spoke, encoding: Encoding) -> None:
        if spoke.first_frame == 0 or self._writer is None:
            writer = self._writer = await self._open(_Warm(encoding, spoke.fps or FPS))
            if self._live == spoke.response:
                self._show(FilmBegun(spoke.response, spoke.item, writer.mime, writer.init))
        writer, began = self._writer, 0.0

        def push() -> D:
            nonlocal began
            began = perf_counter()
            return writer.push(spoke.audio, spoke.pictures, spoke.shown_at)

        data = await self._kit.compute(push)
        if spoke.pictures is not None:
            self._kit.learn(perf_counter() - began, spoke.pictures.count)
        if data and self._live == spoke.response:
            self._show(FilmPart(spoke.response, spoke.item, data))

    async def _prepare(self, wanted: _Warm) -> None:
        if self._spare is None or self._spare[0] != wanted:
            self._spare = wanted, await self._open(wanted)

    async def _open(self, wanted: _Warm) -> Writer[D]:
        spare, self._spare = self._spare, None
        if spare is not None and spare[0] == wanted:
            return spare[1]
        encoding, tags = wanted.encoding, self._kit.tags()
        label = self._kit.label(encoding.width, encoding.height)
        return await self._kit.compute(lambda: self._write(encoding, wanted.fps, tags, label))

    async def _finish(self, end: _End) -> None:
        writer, self._writer = self._writer, None
        if writer is not None and self._live == end.response:
            await self._guarded(self._close(writer, end))
        end.then()

    async def _close(self, writer: Writer[D], end: _End) -> None:
        data = await self._kit.compute(writer.finish)
        if self._live == end.response:
            if data:
                self._show(FilmPart(end.response, end.item, data))
            self._show(FilmOver(end.response, end.item))

    async def _guarded(self, work: Awaitable[Any]) -> None:
        """The encoder is a library that may fail: then the session goes on without films."""
        try:
            await work
        except Exception:
            log.exception("a film can't be encoded; this session goes on without")
            self.failed, self._writer, self._live = True, None, None

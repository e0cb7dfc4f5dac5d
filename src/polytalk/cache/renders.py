"""Renderings by key: looked for where they are kept, else made once for all who ask meanwhile, and kept."""

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from polytalk.cache.key import Digest, Key, digest
from polytalk.cache.single_flight import Make, Reader, SingleFlight
from polytalk.cache.tiers import Tiers
from polytalk.types import MouthFrames, Result, Speech, Vector

log = logging.getLogger(__name__)

Kept: TypeAlias = Speech | MouthFrames | Vector
_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(tuple[Kept, ...])

LARGEST = 16 << 20
"""Bytes of one rendering that is kept and shared: some five minutes of speech."""


@dataclass
class Asked:
    """How requests were served."""

    requests: int = 0
    kept: int = 0
    """Found in a tier."""
    shared: int = 0
    """Found under way."""
    computed: int = 0


class Renders:
    """What speaks and moves mouths asks here first."""

    def __init__(self, tiers: Tiers | None = None) -> None:
        """Without tiers nothing is kept, and equal work is still done once."""
        self.tiers = tiers
        self.asked = Asked()
        self._flights: SingleFlight[tuple[Digest, str], Result] = SingleFlight(size_of, LARGEST)

    @property
    def busy(self) -> int:
        """Computations and look-ups under way."""
        return len(self._flights)

    def read(
        self, key: Key, make: Make[Result], *, lane: str = "", keep: bool = True, lasting: bool = False
    ) -> Reader[Result]:
        """The results of `make` for the key, which begins at once unless they are there.

        Only those of one `lane` share a computation: nobody live waits for one that has all night. `keep` is False for
        what can't be told from what the same words will give tomorrow. `lasting`: on disk from the first time on.
        """
        name = digest(key)
        joined = self._flights.joined
        reader = self._flights.join((name, lane), lambda: self._make(name, make, keep, lasting))
        self.asked.requests += 1
        self.asked.shared += self._flights.joined - joined
        return reader

    async def _make(self, name: Digest, make: Make[Result], keep: bool, lasting: bool) -> AsyncGenerator[Result, None]:
        tiers = self.tiers if keep else None
        if tiers is not None and (found := await self._find(tiers, name)) is not None:
            self.asked.kept += 1
            for kept in found:
                yield kept
            return
        self.asked.computed += 1
        made: list[Result] = []
        size = 0
        async with aclosing(make()) as results:
            async for result in results:
                size += size_of(result)
                if size <= LARGEST:
                    made.append(result)
                yield result
        if tiers is not None and made and size <= LARGEST:
            await tiers.put(name, _encoder.encode(made), at_once=lasting)

    async def _find(self, tiers: Tiers, name: Digest) -> tuple[Kept, ...] | None:
        data = await tiers.get(name)
        if data is None:
            return None
        try:
            return _decoder.decode(data)
        except msgspec.DecodeError as error:  # whole, as its checksum says, but written by a program that differs
            log.warning("the cache entry %s can't be read (%s); it is made anew", name, error)
            await tiers.drop(name)
            return None


def size_of(result: Result) -> int:
    """Bytes that a result takes, roughly."""
    match result:
        case Speech():
            return len(result.audio) + 64 * len(result.phones)
        case MouthFrames():
            return len(result.frames)
        case Vector():
            return len(result.values)
        case _:
            return 64

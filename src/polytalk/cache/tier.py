"""The port of a place where renderings are kept, and its figures."""

from dataclasses import dataclass
from typing import Protocol

from polytalk.cache.key import Digest


@dataclass
class Tally:
    """What happened at one tier since the process began."""

    hits: int = 0
    misses: int = 0
    hit_bytes: int = 0
    evicted: int = 0
    refused: int = 0
    """Offered, and not worth what would have had to go for it."""
    corrupt: int = 0
    """Entries that were damaged, and dropped."""


class Tier(Protocol):
    """Memory and disk are two; a store that many machines share (Valkey, say) would be a third.

    A tier may forget anything at any time, and never gives bytes other than those it was given.
    """

    name: str
    tally: Tally

    @property
    def capacity(self) -> int:
        """Bytes it may hold; 0 when it is off."""
        ...

    @property
    def used(self) -> int:
        """Bytes it holds."""
        ...

    def __len__(self) -> int:
        """Entries it holds."""
        ...

    async def get(self, key: Digest) -> bytes | None:
        """What is kept under the key. Never raises: a failing tier is an empty one."""
        ...

    async def put(self, key: Digest, data: bytes, *, at_once: bool = False) -> bool:
        """Offer an entry; whether it is kept. `at_once`: however seldom it was asked for. Never raises."""
        ...

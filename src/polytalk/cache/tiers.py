"""Memory before disk: what is found below is kept above, and what is wanted again above is written below."""

import asyncio
import contextlib

from polytalk.cache.disk import DiskTier
from polytalk.cache.key import Digest
from polytalk.cache.memory import MemoryTier

WAITING = 256
"""Entries that may wait to be written; beyond it they stay in memory only."""


class Tiers:
    """A rendering is looked for from the fastest tier to the slowest."""

    def __init__(self, memory: MemoryTier, disk: DiskTier) -> None:
        self.memory = memory
        self.disk = disk
        self._to_write: asyncio.Queue[tuple[Digest, bytes]] = asyncio.Queue(WAITING)

    @property
    def all(self) -> tuple[MemoryTier, DiskTier]:
        """Fastest first."""
        return self.memory, self.disk

    async def run(self) -> None:
        """Write what is to be written, until cancelled. Nobody who listens waits for a disk."""
        while True:
            key, data = await self._to_write.get()
            await self.disk.put(key, data)

    async def get(self, key: Digest) -> bytes | None:
        """From wherever it is kept."""
        data = self.memory.look(key)
        if data is None:
            data = await self.disk.get(key)
            if data is not None:
                await self.memory.put(key, data)
        elif self.disk.wants(key):
            self._write_later(key, data)
        return data

    async def put(self, key: Digest, data: bytes, *, at_once: bool = False) -> None:
        """Keep a rendering. `at_once`: on disk too, before this returns, however seldom it was asked for."""
        await self.memory.put(key, data)
        if at_once:
            await self.disk.put(key, data, at_once=True)
        elif self.disk.due(key):
            self._write_later(key, data)

    async def drop(self, key: Digest) -> None:
        """Forget an entry that turned out to be of no use."""
        self.memory.drop(key)
        await self.disk.drop(key)

    def _write_later(self, key: Digest, data: bytes) -> None:
        with contextlib.suppress(asyncio.QueueFull):
            self._to_write.put_nowait((key, data))

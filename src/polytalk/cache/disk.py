"""What outlives the process: files in a folder, chosen as memory's are, read and written on a thread of their own."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from polytalk.cache import files, shown
from polytalk.cache.key import Digest
from polytalk.cache.sieve import Sieve
from polytalk.cache.tier import Tally

R = TypeVar("R")
log = logging.getLogger(__name__)

WANTED = 2
"""Requests that make an entry worth a file: most sentences of a conversation are never said again."""


class DiskTier:
    """A `Tier`. Several processes may use one folder: each keeps to its capacity what it knows of.

    When the folder can't be written, the tier says so once and is off from then on; what it holds can be read still.
    """

    name = "disk"

    def __init__(self, folder: Path, capacity: int) -> None:
        self.tally = Tally()
        self.folder = folder
        self._sieve: Sieve[Digest] = Sieve(capacity)
        self._writing = capacity > 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cache")

    def __len__(self) -> int:
        return len(self._sieve)

    @property
    def capacity(self) -> int:
        """See Tier."""
        return self._sieve.capacity if self._writing else 0

    @property
    def used(self) -> int:
        """See Tier."""
        return self._sieve.used

    async def open(self) -> None:
        """Look at what is there, sweep away what a crash left, and prune to the capacity."""
        if not self._writing:
            return
        try:
            found = await self._do(lambda: sorted(files.scan(self.folder), key=lambda file: file.asked))
        except OSError as error:
            self._give_up(error)
            return
        gone: list[Digest] = []
        for file in found:
            kept, evicted = self._sieve.admit(file.key, file.size, at_once=True)
            gone += evicted if kept else [file.key]
        await self._remove(gone)

    def wants(self, key: Digest) -> bool:
        """Somebody asked for an entry that memory gave: whether to offer it here, as it was wanted before."""
        return not self._sieve.ask(key) and self.due(key)

    def due(self, key: Digest) -> bool:
        """Whether it was asked for often enough to be worth a file."""
        return self._writing and self._sieve.asked(key) >= WANTED

    async def get(self, key: Digest) -> bytes | None:
        """See Tier. Looks at the disk even if it knows of no such entry: another process may have written it."""
        if self._sieve.capacity == 0:
            return None
        known = self._sieve.ask(key)
        try:
            data = await self._do(lambda: files.read(self.folder, key))
        except FileNotFoundError:
            data = None
        except files.Damaged as error:
            log.warning("the cache entry %s is damaged; it is dropped and made anew", error)
            self.tally.corrupt += 1
            await self._remove([key])
            data = None
        except OSError as error:
            self._give_up(error)
            data = None
        if data is None:
            self.tally.misses += 1
            if known and key in self._sieve:
                self._sieve.drop(key)
            return None
        self.tally.hits += 1
        self.tally.hit_bytes += len(data)
        if not known:
            await self._admit(key, len(data) + files.HEADER, at_once=True)
        return data

    async def put(self, key: Digest, data: bytes, *, at_once: bool = False) -> bool:
        """See Tier."""
        if not self._writing:
            return False
        wanted = at_once or self.due(key)
        if not wanted or not await self._admit(key, len(data) + files.HEADER, at_once=at_once):
            self.tally.refused += 1
            return False
        try:
            await self._do(lambda: files.write(self.folder, key, data))
        except OSError as error:
            if key in self._sieve:
                self._sieve.drop(key)
            self._give_up(error)
            return False
        return True

    async def drop(self, key: Digest) -> None:
        """Forget an entry, if it is there."""
        if key in self._sieve:
            self._sieve.drop(key)
        await self._remove([key])

    async def note(self, avatar: Digest, entry: Digest) -> None:
        """An entry that is about to be put shows an avatar: it goes when the avatar does. Never raises."""
        if not self._writing:
            return
        try:
            await self._do(lambda: shown.note(self.folder, avatar, entry))
        except OSError as error:
            self._give_up(error)  # and so it is not put either

    async def prune(self, capacity: int = 0) -> int:
        """Drop the oldest until `capacity` bytes are left; how many bytes that freed."""
        gone: list[Digest] = []
        freed, used = 0, self._sieve.used
        for key in self._sieve:
            if used - freed <= capacity:
                break
            freed += self._sieve.size(key)
            gone.append(key)
        for key in gone:
            self._sieve.drop(key)
        await self._remove(gone)
        return freed

    def close(self) -> None:
        """Let what is being written be written, and the thread go."""
        self._thread.shutdown(wait=True)

    async def _admit(self, key: Digest, size: int, *, at_once: bool = False) -> bool:
        kept, gone = self._sieve.admit(key, size, at_once=at_once)
        self.tally.evicted += len(gone)
        await self._remove(gone)
        return kept

    async def _remove(self, keys: Iterable[Digest]) -> None:
        keys = tuple(keys)
        if not keys:
            return

        def unlink() -> None:
            for key in keys:
                files.remove(self.folder, key)

        try:
            await self._do(unlink)
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        if self._writing:
            log.warning("the cache in %s is off: %s. Free some space, or set cache.folder", self.folder, error)
        self._writing = False

    async def _do(self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

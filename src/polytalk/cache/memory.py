"""What is kept in this process, for what is asked for all the time."""

from polytalk.cache.key import Digest
from polytalk.cache.sieve import Sieve
from polytalk.cache.tier import Tally


class MemoryTier:
    """A `Tier`; its own methods do not wait."""

    name = "memory"

    def __init__(self, capacity: int) -> None:
        self.tally = Tally()
        self._sieve: Sieve[Digest] = Sieve(capacity)
        self._data: dict[Digest, bytes] = {}

    def __len__(self) -> int:
        return len(self._data)

    @property
    def capacity(self) -> int:
        """See Tier."""
        return self._sieve.capacity

    @property
    def used(self) -> int:
        """See Tier."""
        return self._sieve.used

    def look(self, key: Digest) -> bytes | None:
        """`get` without waiting."""
        if self._sieve.ask(key):
            data = self._data[key]
            self.tally.hits += 1
            self.tally.hit_bytes += len(data)
            return data
        self.tally.misses += 1
        return None

    async def get(self, key: Digest) -> bytes | None:
        """See Tier."""
        return self.look(key)

    async def put(self, key: Digest, data: bytes, *, at_once: bool = False) -> bool:
        """See Tier."""
        kept, gone = self._sieve.admit(key, len(data), at_once=at_once)
        for old in gone:
            del self._data[old]
        self.tally.evicted += len(gone)
        if kept:
            self._data[key] = data
        else:
            self._data.pop(key, None)
            self.tally.refused += 1
        return kept

    def clear(self) -> None:
        """Forget everything."""
        for key in list(self._data):
            self.drop(key)

    def drop(self, key: Digest) -> None:
        """Forget an entry, if it is there."""
        if self._data.pop(key, None) is not None:
            self._sieve.drop(key)

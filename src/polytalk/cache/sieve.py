"""What a cache of so many bytes keeps: SIEVE's order, and a newcomer must be wanted more than what it drives out.

Entries stand in the order in which they came. A hand walks from the oldest to the newest; what was asked for since it
last passed it spares, the first that was not it points at (Zhang et al., "SIEVE is Simpler than LRU", NSDI 2024).
That entry goes, unless it was asked for more often than the newcomer (Einziger et al., "TinyLFU", 2017); then the
newcomer stays out. Plain LRU is the same without both, and keeps two thirds as much of what will be asked for again
(docs/adr/0016-what-the-cache-keeps.md).
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from polytalk.cache.frequency import Frequency

K = TypeVar("K", bound=Hashable)


@dataclass(eq=False, slots=True)
class _Entry(Generic[K]):
    key: K
    size: int
    asked: bool = False
    older: "_Entry[K] | None" = None
    newer: "_Entry[K] | None" = None


class Sieve(Generic[K]):
    """Decides; the bytes themselves are somebody else's. Every step takes constant time, amortised."""

    def __init__(self, capacity: int) -> None:
        """`capacity` in bytes. Raises ValueError for a negative one."""
        if capacity < 0:
            raise ValueError(f"a cache can't have {capacity} bytes")
        self.capacity = capacity
        self.used = 0
        """Bytes of all entries; never more than `capacity`."""
        self._entries: dict[K, _Entry[K]] = {}
        self._oldest: _Entry[K] | None = None
        self._newest: _Entry[K] | None = None
        self._hand: _Entry[K] | None = None
        self._frequency = Frequency()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        """Oldest first."""
        return iter(self._entries)

    def size(self, key: K) -> int:
        """Bytes of an entry. Raises KeyError."""
        return self._entries[key].size

    def ask(self, key: K) -> bool:
        """Somebody wants it; whether it is kept."""
        self._frequency.note(key, len(self._entries))
        entry = self._entries.get(key)
        if entry is not None:
            entry.asked = True
        return entry is not None

    def asked(self, key: K) -> int:
        """About how often it was asked for of late."""
        return self._frequency.of(key)

    def admit(self, key: K, size: int, *, at_once: bool = False) -> tuple[bool, list[K]]:
        """Offer an entry: whether it is kept now, and what had to go for it.

        `at_once` passes over the comparison with what would go; only an entry larger than the whole is refused then.
        """
        if key in self._entries:
            self.drop(key)
        if size > self.capacity:
            return False, []
        gone: list[K] = []
        while self.used + size > self.capacity:
            victim = self._point()
            if not at_once and self._frequency.of(victim.key) > self._frequency.of(key):
                self._hand = victim.newer  # the next newcomer is compared with another
                return False, gone
            self.drop(victim.key)
            gone.append(victim.key)
        self._append(_Entry(key, size))
        return True, gone

    def drop(self, key: K) -> None:
        """Forget an entry. Raises KeyError when it is not kept."""
        entry = self._entries.pop(key)
        self.used -= entry.size
        if self._hand is entry:
            self._hand = entry.newer
        if entry.older is None:
            self._oldest = entry.newer
        else:
            entry.older.newer = entry.newer
        if entry.newer is None:
            self._newest = entry.older
        else:
            entry.newer.older = entry.older

    def _point(self) -> _Entry[K]:
        """The first entry from the hand on that nobody asked for since the hand last passed."""
        entry = self._hand or self._oldest
        assert entry is not None
        while entry.asked:
            entry.asked = False
            entry = entry.newer or self._oldest
            assert entry is not None
        self._hand = entry
        return entry

    def _append(self, entry: _Entry[K]) -> None:
        self._entries[entry.key] = entry
        self.used += entry.size
        entry.older = self._newest
        if self._newest is None:
            self._oldest = entry
        else:
            self._newest.newer = entry
        self._newest = entry

"""Other ways to choose what a cache keeps, to measure ours against: each is a few lines, none is in use."""

import heapq
from collections import OrderedDict, deque
from typing import Protocol

NEVER = 1 << 62


class Policy(Protocol):
    """A cache of `capacity` bytes, as far as its decisions go."""

    def ask(self, key: int, size: int) -> bool:
        """One request: whether it was a hit; a miss may be kept from now on."""
        ...


class PlainLru:
    """Keeps everything new, drops what was asked for longest ago."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.used = capacity, 0
        self.kept: OrderedDict[int, int] = OrderedDict()

    def ask(self, key: int, size: int) -> bool:
        if key in self.kept:
            self.kept.move_to_end(key)
            return True
        self.kept[key] = size
        self.used += size
        while self.used > self.capacity:
            self.used -= self.kept.popitem(last=False)[1]
        return False


class Sieve:
    """SIEVE (Zhang et al., NSDI 2024): a hand walks from old to new, and drops what nobody asked for since."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.used = capacity, 0
        self.sizes: dict[int, int] = {}
        self.seen: dict[int, bool] = {}
        self.older: dict[int, int | None] = {}
        self.newer: dict[int, int | None] = {}
        self.head: int | None = None
        self.tail: int | None = None
        self.hand: int | None = None

    def ask(self, key: int, size: int) -> bool:
        if key in self.sizes:
            self.seen[key] = True
            return True
        while self.sizes and self.used + size > self.capacity:
            self._evict()
        if size <= self.capacity:
            self.sizes[key], self.seen[key] = size, False
            self.older[key], self.newer[key] = self.head, None
            if self.head is not None:
                self.newer[self.head] = key
            self.head = key
            self.tail = key if self.tail is None else self.tail
            self.used += size
        return False

    def _evict(self) -> None:
        at = self.hand if self.hand is not None else self.tail
        while at is not None and self.seen[at]:
            self.seen[at] = False
            at = self.newer[at] if self.newer[at] is not None else self.tail
        assert at is not None
        older, newer = self.older.pop(at), self.newer.pop(at)
        self.hand = newer
        if older is None:
            self.tail = newer
        else:
            self.newer[older] = newer
        if newer is None:
            self.head = older
        else:
            self.older[newer] = older
        self.used -= self.sizes.pop(at)
        del self.seen[at]


class S3Fifo:
    """S3-FIFO (Yang et al., SOSP 2023): a small queue on trial, a main queue with second chances, a list of ghosts."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.small: deque[int] = deque()
        self.main: deque[int] = deque()
        self.ghosts: OrderedDict[int, int] = OrderedDict()
        self.sizes: dict[int, int] = {}
        self.count: dict[int, int] = {}
        self.small_used = self.main_used = self.ghost_used = 0

    def ask(self, key: int, size: int) -> bool:
        if key in self.sizes:
            self.count[key] = min(3, self.count[key] + 1)
            return True
        while self.sizes and self.small_used + self.main_used + size > self.capacity:
            if self.small_used >= self.capacity // 10 or not self.main:
                self._evict_small()
            else:
                self._evict_main()
        if size > self.capacity:
            return False
        self.sizes[key], self.count[key] = size, 0
        if key in self.ghosts:
            self.ghost_used -= self.ghosts.pop(key)
            self.main.append(key)
            self.main_used += size
        else:
            self.small.append(key)
            self.small_used += size
        return False

    def _evict_small(self) -> None:
        while self.small:
            key = self.small.popleft()
            size = self.sizes[key]
            self.small_used -= size
            if self.count[key] > 1:
                self.count[key] = 0
                self.main.append(key)
                self.main_used += size
                continue
            self.ghosts[key] = size
            self.ghost_used += size
            while self.ghost_used > self.capacity:
                self.ghost_used -= self.ghosts.popitem(last=False)[1]
            del self.sizes[key], self.count[key]
            return
        self._evict_main()

    def _evict_main(self) -> None:
        while self.main:
            key = self.main.popleft()
            if self.count[key]:
                self.count[key] -= 1
                self.main.append(key)
                continue
            self.main_used -= self.sizes.pop(key)
            del self.count[key]
            return


class Gdsf:
    """GreedyDual-Size-Frequency (Cherkasova, 1998), by bytes: how often, with an age that all newcomers inherit."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.used, self.age = capacity, 0, 0.0
        self.sizes: dict[int, int] = {}
        self.rank: dict[int, tuple[float, int]] = {}
        self.heap: list[tuple[float, int, int]] = []

    def ask(self, key: int, size: int) -> bool:
        hit = key in self.sizes
        count = self.rank[key][1] + 1 if hit else 1
        self.rank[key] = (self.age + count, count)
        heapq.heappush(self.heap, (self.age + count, count, key))
        if not hit:
            self.sizes[key] = size
            self.used += size
            while self.used > self.capacity:
                rank, count, old = heapq.heappop(self.heap)
                if self.rank.get(old) == (rank, count):
                    self.age = rank
                    self.used -= self.sizes.pop(old)
                    del self.rank[old]
        return hit


class Belady:
    """The future known (Belady, 1966): keeps what is asked for soonest again, and admits nothing that is later.

    With entries of many sizes the true optimum is NP-hard; this is the usual stand-in, and no policy may look ahead.
    """

    def __init__(self, capacity: int, trace: list[int]) -> None:
        self.capacity, self.used, self.now = capacity, 0, 0
        self.next = [NEVER] * len(trace)
        last: dict[int, int] = {}
        for at in range(len(trace) - 1, -1, -1):
            self.next[at] = last.get(trace[at], NEVER)
            last[trace[at]] = at
        self.kept: dict[int, tuple[int, int]] = {}
        self.heap: list[tuple[int, int]] = []

    def ask(self, key: int, size: int) -> bool:
        again = self.next[self.now]
        self.now += 1
        hit = key in self.kept
        if not hit:
            self.used += size
        self.kept[key] = (again, size)
        heapq.heappush(self.heap, (-again, key))
        while self.used > self.capacity:
            later, old = heapq.heappop(self.heap)
            if self.kept.get(old, (0, 0))[0] == -later:
                self.used -= self.kept.pop(old)[1]
        return hit


class TinyLfu:
    """W-TinyLFU (Einziger et al., 2017) without its segments: a window of 1 %, then LRU that newcomers must earn."""

    def __init__(self, capacity: int) -> None:
        self.window = PlainLru(capacity // 100)
        self.main: OrderedDict[int, int] = OrderedDict()
        self.capacity, self.used = capacity - capacity // 100, 0
        self.counts: dict[int, int] = {}
        self.asked = 0

    def ask(self, key: int, size: int) -> bool:
        self.counts[key] = min(63, self.counts.get(key, 0) + 1)
        self.asked += 1
        if self.asked >= max(1_000, 30 * (len(self.main) + len(self.window.kept))):
            self.counts = {old: count // 2 for old, count in self.counts.items() if count > 1}
            self.asked //= 2
        if key in self.main:
            self.main.move_to_end(key)
            return True
        before = dict(self.window.kept)
        if self.window.ask(key, size):
            return True
        for old in [old for old in (*before, key) if old not in self.window.kept]:
            self._offer(old, before.get(old, size))
        return False

    def _offer(self, key: int, size: int) -> None:
        over, victims = self.used + size - self.capacity, []
        for old, its in self.main.items():
            if over <= 0:
                break
            if self.counts.get(old, 0) >= self.counts.get(key, 0):
                return
            victims.append(old)
            over -= its
        if over <= 0:
            for old in victims:
                self.used -= self.main.pop(old)
            self.main[key] = size
            self.used += size

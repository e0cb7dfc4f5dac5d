"""How often something was asked for of late: what a newcomer must show to drive out what is kept."""

from collections.abc import Hashable

MOST = 255
"""Beyond this, more is not better."""
LEAST_SAMPLE = 1_000
LEAST_COUNTS = 8_192
"""Counts kept for a small cache, about a megabyte."""


class Frequency:
    """Counts that are halved now and then, so that what was popular last week gives way.

    TinyLFU's idea (Einziger, Friedman and Manes, 2017) with exact counts: a few thousand entries need no sketch.
    """

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self._asked = 0

    def note(self, key: Hashable, kept: int) -> None:
        """Something was asked for while `kept` entries are kept; counts reach back some 100 requests an entry."""
        mark = hash(key)
        self._counts[mark] = min(MOST, self._counts.get(mark, 0) + 1)
        self._asked += 1
        if self._asked >= max(LEAST_SAMPLE, 100 * kept) or len(self._counts) >= max(LEAST_COUNTS, 10 * kept):
            self._halve()

    def of(self, key: Hashable) -> int:
        """About how often."""
        return self._counts.get(hash(key), 0)

    def _halve(self) -> None:
        self._counts = {mark: count // 2 for mark, count in self._counts.items() if count > 1}
        self._asked //= 2

"""What a cache is asked for: sentences by Zipf's law, of the sizes that sentences have."""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

ENTRIES = 10_000
SMALLEST, MEDIAN, LARGEST = 20_000, 150_000, 2_000_000
"""Bytes: half a second, three seconds, forty seconds of speech."""


class Trace(Struct, frozen=True):
    """Requests in order, and the size of every entry."""

    name: str
    keys: Sequence[int]
    sizes: Sequence[int]

    @property
    def whole(self) -> int:
        """Bytes of all entries."""
        return sum(self.sizes)


def zipf(exponent: float, requests: int, *, drifting: bool = False, seed: int = 1) -> Trace:
    """Independent requests. `drifting`: the two hundred favourites are others in every tenth of the trace."""
    chance = np.random.default_rng(seed)
    weights = 1 / np.arange(1, ENTRIES + 1) ** exponent
    keys = chance.choice(ENTRIES, requests, p=weights / weights.sum())
    if drifting:
        keys = (keys + np.arange(requests) // (requests // 10) * 37 * (keys < 200)) % ENTRIES
    sizes = np.clip(chance.lognormal(np.log(MEDIAN), 0.6, ENTRIES), SMALLEST, LARGEST)
    name = f"Zipf {exponent}" + (", favourites change" if drifting else "")
    return Trace(name, keys.tolist(), sizes.astype(int).tolist())

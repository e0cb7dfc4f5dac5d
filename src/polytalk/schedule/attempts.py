"""How often an address may try keys that are wrong: a bucket of failures for each, refilled with time.

    failures    `BURST` at once, then one every `EVERY` seconds; an address that has used them up waits for the next
    table       at most `most` addresses; the one that has not failed for longest is forgotten for a new one

Keys have 256 random bits, so nobody guesses one; what is limited is what guessing costs the database and the log. An
IPv6 client owns a /64 and may use each address of it, so that is what is counted. The buckets are virtual schedules
(GCRA: ITU-T Recommendation I.371, annex A.4).
"""

import ipaddress
from collections import OrderedDict

from polytalk.types import Seconds

BURST = 20
EVERY: Seconds = 6.0


class Attempts:
    """Failures by address."""

    def __init__(
        self, most: int = 10_000, burst: int = BURST, every: Seconds = EVERY, longest: Seconds | None = None
    ) -> None:
        """`longest`: no wait grows beyond it, however many failures come meanwhile; None: `every`."""
        self._most = most
        self._spans = (burst - 1) * every + (every if longest is None else longest)
        self._burst = burst
        self._every = every
        self._full_at: OrderedDict[str, Seconds] = OrderedDict()
        """Address -> when it will have all its failures again; those that failed last stand last."""

    def __len__(self) -> int:
        return len(self._full_at)

    def failed(self, address: str, now: Seconds) -> None:
        """It tried, and was wrong."""
        key = network(address)
        full_at = max(now, self._full_at.pop(key, now)) + self._every
        self._full_at[key] = min(full_at, now + self._spans)
        while len(self._full_at) > self._most:
            self._full_at.popitem(last=False)

    def wait(self, address: str, now: Seconds) -> Seconds:
        """How long until it may try again; 0 when it may now."""
        key = network(address)
        missing = self._full_at.get(key, now) - now
        if missing <= 0:
            self._full_at.pop(key, None)
            return 0.0
        return max(0.0, missing - (self._burst - 1) * self._every)


def network(address: str) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    mapped = parsed.ipv4_mapped
    return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))

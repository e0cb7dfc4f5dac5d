"""Events on their way to one client: in order, bounded, and revocable.

An interruption makes audio stale that is already queued for a slow connection; it is taken out again. A client that
does not read at all fills its own outbox and is cut off; nobody else notices.
"""

import asyncio
from collections import deque

import msgspec

from polytalk.gateway.realtime.wires import Wire

_encoder = msgspec.json.Encoder()


class Outbox:
    """One writer at each end."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._events: deque[tuple[str | None, str]] = deque()
        self._changed = asyncio.Event()
        self.overflowed = asyncio.Event()
        """Set when an event had to be left out: from then on the stream has a hole, and the client must go."""

    def put(self, wire: Wire, media_of: str | None = None) -> None:
        """Queue an event; `media_of` names the response whose audio or picture it is."""
        if len(self._events) >= self._capacity:
            self.overflowed.set()
            return
        self._events.append((media_of, _encoder.encode(wire).decode()))
        self._changed.set()

    def revoke(self, response: str) -> int:
        """Take out the media of a response that is not sent yet; returns how many events that was."""
        kept = [entry for entry in self._events if entry[0] != response]
        revoked = len(self._events) - len(kept)
        if revoked:
            self._events = deque(kept)
        return revoked

    async def get(self) -> str:
        """The next event to send."""
        while not self._events:
            self._changed.clear()
            await self._changed.wait()
        return self._events.popleft()[1]

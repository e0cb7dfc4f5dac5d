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

    def __init__(self, capacity: int, most_bytes: int) -> None:
        """An event larger than `most_bytes` is taken by an empty outbox alone."""
        self._capacity = capacity
        self._most = most_bytes
        self._held = 0
        self._events: deque[tuple[str | None, str]] = deque()
        self._changed = asyncio.Event()
        self.overflowed = asyncio.Event()
        """Set when an event had to be left out: from then on the stream has a hole, and the client must go."""

    def put(self, wire: Wire, media_of: str | None = None) -> None:
        """Queue an event; `media_of` names the response whose audio or picture it is."""
        text = _encoder.encode(wire).decode()
        if self._events and (len(self._events) >= self._capacity or self._held + len(text) > self._most):
            self.overflowed.set()
            return
        self._held += len(text)
        self._events.append((media_of, text))
        self._changed.set()

    def revoke(self, response: str) -> int:
        """Take out the media of a response that is not sent yet; returns how many events that was."""
        kept = [entry for entry in self._events if entry[0] != response]
        revoked = len(self._events) - len(kept)
        if revoked:
            self._events = deque(kept)
            self._held = sum(len(text) for _, text in kept)
        return revoked

    async def get(self) -> str:
        """The next event to send."""
        while not self._events:
            self._changed.clear()
            await self._changed.wait()
        _, text = self._events.popleft()
        self._held -= len(text)
        return text

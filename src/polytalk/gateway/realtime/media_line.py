"""Films on their way to one client's media socket: bounded by bytes, and flushed on an interruption."""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from polytalk.dialogue.faces.filming import FilmBegun, FilmOver, FilmPart, Shot

OVER = "the session is over"


class MediaLine:
    """What waits for one socket."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._frames: deque[tuple[str, str | bytes]] = deque()
        self._changed = asyncio.Event()
        self._held = 0
        self.ended = asyncio.Event()
        """Set when the socket is to be closed, because of …"""
        self.reason = ""

    def show(self, shot: Shot) -> None:
        """Queue some of a film."""
        match shot:
            case FilmBegun(response, item, mime, init):
                self._say(response, type="media.begin", response_id=response, item_id=item, mime=mime)
                self._put(response, init)
            case FilmPart(response, _, data):
                self._put(response, data)
            case FilmOver(response, item):
                self._say(response, type="media.end", response_id=response, item_id=item)

    def flush(self, response: str) -> None:
        """Take out what is not sent of a film, and tell the client that no more of it comes."""
        kept = deque(entry for entry in self._frames if entry[0] != response)
        self._held -= sum(len(frame) for owner, frame in self._frames if owner == response)
        self._frames = kept
        self._say(response, type="media.flush", response_id=response)

    def end(self, reason: str) -> None:
        """Have the socket closed."""
        self.reason = self.reason or reason
        self.ended.set()

    async def get(self) -> str | bytes:
        """The next frame to send."""
        while not self._frames:
            self._changed.clear()
            await self._changed.wait()
        _, frame = self._frames.popleft()
        self._held -= len(frame)
        return frame

    def _say(self, response: str, **fields: Any) -> None:
        self._put(response, msgspec.json.encode(fields).decode())

    def _put(self, response: str, frame: str | bytes) -> None:
        if self._held + len(frame) > self._most:
            self.end("the client reads its media too slowly")
            return
        self._held += len(frame)
        self._frames.append((response, frame))
        self._changed.set()


class MediaFeed:
    """A session's end: the socket of its client, when there is one."""

    def __init__(self, session: str, most_bytes: int, changed: Callable[[], None]) -> None:
        """`changed` is called when a socket came or went."""
        self.session = session
        self.token = secrets.token_urlsafe(32)
        self.line: MediaLine | None = None
        self._over = False
        self._most = most_bytes
        self._changed = changed

    def attach(self) -> MediaLine:
        """A socket came; the one before it is closed, and this one too when the session ended during its handshake."""
        line = MediaLine(self._most)
        if self._over:
            line.end(OVER)
            return line
        self.close("another media socket took its place")
        self.line = line
        self._changed()
        return line

    def detach(self, line: MediaLine) -> None:
        """A socket is gone."""
        if self.line is line:
            self.line = None
            self._changed()

    def end(self) -> None:
        """The session is over."""
        self._over = True
        self.close(OVER)

    def close(self, reason: str) -> None:
        """Have its socket closed."""
        if self.line is not None:
            self.line.end(reason)


class MediaFeeds:
    """Of the sessions of this gateway, by id."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._feeds: dict[str, MediaFeed] = {}

    def open(self, session: str, changed: Callable[[], None]) -> MediaFeed:
        """For a session that begins."""
        feed = self._feeds[session] = MediaFeed(session, self._most, changed)
        return feed

    def find(self, session: str, token: str) -> MediaFeed | None:
        """The session's, for whoever has its token. In constant time, however much of it is right."""
        feed = self._feeds.get(session)
        right = secrets.compare_digest(token.encode(), feed.token.encode() if feed else b"")
        return feed if right else None

    def close(self, feed: MediaFeed) -> None:
        """The session is over."""
        self._feeds.pop(feed.session, None)
        feed.end()

"""Connections before anybody knows who is there: how many, how long a request may take to be said, how much at once.

uvicorn leaves this to a proxy in front; a server that listens alone needs it all the same.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.utils import get_remote_addr
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode, Frame

from polytalk.config import ServerSettings
from polytalk.gateway.address import is_loopback, within
from polytalk.schedule.attempts import network
from polytalk.types import Seconds

log = logging.getLogger(__name__)

HEAD_SECONDS: Final[Seconds] = 10.0
"""From a connection, or the first byte of another request, to the end of the request's headers."""
HEAD_BYTES: Final = 64 << 10
MOST_PIPELINED: Final = 16
"""Requests that wait behind one that is being answered."""
BITE: Final = 8 << 10
"""Bytes of a socket that are parsed before anybody else has a turn: a read may have 256 KiB, and a frame needs 6."""
MOST_FRAGMENTS: Final = 1_000
"""Of one message: empty ones cost a client nothing, and count for no limit of bytes."""
MOST_PINGS: Final = 32
"""That a client may send without reading what it gets."""
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Hall:
    """Counts connections, in all and by address. This machine's own, and trusted proxies', count in all alone."""

    def __init__(self, server: ServerSettings) -> None:
        self._most = server.max_connections
        self._most_each = server.max_connections_per_address
        self._trusted = server.trusted_proxies
        self._of: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Whether there is room for one more."""
        name = self._name(address)
        if self._of.total() >= self._most or (name and self._of[name] >= self._most_each):
            return False
        self._of[name] += 1
        return True

    def leave(self, address: str) -> None:
        """One that entered has ended."""
        name = self._name(address)
        self._of[name] -= 1
        if not self._of[name]:
            del self._of[name]

    def _name(self, address: str) -> str:
        return "" if is_loopback(address) or within(address, self._trusted) else network(address)


class Http(HttpToolsProtocol):
    """One connection, until it becomes a socket."""

    def __init__(self, hall: Hall, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hall = hall
        self._address = ""
        self._inside = False
        self._in_head = True
        self._head_bytes = 0
        self._patience: asyncio.TimerHandle | None = None
        self._served: RequestResponseCycle | None = None
        """The request that is being answered; others wait behind it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """See asyncio."""
        super().connection_made(transport)
        self._address = (get_remote_addr(transport) or ("",))[0]
        self._inside = self._hall.enter(self._address)
        if self._inside:
            self._await_head()
        else:
            log.info("a connection of %s is one too many", self._address)
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio."""
        self._stop_waiting()
        if self._inside:
            self._inside = False
            self._hall.leave(self._address)
        super().connection_lost(exc)
        if self._served is not None and self._served is not self.cycle:  # the library tells the last request only
            self._served.disconnected = True
            self._served.message_event.set()

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if self.transport.is_closing():
            return
        body_first = self._answering() and not self._in_head
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            return  # a socket by now, which sends no more heads
        if self._in_head and not body_first:
            self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES:
            self._refuse_head()
        elif not self._answering() and self.timeout_keep_alive_task is None:
            self._await_head()  # line breaks, say, which are no request yet

    def on_message_begin(self) -> None:
        """See httptools."""
        super().on_message_begin()
        self._in_head = True
        self._await_head()

    def on_headers_complete(self) -> None:
        """See httptools."""
        self._in_head, self._head_bytes = False, 0
        self._stop_waiting()
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD_BYTES:
            self._refuse_head()
        if len(self.pipeline) >= MOST_PIPELINED:
            self.transport.abort()
        if not self.transport.is_closing():
            super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """See uvicorn. The socket has the place from now on."""
        if self.transport.is_closing():
            return
        super().handle_websocket_upgrade()
        socket = self.transport.get_protocol()
        assert isinstance(socket, Socket)
        self._inside = False
        socket.holds(partial(self._hall.leave, self._address))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse_head(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _await_head(self) -> None:
        if self._patience is None:
            self._patience = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


class Socket(WebSocketsSansIOProtocol):
    """One WebSocket. What comes is parsed no faster than it is taken, and others have their turn in between."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._leave: Callable[[], None] | None = None
        self._rest = bytearray()
        """What came and is not parsed yet; nothing is read while there is any."""
        self._next: asyncio.Handle | None = None
        self._pings = 0
        """That came since the client last read what it was sent."""

    def holds(self, leave: Callable[[], None]) -> None:
        """It has a place, which `leave` gives back."""
        self._leave = leave

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio. What came before is still told."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        while self._rest and self.conn.parser_exc is None:
            self._bite()
        super().connection_lost(exc)
        if self._leave is not None:
            self._leave()
            self._leave = None

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        if not self._rest and len(data) <= BITE:
            super().data_received(data)
        else:
            self._rest += data
        self._flow()

    def resume_writing(self) -> None:
        """See asyncio."""
        super().resume_writing()
        held, self._pings = self._pings > MOST_PINGS, 0
        if held:
            self._flow()
            if not self._rest and not self.read_paused and not self.transport.is_closing():
                self.transport.resume_reading()

    async def receive(self) -> Any:
        """See ASGI."""
        message = await super().receive()
        if self._rest or self._pings > MOST_PINGS:
            self._flow()  # the library has begun to read again
        return message

    def handle_ping(self) -> None:
        """See uvicorn. Who pings and reads no answers is read no more."""
        super().handle_ping()
        self._pings = 0 if self.writable.is_set() else self._pings + 1

    def handle_cont(self, event: Frame) -> None:
        """See uvicorn."""
        if self.close_sent:
            return
        if len(self.frames) >= MOST_FRAGMENTS:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, f"a message may have {MOST_FRAGMENTS} fragments")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    def _flow(self) -> None:
        """Read when all is parsed, and parse on when the application has taken what was."""
        if self.disconnected or self.transport.is_closing():
            self._rest.clear()
            return
        held = self.read_paused or self._pings > MOST_PINGS
        if self._rest or held:
            self.transport.pause_reading()
        if self._rest and not held and self._next is None:
            self._next = self.loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        self._next = None
        self._bite()
        self._flow()
        if not self._rest and not self.read_paused and self._pings <= MOST_PINGS and not self.transport.is_closing():
            self.transport.resume_reading()

    def _bite(self) -> None:
        bite = bytes(self._rest[:BITE])
        del self._rest[:BITE]
        super().data_received(bite)


def protocols(server: ServerSettings) -> dict[str, Any]:
    """What uvicorn is to be given."""
    return {"http": partial(Http, Hall(server)), "ws": Socket}

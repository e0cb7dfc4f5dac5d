"""Every request has a name, which its answer carries and the log tells: `x-request-id`."""

import logging
import re
from contextvars import ContextVar

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from polytalk.dialogue.ids import new_id
from polytalk.gateway.problems import problem

log = logging.getLogger(__name__)

HEADER = "x-request-id"
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
"""What may go into a log and a header as it is."""
_STARTS = ("http.response.start", "websocket.http.response.start", "websocket.accept")

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is served; "" outside of one."""


class RequestIds:
    """Takes the client's name for a request if it is sane, else makes one. Answers 500 where nobody else did."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See ASGI."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        name = given if _SANE.fullmatch(given) else new_id("req")
        begun = False

        async def named(message: Message) -> None:
            nonlocal begun
            if message["type"] in _STARTS:
                begun = True
                MutableHeaders(scope=message)[HEADER] = name
            await send(message)

        token = request_id.set(name)
        try:
            await self._app(scope, receive, named)
        except Exception:
            if begun or scope["type"] != "http":
                raise
            log.exception("the request %s failed: %s %r", name, scope["method"], scope["path"])
            answer = problem(500, f"the server failed on the request {name}", "server_error", "server_error")
            await answer(scope, receive, named)
        finally:
            request_id.reset(token)


class NamesRequests(logging.Filter):
    """Puts the request's name before what is logged while it is served."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging."""
        name = request_id.get()
        if name and not getattr(record, "request_id", ""):
            record.request_id = name
            record.msg = f"[{name}] {record.msg}"
        return True

"""Who is let in before the upgrade, and who is refused with what word."""

import ipaddress
import time
from urllib.parse import urlsplit

from starlette.responses import Response
from starlette.websockets import WebSocket

from polytalk.errors import Shed
from polytalk.gateway.problems import problem
from polytalk.schedule.admission import Places


class Door:
    """Counts places. Without keys only this machine may enter, and no page of another origin."""

    def __init__(self, places: int) -> None:
        self._places = Places(places)

    def refusal(self, socket: WebSocket) -> Response | None:
        """The answer for a client that may not enter, or None."""
        host = socket.client.host if socket.client else ""
        if not _is_loopback(host):
            return problem(
                401, "this server has no keys yet, so it serves clients on its own machine only", "invalid_api_key"
            )
        origin = socket.headers.get("origin")
        if origin and urlsplit(origin).netloc != socket.headers.get("host"):
            return problem(403, f"pages of {origin[:100]} may not use this server", "origin_not_allowed")
        return None

    def enter(self, holder: str) -> Response | None:
        """Take a place, or the refusal that says when one may be free."""
        try:
            self._places.acquire(holder, time.monotonic())
        except Shed as full:
            response = problem(503, full.message, full.code, "server_error")
            response.headers["retry-after"] = str(round(full.retry_after))
            return response
        return None

    def leave(self, holder: str) -> None:
        """Give the place back."""
        self._places.release(holder, time.monotonic())


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Who is let in before the upgrade, and who is refused with what word."""

import hmac
import ipaddress
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.responses import Response

from polytalk.config import ANYBODY, TenantSettings
from polytalk.errors import Shed
from polytalk.gateway.problems import problem
from polytalk.schedule.admission import Places

KEY_SUBPROTOCOL = "openai-insecure-api-key."
"""How browsers, which can't set headers on a WebSocket, send a key."""


class Door:
    """Counts places. Without keys only this machine may enter, by its own name, and no page of another origin."""

    def __init__(self, places: int, tenants: Sequence[TenantSettings] = ()) -> None:
        self._places = Places(places)
        self._tenants = [(tenant.token.get_secret_value(), tenant) for tenant in tenants if tenant.token is not None]

    @property
    def inside(self) -> int:
        """Sessions that hold a place."""
        return len(self._places.held)

    def refusal(self, socket: HTTPConnection) -> Response | None:
        """The answer for a client that may not enter, or None."""
        host = socket.client.host if socket.client else ""
        if not is_loopback(host):
            return problem(
                401, "this server has no keys yet, so it serves clients on its own machine only", "invalid_api_key"
            )
        name = socket.headers.get("host", "")
        if not _is_local_name(name):  # a page may have had its own name pointed at this machine (DNS rebinding)
            return problem(403, f"{name[:100]!r} is no name of this machine; use localhost", "host_not_allowed")
        origin = socket.headers.get("origin")
        if origin and urlsplit(origin).netloc != name:
            return problem(403, f"pages of {origin[:100]} may not use this server", "origin_not_allowed")
        return None

    def tenant(self, socket: HTTPConnection) -> TenantSettings:
        """Whose client it is, by the token that it gave as its API key; `default` without a known one."""
        given = _token(socket)
        found = ANYBODY
        for token, tenant in self._tenants:  # all of them, so that the time tells nothing
            if hmac.compare_digest(token.encode(), given.encode()):
                found = tenant
        return found

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


def _token(socket: HTTPConnection) -> str:
    scheme, _, token = socket.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    offered = socket.scope.get("subprotocols", [])
    return next((name.removeprefix(KEY_SUBPROTOCOL) for name in offered if name.startswith(KEY_SUBPROTOCOL)), "")


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # how a socket for both families shows an IPv4 client
    return (mapped or address).is_loopback


def _is_local_name(host: str) -> bool:
    """Whether a `Host` header names this machine and nothing that somebody else could own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)

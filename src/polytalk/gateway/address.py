"""Where a request comes from: its client's address past trusted proxies, and whether its names are this machine's."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
"""Headers by which proxies tell for whom they ask."""


def client_address(connection: HTTPConnection, trusted: Sequence[Network] = ()) -> str:
    """The client's address: the last one in `X-Forwarded-For` that no trusted proxy has; the socket's without any.

    What stands left of that one was written by the client itself and proves nothing.
    """
    address = connection.client.host if connection.client else ""
    named = [name.strip() for line in connection.headers.getlist("x-forwarded-for") for name in line.split(",")]
    while named and _within(address, trusted):
        address = named.pop()
    return address


def from_here(connection: HTTPConnection, trusted: Sequence[Network] = ()) -> bool:
    """Whether the client is on this machine, and no proxy asks for somebody else.

    A proxy that says so in a way that we don't read, or is not trusted, may ask for anybody.
    """
    peer = connection.client.host if connection.client else ""
    told = any(name in connection.headers for name in FORWARDED)
    read = "x-forwarded-for" in connection.headers and _within(peer, trusted)
    return is_loopback(client_address(connection, trusted)) and (read or not told)


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own."""
    address = _parsed(host)
    return address is not None and address.is_loopback


def is_local_name(host: str) -> bool:
    """Whether a `Host` header names this machine and nothing that somebody else could own."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    return name == "localhost" or name.endswith(".localhost") or is_loopback(name)


def foreign_origin(connection: HTTPConnection, allowed: Sequence[str]) -> str | None:
    """The origin of a page that is neither this server's nor an allowed one, or None."""
    origin = connection.headers.get("origin")
    if not origin or origin in allowed or "*" in allowed:
        return None
    return None if urlsplit(origin).netloc == connection.headers.get("host", "") else origin


def _parsed(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)  # how a socket for both families shows an IPv4 client
    return mapped or address


def _within(host: str, networks: Sequence[Network]) -> bool:
    address = _parsed(host)
    return address is not None and any(address in network for network in networks)

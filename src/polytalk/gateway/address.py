"""Where a request comes from: its client's address past trusted proxies, and whether its names are this machine's."""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
"""Headers by which proxies tell for whom they ask."""
_TRANSLATED = tuple(map(ipaddress.IPv6Network, ("64:ff9b::/96", "::/96")))
"""IPv6 that ends as the IPv4 address in its last 32 bits: NAT64 (RFC 6052), IPv4-compatible (RFC 4291)."""


def client_address(connection: HTTPConnection, trusted: Sequence[Network] = ()) -> str:
    """The client's address: the last one in `X-Forwarded-For` that no trusted proxy has; the socket's without any.

    What stands left of that one was written by the client itself and proves nothing.
    """
    address = connection.client.host if connection.client else ""
    named = [name.strip() for line in connection.headers.getlist("x-forwarded-for") for name in line.split(",")]
    while named and within(address, trusted):
        address = named.pop()
    return address


def asker(connection: HTTPConnection, trusted: Sequence[Network] = ()) -> str:
    """The client's address where it is certain; empty where a proxy that is not trusted asks for somebody else."""
    told = any(name in connection.headers for name in FORWARDED)
    return "" if told and not _read(connection, trusted) else client_address(connection, trusted)


def from_here(connection: HTTPConnection, trusted: Sequence[Network] = ()) -> bool:
    """Whether the client is on this machine, and no proxy asks for somebody else.

    A proxy that says so in a way that we don't read, or is not trusted, may ask for anybody.
    """
    return is_loopback(asker(connection, trusted))


def is_public(host: str) -> bool:
    """Whether an address is one host's in the internet, whichever way it is written: no name, nobody's own network."""
    address = _parsed(host)
    if address is None or not address.is_global or address.is_multicast:
        return False
    if isinstance(address, ipaddress.IPv4Address):
        return True
    inside = address.sixtofour or (address.teredo or (None, None))[1]
    if inside is None and any(address in network for network in _TRANSLATED):
        inside = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return inside is None or is_public(str(inside))


def same_host(one: str, other: str) -> bool:
    """Whether two addresses are the same, however they are written."""
    address = _parsed(one)
    return address is not None and address == _parsed(other)


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


def within(host: str, networks: Sequence[Network]) -> bool:
    """Whether an address is of one of the networks."""
    address = _parsed(host)
    return address is not None and any(address in network for network in networks)


def _read(connection: HTTPConnection, trusted: Sequence[Network]) -> bool:
    """Whether what proxies tell is read, and believed."""
    peer = connection.client.host if connection.client else ""
    return "x-forwarded-for" in connection.headers and within(peer, trusted)

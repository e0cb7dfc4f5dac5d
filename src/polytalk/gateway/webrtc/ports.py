"""On which addresses and UDP ports calls are taken, and under which they are announced."""

import asyncio
import random
import socket
from collections.abc import Iterator, Sequence
from functools import partial
from ipaddress import ip_address

from aioice import Candidate
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.ice import Connection, StunProtocol, server_reflexive_candidate
from aiortc import RTCIceGatherer

from polytalk.config import WebRtcSettings
from polytalk.types import Seconds

TRIES = 200
"""Ports of a range that are tried; the rest is for others."""
LOOPBACK = "127.0.0.1"
RECEIVE_BYTES = 256 << 10


def confine(gatherer: RTCIceGatherer, settings: WebRtcSettings) -> None:
    """Have it gather where the settings say. The library takes any port of any address but loopback."""
    connection = gatherer._connection
    connection.get_component_candidates = partial(_gather, connection, settings)  # type: ignore[method-assign]


async def _gather(
    connection: Connection, settings: WebRtcSettings, component: int, addresses: Sequence[str], timeout: Seconds = 5
) -> list[Candidate]:
    found: list[Candidate] = []
    hosts: list[StunProtocol] = []
    for address in addresses_of(settings, addresses):
        protocol = await _bound(connection, address, settings)
        if protocol is None:
            continue
        host, port = protocol.transport.get_extra_info("sockname")[:2]
        protocol.local_candidate = candidate(component, host, port)
        hosts.append(protocol)
        found.append(protocol.local_candidate)
        found += [candidate(component, public, port, host) for public in _announced(settings, host)]
    connection._protocols += hosts
    if connection.stun_server is not None:
        asked = [
            server_reflexive_candidate(one, connection.stun_server)
            for one in hosts
            if ":" not in one.local_candidate.host
        ]
        found += await _answered(asked, timeout)
    relays = await Connection.get_component_candidates(connection, component, [], round(timeout))
    return [*found, *relays]


async def _answered(asked: Sequence[object], timeout: Seconds) -> list[Candidate]:
    if not asked:
        return []
    done, late = await asyncio.wait([asyncio.ensure_future(one) for one in asked], timeout=timeout)  # type: ignore[call-overload]
    for task in late:
        task.cancel()
    return [task.result()[0] for task in done if task.exception() is None]


def addresses_of(settings: WebRtcSettings, all_of_them: Sequence[str]) -> list[str]:
    """Those on which calls are taken; `all_of_them` are the machine's own without loopback."""
    if settings.addresses:
        return [str(address) for address in settings.addresses]
    return [*all_of_them, LOOPBACK]


def _announced(settings: WebRtcSettings, host: str) -> Iterator[str]:
    version = ip_address(host).version
    if not ip_address(host).is_loopback:
        yield from (str(public) for public in settings.public_addresses if public.version == version)


def candidate(component: int, host: str, port: int, base: str | None = None) -> Candidate:
    """One of this machine's own; with `base`, under another name of it."""
    return Candidate(
        foundation=candidate_foundation("host", "udp", host),
        component=component,
        transport="udp",
        priority=candidate_priority(component, "host", 65535 if base is None else 65534),
        host=host,
        port=port,
        type="host",
    )


async def _bound(connection: Connection, address: str, settings: WebRtcSettings) -> StunProtocol | None:
    loop = asyncio.get_running_loop()
    for port in ports_of(settings):
        try:
            transport, protocol = await loop.create_datagram_endpoint(
                lambda: StunProtocol(connection), local_addr=(address, port)
            )
        except OSError:
            continue
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        return protocol
    return None


def ports_of(settings: WebRtcSettings) -> Sequence[int]:
    """UDP ports to try, in no order; 0 is any."""
    if not settings.first_port:
        return (0,)
    ports = range(settings.first_port, settings.last_port + 1)
    return random.sample(ports, min(TRIES, len(ports)))

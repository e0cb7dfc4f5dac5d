"""Whether calls can get through, as far as this machine can tell: its UDP ports, and the STUN and TURN servers."""

import asyncio
import socket
from collections.abc import Iterator
from errno import EADDRNOTAVAIL
from typing import Any

from aioice import Connection
from aioice.ice import StunProtocol, get_host_addresses, server_reflexive_candidate
from aioice.stun import TransactionError
from aioice.turn import create_turn_endpoint
from aiortc.rtcicetransport import parse_stun_turn_uri
from msgspec import Struct

from polytalk.config import WebRtcSettings
from polytalk.errors import SetupError
from polytalk.gateway.webrtc.ports import addresses_of, candidate, ports_of
from polytalk.types import Seconds

ANSWER_WITHIN: Seconds = 3.0
"""Servers on the other side of the earth answer in a tenth of it."""


class Ground(Struct, frozen=True):
    """An address on which calls are to be taken."""

    address: str
    tried: int
    """Ports."""
    free: int
    ours: bool
    """Whether it is one of this machine's at all."""


def grounds(settings: WebRtcSettings) -> Iterator[Ground]:
    """Each address, and how many of its ports are free."""
    for address in addresses_of(settings, get_host_addresses(use_ipv4=True, use_ipv6=True)):
        ports = ports_of(settings)
        wrong = [_bound(address, port) for port in ports]
        yield Ground(address, len(ports), wrong.count(None), EADDRNOTAVAIL not in wrong)


def _bound(address: str, port: int) -> int | None:
    """None, or the error with which the system refuses it."""
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, port))
        except OSError as error:
            return error.errno
    return None


async def ask(url: str, username: str | None, credential: str | None) -> str:
    """The address that a STUN server sees, or a TURN server lends. Raises SetupError where it does neither."""
    try:
        where = parse_stun_turn_uri(url)
    except ValueError:
        raise SetupError(f"{url} is no address of a STUN or TURN server; write stun:host:port or turn:host") from None
    stun = where["scheme"].startswith("stun")
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            return await (_seen(where) if stun else _lent(where, username, credential))
    except TimeoutError:
        raise SetupError(
            f"{where['host']}:{where['port']} did not answer within {ANSWER_WITHIN:.0f} s: it is down, or a firewall "
            "between drops what is sent"
        ) from None
    except socket.gaierror:
        raise SetupError(f"there is no machine named {where['host']}") from None
    except TransactionError as error:
        code, reason = error.response.attributes.get("ERROR-CODE", (0, "")) if error.response else (0, str(error))
        refused = "it refuses username or credential" if code in (401, 441) else f"it refuses: {code} {reason}"
        raise SetupError(refused) from None
    except OSError as error:
        raise SetupError(f"{where['host']}:{where['port']} can't be reached: {error.strerror or error}") from None


async def _seen(where: dict[str, Any]) -> str:
    connection = Connection(ice_controlling=True)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: StunProtocol(connection), local_addr=("0.0.0.0", 0)
    )
    protocol.local_candidate = candidate(1, *transport.get_extra_info("sockname")[:2])
    try:
        found, _ = await server_reflexive_candidate(protocol, (where["host"], where["port"]))
    finally:
        transport.close()
    return found.host


async def _lent(where: dict[str, Any], username: str | None, credential: str | None) -> str:
    transport, _ = await create_turn_endpoint(
        asyncio.DatagramProtocol,
        (where["host"], where["port"]),
        username,
        credential,
        ssl=where["scheme"] == "turns",
        transport=where["transport"],
    )
    host: str = transport.get_extra_info("sockname")[0]
    transport.close()
    return host

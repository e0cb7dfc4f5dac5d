"""The part of `polytalk doctor` on calls over WebRTC."""

import asyncio
from collections.abc import Iterator
from ipaddress import ip_address

from polytalk.cli.finding import Finding
from polytalk.config import IceServer, Settings, WebRtcSettings
from polytalk.errors import SetupError
from polytalk.gateway.webrtc.ports import LOOPBACK
from polytalk.gateway.webrtc.reach import Ground, ask, grounds

WHAT = "Calls over WebRTC"


def calls(settings: Settings) -> Iterator[Finding]:
    """Whether calls can get through; the server runs without, so nothing of it is needed."""
    ours = settings.webrtc
    if not ours.enabled:
        yield Finding(True, WHAT, "turned off (webrtc.enabled)")
        return
    found = list(grounds(ours))
    for ground in found:
        yield _ports(ours, ground)
    if settings.server.host not in ("localhost", LOOPBACK, "::1"):
        yield _from_elsewhere(ours, found)
    asked = [(server, url) for server in ours.ice_servers for url in server.urls]
    yield from asyncio.run(_servers(asked))


def _ports(ours: WebRtcSettings, ground: Ground) -> Finding:
    where = f"UDP on {ground.address}"
    if not ground.ours:
        text = "no address of this machine"
        return Finding(
            False, where, text, "webrtc.addresses are this machine's own, others are public_addresses", False
        )
    if not ours.first_port:
        return Finding(ground.free > 0, where, "any free port", "the system gives no UDP port", needed=False)
    text = f"{ground.free} of {ground.tried} ports are free ({ours.first_port} to {ours.last_port})"
    advice = "widen webrtc.first_port to last_port, or end what uses them: each call takes one on every address"
    return Finding(ground.free > 0, where, text, advice, needed=False)


def _from_elsewhere(ours: WebRtcSettings, found: list[Ground]) -> Finding:
    public = [str(address) for address in ours.public_addresses]
    public += [ground.address for ground in found if ip_address(ground.address.partition("%")[0]).is_global]
    if public or ours.ice_servers:
        text = f"announced as {', '.join(public)}" if public else "by STUN and TURN alone"
        return Finding(True, "Calls from elsewhere", f"{text}; whether a firewall lets UDP in can't be seen from here")
    return Finding(
        False,
        "Calls from elsewhere",
        "only private addresses are announced",
        "beyond this network set webrtc.public_addresses, or webrtc.ice_servers with a TURN server",
        needed=False,
    )


async def _servers(asked: list[tuple[IceServer, str]]) -> list[Finding]:
    return list(await asyncio.gather(*(_server(server, url) for server, url in asked)))


async def _server(server: IceServer, url: str) -> Finding:
    secret = server.credential.get_secret_value() if server.credential else None
    try:
        address = await ask(url, server.username, secret)
    except SetupError as error:
        return Finding(False, url, error.message, "see webrtc.ice_servers in docs/settings.md", needed=False)
    return Finding(True, url, f"{'sees us as' if url.startswith('stun') else 'lends'} {address}")

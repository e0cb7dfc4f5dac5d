"""What `polytalk doctor` finds out about calls: ports taken, addresses of others, STUN and TURN that don't answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest
from aioice import stun

from polytalk.cli.doctor_calls import calls
from polytalk.cli.finding import Finding
from polytalk.config import IceServer, ServerSettings, Settings, WebRtcSettings
from polytalk.errors import SetupError
from polytalk.gateway.webrtc import reach

HERE = "127.0.0.1"


def found(**webrtc: Any) -> list[Finding]:
    return list(calls(Settings(webrtc=WebRtcSettings(**{"addresses": (HERE,)} | webrtc))))


@contextmanager
def taken(port: int) -> Iterator[None]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((HERE, port))
        yield


def test_ports_that_others_hold_are_counted_and_none_left_is_amiss() -> None:
    ports = {"first_port": 39_410, "last_port": 39_411}
    assert [(one.good, one.found) for one in found(**ports)] == [(True, "2 of 2 ports are free (39410 to 39411)")]
    with taken(39_410):
        assert found(**ports)[0].found.startswith("1 of 2")
        with taken(39_411):
            (none,) = found(**ports)
    assert (none.good, none.needed) == (False, False)
    assert "first_port" in none.advice


def test_an_address_of_another_machine_is_told_from_ports_that_are_taken() -> None:
    (one,) = found(addresses=("203.0.113.7",))
    assert (one.good, one.found) == (False, "no address of this machine")
    assert "public_addresses" in one.advice


def test_calls_that_are_turned_off_are_not_looked_into() -> None:
    (one,) = found(enabled=False, ice_servers=(IceServer(urls=("stun:nowhere.invalid",)),))
    assert one.good


def test_a_server_for_others_must_be_known_by_an_address_that_they_can_reach() -> None:
    def elsewhere(**webrtc: Any) -> Finding:
        ours = WebRtcSettings(**{"addresses": (HERE,)} | webrtc)
        return list(calls(Settings(server=ServerSettings(host="0.0.0.0"), webrtc=ours)))[1]

    assert not elsewhere().good
    assert elsewhere(public_addresses=("203.0.113.7",)).found.startswith("announced as 203.0.113.7")


class StunServer(asyncio.DatagramProtocol):
    """Says whom it sees, or refuses."""

    def __init__(self, refuses: bool) -> None:
        self.refuses = refuses

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        asked = stun.parse_message(data)
        kind = stun.Class.ERROR if self.refuses else stun.Class.RESPONSE
        answer = stun.Message(asked.message_method, kind, asked.transaction_id)
        if self.refuses:
            answer.attributes["ERROR-CODE"] = (401, "Unauthorized")
        else:
            answer.attributes["XOR-MAPPED-ADDRESS"] = ("203.0.113.9", 4000)
        self.transport.sendto(bytes(answer), addr)


@asynccontextmanager
async def stun_server(*, refuses: bool = False) -> AsyncIterator[int]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(lambda: StunServer(refuses), local_addr=(HERE, 0))
    try:
        yield transport.get_extra_info("sockname")[1]
    finally:
        transport.close()


async def test_a_stun_server_that_answers_says_how_we_are_seen() -> None:
    async with stun_server() as port:
        assert await reach.ask(f"stun:{HERE}:{port}", None, None) == "203.0.113.9"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("pigeon:loft", "is no address of a STUN or TURN server"),
        ("stun:nowhere.invalid:3478", "there is no machine named nowhere.invalid"),
        (f"stun:{HERE}:%", "did not answer within 0 s"),
        (f"turn:{HERE}:%?transport=tcp", "can't be reached: "),
    ],
)
async def test_servers_that_do_not_answer_are_told_apart(monkeypatch: pytest.MonkeyPatch, url: str, why: str) -> None:
    monkeypatch.setattr(reach, "ANSWER_WITHIN", 0.4)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((HERE, 0))
        with pytest.raises(SetupError, match=why):
            await reach.ask(url.replace("%", str(silent.getsockname()[1])), "us", "a word")


async def test_a_turn_server_that_knows_another_credential_is_named_for_that() -> None:
    async with stun_server(refuses=True) as port:
        with pytest.raises(SetupError, match="refuses username or credential"):
            await reach.ask(f"turn:{HERE}:{port}", "us", "a word")

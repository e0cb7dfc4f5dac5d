"""Who is let in."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.websockets import WebSocket

from polytalk.config import TenantSettings
from polytalk.gateway.door import Door, is_loopback


def client(address: str = "127.0.0.1", subprotocols: Sequence[str] = (), **headers: str) -> WebSocket:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("the door only looks")

    given = {"host": "localhost:8080"} | headers
    scope = {
        "type": "websocket",
        "client": (address, 50_000),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "subprotocols": list(subprotocols),
    }
    return WebSocket(scope, nothing, nothing)


def refused(socket: WebSocket) -> tuple[int, str] | None:
    response = Door(1).refusal(socket)
    return None if response is None else (response.status_code, json.loads(bytes(response.body))["error"]["code"])


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
def test_this_machine_may_enter(address: str) -> None:
    assert refused(client(address)) is None
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["192.168.1.7", "8.8.8.8", "fe80::1", "::ffff:8.8.8.8", "", "nonsense"])
def test_other_machines_may_not(address: str) -> None:
    assert refused(client(address)) == (401, "invalid_api_key")


def test_a_client_whose_address_is_unknown_may_not() -> None:
    socket = client()
    socket.scope["client"] = None
    assert refused(socket) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:9999", "http://localhost", "null", "file://"]
)
def test_pages_of_other_origins_may_not(origin: str) -> None:
    assert refused(client(origin=origin)) == (403, "origin_not_allowed")


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "talk.localhost:8080", "localhost"])
def test_our_own_page_may(host: str) -> None:
    assert refused(client(host=host, origin=f"http://{host}")) is None


@pytest.mark.parametrize("host", ["evil.example:8080", "evil.example", "localhost.evil.example", "", "[", "8.8.8.8"])
def test_a_page_that_had_its_name_pointed_at_this_machine_may_not(host: str) -> None:
    """DNS rebinding: to the browser it is one origin, so only the name gives it away."""
    assert refused(client(host=host, origin=f"http://{host}")) == (403, "host_not_allowed")
    assert refused(client(host=host)) == (403, "host_not_allowed")


def test_a_full_house_says_when_to_come_back() -> None:
    door = Door(1)
    assert door.enter("first") is None
    response = door.enter("second")
    assert response is not None
    assert (response.status_code, response.headers["retry-after"]) == (503, "5")
    assert json.loads(bytes(response.body)) == {
        "error": {
            "message": "all 1 places are taken; try again in 5 s",
            "type": "server_error",
            "param": None,
            "code": "at_capacity",
        }
    }
    assert door.inside == 1
    door.leave("second")
    door.leave("first")
    door.leave("first")
    assert door.enter("second") is None


ACME = TenantSettings(name="acme", token=SecretStr("secret-of-acme"))


@pytest.mark.parametrize(
    "socket",
    [
        client(authorization="Bearer secret-of-acme"),
        client(authorization="bearer  secret-of-acme "),
        client(subprotocols=["realtime", "openai-insecure-api-key.secret-of-acme"]),
    ],
    ids=["header", "header, written loosely", "subprotocol"],
)
def test_a_tenant_is_known_by_its_token(socket: WebSocket) -> None:
    assert Door(1, [TenantSettings(name="other"), ACME]).tenant(socket) == ACME


@pytest.mark.parametrize("token", ["", "secret-of-acm", "secret-of-acme2", "é"])
def test_without_a_known_token_one_is_anybody(token: str) -> None:
    socket = client(subprotocols=[f"openai-insecure-api-key.{token}"])
    assert Door(1, [ACME]).tenant(socket).name == "default"
    assert Door(1, [ACME]).tenant(client()).name == "default"

"""Who is let in, by which key, and what the others are told."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from polytalk.clock import VirtualClock
from polytalk.config import Quotas, ServerSettings, TenantSettings
from polytalk.errors import StoreLost
from polytalk.gateway.address import is_loopback
from polytalk.gateway.auth import Auth
from polytalk.gateway.keys import ORDINARY, Need, Principal, SettingsKeys
from polytalk.gateway.rations import Rations
from polytalk.gateway.viewing import Visible
from polytalk.schedule.attempts import BURST, EVERY


def client(address: str = "127.0.0.1", subprotocols: Sequence[str] = (), **headers: str) -> WebSocket:
    async def nothing(*_: Any) -> Any:
        raise AssertionError("a check only looks")

    given = {"host": "localhost:8080"} | {name.replace("_", "-"): value for name, value in headers.items()}
    scope = {
        "type": "websocket",
        "client": (address, 50_000),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "subprotocols": list(subprotocols),
    }
    return WebSocket(scope, nothing, nothing)


ACME = TenantSettings(name="acme", token=SecretStr("secret-of-acme"))
RATIONS = Rations(Quotas())
OPEN = Auth(ServerSettings(), SettingsKeys([]), RATIONS)
"""No keys yet."""


def locked(**server: Any) -> Auth:
    """There is a key."""
    other = TenantSettings(name="other", token=SecretStr("secret-of-other"))
    return Auth(ServerSettings(**server), SettingsKeys([other, ACME]), RATIONS)


async def outcome(auth: Auth, socket: WebSocket, need: Need = "realtime") -> Principal | tuple[int, str]:
    found = await auth.check(socket, need)
    return refused(found) if isinstance(found, Response) else found


def refused(response: Response | None) -> tuple[int, str]:
    assert response is not None
    error = json.loads(bytes(response.body))["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return response.status_code, error["code"]


# --- without keys --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_may_enter_while_there_are_no_keys(address: str) -> None:
    found = await outcome(OPEN, client(address, authorization="Bearer whatever"))
    assert found == Principal(anonymous=True, address=address)
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["192.168.1.7", "8.8.8.8", "fe80::1", "::ffff:8.8.8.8", "", "nonsense"])
async def test_other_machines_may_not(address: str) -> None:
    assert await outcome(OPEN, client(address)) == (401, "invalid_api_key")


async def test_a_client_whose_address_is_unknown_may_not() -> None:
    socket = client()
    socket.scope["client"] = None
    assert await outcome(OPEN, socket) == (401, "invalid_api_key")


@pytest.mark.parametrize("header", ["x_forwarded_for", "forwarded", "x_real_ip"])
async def test_what_a_proxy_on_this_machine_asks_for_others_is_not_this_machine(header: str) -> None:
    assert await outcome(OPEN, client(**{header: "8.8.8.8"})) == (401, "invalid_api_key")


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://localhost:9999", "http://localhost", "null", "file://"]
)
async def test_pages_of_other_origins_may_not(origin: str) -> None:
    assert await outcome(OPEN, client(origin=origin)) == (403, "origin_not_allowed")
    assert refused(await OPEN.pass_by(client(origin=origin))) == (403, "origin_not_allowed")


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "talk.localhost:8080", "localhost"])
async def test_our_own_page_may(host: str) -> None:
    assert isinstance(await outcome(OPEN, client(host=host, origin=f"http://{host}")), Principal)
    assert await OPEN.pass_by(client(host=host, origin=f"http://{host}")) is None


@pytest.mark.parametrize("host", ["evil.example:8080", "evil.example", "localhost.evil.example", "", "[", "8.8.8.8"])
async def test_a_page_that_had_its_name_pointed_at_this_machine_may_not(host: str) -> None:
    """DNS rebinding: to the browser it is one origin, so only the name gives it away."""
    assert await outcome(OPEN, client(host=host, origin=f"http://{host}")) == (403, "host_not_allowed")
    assert await outcome(OPEN, client(host=host)) == (403, "host_not_allowed")


async def test_nobody_is_an_admin_without_a_key_but_may_see_what_operators_see() -> None:
    assert await outcome(OPEN, client(), "admin") == (403, "insufficient_scope")
    assert await OPEN.operator(client()) is None
    assert refused(await OPEN.operator(client("8.8.8.8"))) == (401, "invalid_api_key")


# --- with keys -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "socket",
    [
        client("8.8.8.8", authorization="Bearer secret-of-acme"),
        client(authorization="bearer  secret-of-acme "),
        client("8.8.8.8", ["realtime", "openai-insecure-api-key.secret-of-acme"], host="talk.example"),
    ],
    ids=["header", "header, written loosely", "subprotocol"],
)
async def test_a_key_opens_from_anywhere_and_says_who_pays(socket: WebSocket) -> None:
    assert socket.client
    found = await outcome(locked(), socket)
    assert found == Principal(ACME, scopes=ORDINARY, address=socket.client.host)


@pytest.mark.parametrize("token", ["", "secret-of-acm", "secret-of-acme2", "é", "Secret-of-acme"])
async def test_once_there_is_a_key_nobody_comes_in_without_one(token: str) -> None:
    by_subprotocol = client(subprotocols=[f"openai-insecure-api-key.{token}"])
    assert await outcome(locked(), by_subprotocol) == (401, "invalid_api_key")
    assert await outcome(locked(), client()) == (401, "invalid_api_key")
    found = await locked().check(client(), "chat")
    assert isinstance(found, Response)
    assert found.headers["www-authenticate"] == "Bearer"


async def test_a_key_opens_what_its_scopes_say() -> None:
    socket = client(authorization="Bearer secret-of-acme")
    assert await outcome(locked(), socket, "admin") == (403, "insufficient_scope")
    assert refused(await locked().operator(socket)) == (403, "insufficient_scope")
    for need in ("chat", ("admin", "chat"), ()):
        assert isinstance(await outcome(locked(), socket, need), Principal)


async def test_pages_of_listed_origins_may_use_it_and_others_may_not() -> None:
    auth = locked(allowed_origins=("https://app.example",))
    for origin in ("https://app.example", "http://localhost:8080"):
        assert isinstance(await outcome(auth, client(origin=origin, authorization="Bearer secret-of-acme")), Principal)
        assert await auth.pass_by(client("8.8.8.8", origin=origin)) is None
    stray = client(origin="https://evil.example", authorization="Bearer secret-of-acme")
    assert await outcome(auth, stray) == (403, "origin_not_allowed")
    assert refused(await auth.pass_by(stray)) == (403, "origin_not_allowed")
    assert isinstance(await outcome(locked(allowed_origins=("*",)), stray), Principal)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("10.0.0.2", "8.8.8.8", "8.8.8.8"),
        ("10.0.0.2", "1.1.1.1, 8.8.8.8, 10.0.0.3", "8.8.8.8"),
        ("10.0.0.2", "10.0.0.4", "10.0.0.4"),
        ("9.9.9.9", "8.8.8.8", "9.9.9.9"),
        ("10.0.0.2", "", ""),
    ],
    ids=["by one proxy", "by two, after what the client made up", "a proxy's own", "by a stranger", "nothing said"],
)
async def test_only_trusted_proxies_say_for_whom_they_ask(peer: str, forwarded: str, address: str) -> None:
    auth = locked(trusted_proxies=("10.0.0.0/8",))
    socket = client(peer, authorization="Bearer secret-of-acme", x_forwarded_for=forwarded)
    found = await outcome(auth, socket)
    assert isinstance(found, Principal)
    assert found.address == address


async def test_behind_a_trusted_proxy_on_this_machine_only_its_own_clients_are_anonymous() -> None:
    auth = Auth(ServerSettings(trusted_proxies=("127.0.0.1/32",)), SettingsKeys([]), RATIONS)
    assert await outcome(auth, client(x_forwarded_for="8.8.8.8")) == (401, "invalid_api_key")
    assert isinstance(await outcome(auth, client(x_forwarded_for="127.0.0.1")), Principal)
    assert await outcome(auth, client(forwarded="for=8.8.8.8")) == (401, "invalid_api_key"), "which is not read"
    elsewhere = Auth(ServerSettings(trusted_proxies=("10.0.0.0/8",)), SettingsKeys([]), RATIONS)
    assert await outcome(elsewhere, client(x_forwarded_for="127.0.0.1")) == (401, "invalid_api_key"), "not trusted"


async def test_a_tenants_server_says_for_whom_it_asks() -> None:
    socket = client(authorization="Bearer secret-of-acme", openai_safety_identifier="u" * 300)
    found = await outcome(locked(), socket)
    assert isinstance(found, Principal)
    assert found.user == "u" * 256


class LostKeys(SettingsKeys):
    """The store can't be reached."""

    async def exist(self) -> bool:
        raise StoreLost("the database is gone")


async def test_when_keys_cant_be_looked_up_the_answer_is_not_that_they_are_wrong() -> None:
    auth = Auth(ServerSettings(), LostKeys([ACME]), RATIONS)
    found = await auth.check(client(), "realtime")
    assert isinstance(found, Response)
    assert (refused(found), found.headers["retry-after"]) == ((503, "store_unavailable"), "5")
    assert refused(await auth.pass_by(client())) == (503, "store_unavailable")


# --- wrong keys ----------------------------------------------------------------------------------------------------


class AskedKeys(SettingsKeys):
    """As of the store: what is not known is looked up, and that is counted."""

    def __init__(self) -> None:
        super().__init__([ACME])
        self.looked_up = 0

    async def find(self, token: str) -> Principal | None:
        self.looked_up += 1
        return None


async def test_who_tries_too_many_wrong_keys_is_told_to_wait_and_costs_nothing_more() -> None:
    clock, keys = VirtualClock(), AskedKeys()
    auth = Auth(ServerSettings(), keys, RATIONS, clock)
    wrong = client("8.8.8.8", authorization="Bearer wrong")
    for _ in range(BURST):
        assert await outcome(auth, wrong) == (401, "invalid_api_key")
    found = await auth.check(wrong, "realtime")
    assert isinstance(found, Response)
    assert (refused(found), found.headers["retry-after"]) == ((429, "too_many_attempts"), f"{EVERY:.0f}")
    assert refused(await auth.pass_by(wrong)) == (429, "too_many_attempts")
    assert keys.looked_up == BURST
    right = client("8.8.8.8", authorization="Bearer secret-of-acme")
    assert isinstance(await outcome(auth, right), Principal), "a key that is known is good from everywhere"
    assert await outcome(auth, client("8.8.4.4", authorization="Bearer wrong")) == (401, "invalid_api_key")
    assert await outcome(auth, client("8.8.8.8")) == (401, "invalid_api_key"), "no key is no attempt"
    clock.advance(EVERY)
    assert await outcome(auth, wrong) == (401, "invalid_api_key")
    assert await outcome(auth, wrong) == (429, "too_many_attempts")


async def test_tokens_of_media_sockets_are_attempts_too() -> None:
    auth = Auth(ServerSettings(), SettingsKeys([ACME]), RATIONS, VirtualClock())
    for _ in range(BURST):
        assert await auth.pass_by(client("8.8.8.8")) is None
        auth.failed(client("8.8.8.8"))
    assert refused(await auth.pass_by(client("8.8.8.8"))) == (429, "too_many_attempts")


# --- whose avatars -------------------------------------------------------------------------------------------------


class OwnedKeys(SettingsKeys):
    """Acme has an avatar of its own."""

    @property
    def owners(self) -> dict[str, str]:
        return {"ann": "acme"}


async def test_avatars_of_others_are_not_there() -> None:
    everybodys, anns = {"mira": 1}, {"mira": 1, "ann": 2}
    other = TenantSettings(name="other", token=SecretStr("secret-of-other"))
    auth = Auth(ServerSettings(), OwnedKeys([other, ACME]), RATIONS)
    await auth.check(client(authorization="Bearer secret-of-other"), ())
    assert dict(Visible(anns)) == everybodys
    assert len(Visible(anns)) == 1
    assert "ann" not in Visible(anns)
    await auth.check(client(authorization="Bearer secret-of-acme"), ())
    assert dict(Visible(anns)) == anns


# --- figures -------------------------------------------------------------------------------------------------------


async def figures(auth: Auth, address: str = "127.0.0.1", **headers: str) -> int:
    """With which status somebody's look at `/metrics` is answered."""

    async def shown(_: Request) -> Response:
        return Response()

    socket = client(address, **headers)
    response = await auth.watched(shown)(Request({**socket.scope, "type": "http", "method": "GET"}))
    return response.status_code


async def test_figures_are_for_this_machine_and_for_keys_that_watch() -> None:
    assert await figures(OPEN) == await figures(locked()) == 200
    assert await figures(OPEN, "8.8.8.8") == await figures(locked(), "8.8.8.8") == 401
    assert await figures(locked(), host="evil.example") == 401, "a name that was pointed at this machine"
    assert await figures(locked(), x_forwarded_for="8.8.8.8") == 401, "by way of a proxy"
    assert await figures(locked(), "8.8.8.8", authorization="Bearer secret-of-acme") == 403
    assert await figures(locked(open_metrics=True), "8.8.8.8") == 200
    for scope in ("metrics", "admin"):
        watching = Auth(ServerSettings(), ScopedKeys([ACME], frozenset({scope})), RATIONS)
        assert await figures(watching, "8.8.8.8", authorization="Bearer secret-of-acme") == 200


class ScopedKeys(SettingsKeys):
    def __init__(self, tenants: Sequence[TenantSettings], scopes: frozenset[Any]) -> None:
        super().__init__(tenants)
        self._scopes = scopes

    def recall(self, token: str) -> Principal | None:
        found = super().recall(token)
        return found and replace(found, scopes=self._scopes)

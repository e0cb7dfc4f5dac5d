"""What the server logs: lines that no client can forge, and nothing that people said, at any level."""

import asyncio
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import websockets
from pydantic import SecretStr

from polytalk.cli.logs import TALKATIVE, OneLine, configure
from polytalk.config import TenantSettings
from polytalk.gateway.auth import KEY_SUBPROTOCOL
from tests.support.server import serving

SECRET = "my sister is ill"


@contextmanager
def fresh() -> Iterator[None]:
    """Levels and handlers as they were, afterwards."""
    root = logging.getLogger()
    levels = {name: logging.getLogger(name).level for name in ("", *TALKATIVE)}
    handlers, root.handlers = root.handlers, []
    try:
        yield
    finally:
        root.handlers = handlers
        for name, level in levels.items():
            logging.getLogger(name or None).setLevel(level)


@pytest.mark.parametrize("content", [False, True])
async def test_what_is_said_is_logged_only_where_the_setting_allows_it(
    content: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with fresh():
        configure("debug", content)
        await say_it()
    logged = capsys.readouterr().err
    assert "Application startup complete" in logged
    assert (SECRET in logged) is content


async def say_it() -> None:
    async with serving() as server:
        body = {"model": "llm", "messages": [{"role": "user", "content": SECRET}]}
        async with httpx.AsyncClient() as http:
            assert (await http.post(f"{server.http}/v1/chat/completions", json=body)).status_code == 200
        part = {"type": "input_text", "text": SECRET}
        item = {"type": "message", "role": "user", "content": [part]}
        async with websockets.connect(server.ws) as socket:
            await socket.send(json.dumps({"type": "conversation.item.create", "item": item}))
            async with asyncio.timeout(10):
                while json.loads(await socket.recv())["type"] != "conversation.item.done":
                    pass


def test_an_entry_is_one_line_whatever_a_client_put_into_it() -> None:
    record = logging.LogRecord("x", logging.INFO, "", 0, "model %s", ("a\r\nINFO forged\x1b[2J\u2028\x85é",), None)
    assert OneLine("%(message)s").format(record) == "model a\\r\\nINFO forged\\x1b[2J\\u2028\\x85é"


def test_what_an_exception_says_begins_no_entry() -> None:
    try:
        raise ValueError("a\n2026-01-01 INFO forged\r\x1b[2J")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "", 0, "it failed", (), sys.exc_info())
    first, *others = OneLine("%(message)s").format(record).split("\n")
    assert first == "it failed"
    assert any("INFO forged\\r\\x1b" in line for line in others)
    assert all(line.startswith("  ") for line in others)


KEYS = (
    "pt_0123456789ab_" + "k" * 43,
    "ek_0123456789ab_" + "e" * 43,
    "secret-of-nobody",
)


@pytest.mark.parametrize("key", KEYS)
async def test_no_key_is_logged_or_sent_back(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever it is given, and however wrong."""
    tenant = TenantSettings(name="acme", token=SecretStr("secret-of-acme"))
    told: list[str] = []
    with fresh():
        configure("debug")
        async with serving(tenants=(tenant,)) as server, httpx.AsyncClient(base_url=server.http) as http:
            for bearer in (key, "secret-of-acme"):
                headers = {"authorization": f"Bearer {bearer}", "x-request-id": "a b", "user-agent": "x"}
                told.append((await http.get("/v1/models", headers=headers)).text)
                told.append((await http.get("/v1/avatars/nobody", headers=headers)).text)
                told.append((await http.post("/v1/chat/completions", headers=headers, content=b"{")).text)
                subprotocols = [websockets.Subprotocol("realtime"), websockets.Subprotocol(KEY_SUBPROTOCOL + bearer)]
                try:
                    async with websockets.connect(server.ws, subprotocols=subprotocols) as socket:
                        await socket.send("{")
                        told += [str(await socket.recv()), str(await socket.recv())]
                except websockets.InvalidStatus as refused:
                    told.append((refused.response.body or b"").decode())
    logged = capsys.readouterr().err
    assert "Application startup complete" in logged
    for given in (key, "secret-of-acme"):
        assert given not in logged
        assert not [answer for answer in told if given in answer]


async def test_what_a_client_calls_itself_begins_no_entry_and_splits_no_header(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fresh():
        configure("debug")
        async with serving() as server, httpx.AsyncClient(base_url=server.http) as http:
            for name in ("%0d%0aINFO:forged", "%1b[2J", "%E2%80%A8INFO:forged"):
                for path in (f"/v1/avatars/{name}", f"/v1/models/{name}", f"/{name}", f"/v1/videos/{name}/content"):
                    answer = await http.get(path, headers={"user-agent": "x\tINFO forged"})
                    assert answer.status_code == 404
                    assert "forged" not in str(answer.headers)
    logged = capsys.readouterr().err
    assert not [line for line in logged.splitlines() if line.startswith("INFO:forged")]
    assert "\x1b" not in logged


async def test_a_request_is_not_named_by_what_would_break_a_line() -> None:
    async with serving() as server, httpx.AsyncClient() as http:
        for name in (b"a\tb", b"x" * 200, b"a b", b"\xff", b"<script>"):
            answer = await http.get(f"{server.http}/healthz", headers={b"x-request-id": name})
            assert answer.headers["x-request-id"].startswith("req_")

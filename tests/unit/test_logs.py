"""What the server logs: lines that no client can forge, and nothing that people said, at any level."""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
import websockets

from polytalk.cli.logs import TALKATIVE, OneLine, configure
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


async def test_a_request_is_not_named_by_what_would_break_a_line() -> None:
    async with serving() as server, httpx.AsyncClient() as http:
        for name in (b"a\tb", b"x" * 200, b"a b", b"\xff", b"<script>"):
            answer = await http.get(f"{server.http}/healthz", headers={b"x-request-id": name})
            assert answer.headers["x-request-id"].startswith("req_")

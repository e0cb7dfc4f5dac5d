"""The process as a person meets it: start, readiness, refusals, a clean end, and words instead of tracebacks."""

import json
import signal
import socket
import subprocess
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from polytalk.engines.llm import smollm2
from tests.e2e.conftest import Server, free_port

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_ends_cleanly(how: signal.Signals) -> None:
    server = Server()
    server.wait_ready()
    code, output = server.stop(how)
    assert code == 0, output
    assert "Traceback" not in output
    assert "Ready" in output
    assert server.url in output


def test_an_answer_under_way_is_finished_before_it_ends() -> None:
    server = Server(POLYTALK_LLM__ENGINE="echo")
    server.wait_ready()
    said = {"type": "input_text", "text": "I would like to hear the end of this sentence, please."}
    item = {"type": "message", "role": "user", "content": [said]}
    seen: list[dict[str, Any]] = []
    with connect(server.ws) as client:
        client.send(json.dumps({"type": "conversation.item.create", "item": item}))
        client.send(json.dumps({"type": "response.create"}))
        while not seen or seen[-1]["type"] != "response.output_audio.delta":
            seen.append(json.loads(client.recv(timeout=20)))
        server.process.send_signal(signal.SIGTERM)
        while server.status("/readyz") != 503:
            assert server.process.poll() is None
        with pytest.raises(ConnectionClosed) as closed:
            seen.extend(json.loads(client.recv(timeout=20)) for _ in count())
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    (done,) = [event["response"] for event in seen if event["type"] == "response.done"]
    assert done["status"] == "completed"
    assert "end of this sentence" in done["output"][0]["content"][0]["transcript"]
    code, output = server.stop()
    assert code == 0, output
    assert "Traceback" not in output


def test_it_ends_cleanly_while_it_is_still_starting() -> None:
    server = Server()
    while server.status("/healthz") != 200:
        assert server.process.poll() is None
    assert server.status("/readyz") in (200, 503)
    code, output = server.stop(signal.SIGINT)
    assert code == 0, output
    assert "Traceback" not in output


def test_a_port_in_use_is_said_before_anything_is_loaded(polytalk: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = polytalk("serve", "--port", str(port))
    assert done.returncode == 1
    assert f"{port}" in done.stderr
    assert f"PORT={port + 1}" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_corrupt_model_is_refused_with_what_to_do(polytalk: Run, tmp_path: Path) -> None:
    broken = tmp_path / "packages" / smollm2.MODEL.package  # found before the installed one
    broken.mkdir(parents=True)
    (broken / "__init__.py").touch()
    (broken / smollm2.MODEL.path).write_bytes(b"GGUF, cut off")
    done = polytalk("serve", PYTHONPATH=str(broken.parent), POLYTALK_SERVER__PORT=str(free_port()))
    assert done.returncode == 1, done.stdout
    assert smollm2.MODEL.path in done.stderr.replace("\n", "")
    assert "pip install" in done.stderr.replace("\n", " ")
    assert "Traceback" not in done.stderr


def test_a_bad_setting_names_itself(polytalk: Run) -> None:
    done = polytalk("serve", POLYTALK_LIMITS__MAX_SESSIONS="many")
    assert done.returncode == 1
    assert "limits.max_sessions" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_engine_lists_those_there_are(polytalk: Run) -> None:
    done = polytalk("serve", "--llm", "gpt9")
    assert done.returncode == 1
    assert "gpt9" in done.stderr
    assert "smollm2" in done.stderr


def test_doctor_finds_everything_here(polytalk: Run) -> None:
    done = polytalk("doctor")
    assert done.returncode == 0, done.stdout
    assert "Everything needed is here" in done.stdout


def test_help_names_every_command(polytalk: Run) -> None:
    help_text = polytalk("--help").stdout
    for command in ("serve", "ask", "setup", "doctor", "inspect"):
        assert command in help_text

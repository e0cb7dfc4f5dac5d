"""`polytalk tenant|keys|db|transcripts`, on a database of their own."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from polytalk.cli import store as commands
from polytalk.cli.main import app
from polytalk.config import load_settings
from polytalk.errors import BadInput, PolytalkError
from polytalk.store.audit import Act
from polytalk.store.conversations import SessionRecord, TurnRecord, answered, began
from polytalk.store.store import opened

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    (tmp_path / "polytalk.toml").write_text('cores = 4\n[[tenants]]\nname = "fixed"\nentitlement = 1.0\n')
    monkeypatch.setenv("POLYTALK_CONFIG", str(tmp_path / "polytalk.toml"))
    monkeypatch.setenv("POLYTALK_STORE__URL", f"sqlite:///{tmp_path}/store.db")
    monkeypatch.setattr(commands.console, "_width", 200)

    def invoke(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), catch_exceptions=True)

    return invoke


def fault(result: Result) -> str:
    assert isinstance(result.exception, PolytalkError), result.output
    return result.exception.message


def audit() -> list[Act]:
    async def look() -> list[Act]:
        async with opened(load_settings()) as store:
            return await store.audit.page()

    return asyncio.run(look())


def test_a_tenant_and_its_key_from_beginning_to_end(run: Run) -> None:
    assert "none to 0001" in run("db", "upgrade").stdout
    assert "of version 0001 already" in run("db", "upgrade").stdout
    assert "shop is there" in run("tenant", "add", "shop", "--tier", "vip", "--limit", "requests_per_minute=9").stdout
    made = run("keys", "create", "-t", "shop", "-l", "[red]web[/red]", "--scope", "chat", "--expires", "90d")
    value = made.stdout.strip()
    assert value.startswith("pt_")
    assert "shown this once" in made.stderr
    listed = run("keys", "list").stdout
    assert "[red]web[/red]" in listed
    assert value.rpartition("_")[0] not in listed or value not in listed
    assert "shop" in run("tenant", "set", "shop", "--entitlement", "2.5", "--ceiling", "3").stdout
    shown = run("tenant", "show", "shop").stdout
    assert "2.5" in shown
    assert "'requests_per_minute': 9.0" in shown
    new = run("keys", "rotate", value, "--overlap", "1h").stdout.strip()
    assert new != value
    assert "opens nothing" in run("keys", "revoke", value).stdout
    assert "revoked" in run("keys", "list", "-t", "shop").stdout
    counted = run("db", "status").stdout
    assert "0001, of 0001" in counted
    run("tenant", "remove", "shop")
    assert "There are no keys" in run("keys", "list").stdout
    acts = audit()
    assert [act.action for act in acts] == [
        "tenant.remove",
        "key.revoke",
        "key.rotate",
        "tenant.change",
        "key.create",
        "tenant.add",
    ]
    assert all(act.actor.startswith("cli") for act in acts)


def test_what_can_not_be_is_said(run: Run) -> None:
    assert "there is no tenant 'nobody'" in fault(run("keys", "create", "-t", "nobody"))
    assert "of 4 cores 3 are left" in fault(run("tenant", "add", "greedy", "--entitlement", "3.5"))
    assert "is in the settings" in fault(run("tenant", "set", "fixed", "--tier", "vip"))
    assert "already, in the settings" in fault(run("tenant", "add", "fixed"))
    assert "such as 12h" in fault(run("keys", "create", "--expires", "soon"))
    assert "name=number" in fault(run("tenant", "add", "x", "--limit", "many"))
    assert "what is to be changed" in fault(run("tenant", "set", "x"))
    assert "name a session" in fault(run("transcripts", "delete", "--user", "ann"))
    assert "fixed" in run("tenant", "list").stdout
    assert audit() == []


def test_what_was_said_is_shown_without_orders_to_the_terminal_and_deleted(run: Run) -> None:
    async def fill() -> None:
        async with opened(load_settings()) as store:
            store.writer.put(began(SessionRecord("sess_1", "shop", "mira", 1000.0, user="ann")))
            said = TurnRecord(
                "resp_1",
                "sess_1",
                1001.0,
                "\x1b[31mHello [bold]",
                "Hi. How are you?",
                "Hi.",
                "cancelled",
                "turn_detected",
            )
            store.writer.put(answered(said))
            await store.writer.drain(5.0)

    asyncio.run(fill())
    assert "sess_1" in run("transcripts", "list", "-t", "shop", "-u", "ann").stdout
    assert "Nothing is kept" in run("transcripts", "list", "-t", "blog").stdout
    shown = run("transcripts", "show", "sess_1").stdout
    assert "Hello [bold]" in shown
    assert "\x1b" not in shown
    assert "Hi. How are you?" in shown
    assert "1 session is gone" in run("transcripts", "delete", "-t", "shop", "-u", "ann").stdout
    assert "there is no session" in fault(run("transcripts", "delete", "sess_1"))
    assert [act.action for act in audit()] == ["sessions.delete", "session.read"]


@pytest.mark.parametrize(("given", "expected"), [("90s", 90.0), ("1.5h", 5400.0), ("90d", 7_776_000.0), ("0s", 0.0)])
def test_times_are_numbers_with_a_unit(given: str, expected: float) -> None:
    assert commands.seconds(given) == expected


@pytest.mark.parametrize("given", ["", "90", "h", "-1h", "1 h", "1h2m", "1e3s", "9999999d"])
def test_and_nothing_else(given: str) -> None:
    with pytest.raises(BadInput, match="such as 12h"):
        commands.seconds(given)

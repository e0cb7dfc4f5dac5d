"""What `polytalk tenant|keys|db|transcripts` do: on the database itself, with a server beside or without."""

import asyncio
import getpass
import re
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import func, select

from polytalk.config import load_settings
from polytalk.errors import BadInput
from polytalk.store import migrate
from polytalk.store.admin import Admin, Operator, shown_tenant
from polytalk.store.keys import Key
from polytalk.store.store import Store, opened
from polytalk.store.tables import metadata
from polytalk.types import Seconds

T = TypeVar("T")
UNITS = {"s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
console = Console(highlight=False)
told = Console(highlight=False, stderr=True)
"""What is said beside a key, so that it can be taken from the output as it is."""


def add_tenant(name: str, fields: dict[str, Any]) -> None:
    """See the command. Raises PolytalkError, as all here."""
    tenant = _administer(lambda admin, _: admin.add_tenant(_operator(), name, fields))
    console.print(f"[green]✓[/green] The tenant [bold]{tenant.name}[/bold] is there.")
    console.print(f"  Next   polytalk keys create --tenant {tenant.name}")


def set_tenant(name: str, fields: dict[str, Any]) -> None:
    """See the command."""
    if not fields:
        raise BadInput("say what is to be changed: polytalk tenant set --help")
    _administer(lambda admin, _: admin.change_tenant(_operator(), name, fields))
    show_tenant(name)


def remove_tenant(name: str) -> None:
    """See the command."""
    _administer(lambda admin, _: admin.remove_tenant(_operator(), name))
    console.print(f"The tenant {name} and its keys are gone.")


def list_tenants() -> None:
    """See the command."""
    table = Table(box=None)
    columns = ("name", "tier", "weight", "entitlement", "ceiling", "lending_limit", "source")
    for column in columns:
        table.add_column(column.replace("_", " "), justify="left" if column in ("name", "tier", "source") else "right")
    for tenant, source in _administer(lambda admin, _: admin.tenants()):
        shown = shown_tenant(tenant, source)
        table.add_row(*("–" if shown[column] is None else f"{shown[column]}" for column in columns))
    console.print(table)


def show_tenant(name: str) -> None:
    """See the command."""
    tenant, source = _administer(lambda admin, _: admin.tenant(name))
    for field, value in shown_tenant(tenant, source).items():
        if field != "object":
            console.print(f"{field.replace('_', ' '):14} {'–' if value in (None, {}) else value}")
    list_keys(name)


def create_key(tenant: str, label: str, scopes: tuple[str, ...], expires: str | None) -> None:
    """See the command."""
    lifetime = None if expires is None else seconds(expires)
    key, value = _administer(lambda admin, _: admin.create_key(_operator(), tenant, label, scopes, lifetime))
    _print_key(key, value)


def rotate_key(name: str, overlap: str) -> None:
    """See the command."""
    key, value = _administer(lambda admin, _: admin.rotate_key(_operator(), _id(name), seconds(overlap)))
    _print_key(key, value)


def revoke_key(name: str) -> None:
    """See the command."""
    key = _administer(lambda admin, _: admin.revoke_key(_operator(), _id(name)))
    console.print(f"The key {key.id} of {key.tenant} opens nothing any more.")


def list_keys(tenant: str | None) -> None:
    """See the command."""

    async def all_keys(_: Admin, store: Store) -> tuple[list[Key], float]:
        return await store.keys.all(tenant), store.now()

    keys, now = _administer(all_keys)
    table = Table(box=None)
    table.add_column("id", no_wrap=True)
    for column in ("tenant", "label", "scopes", "made", "ends", "last used", ""):
        table.add_column(column)
    for key in keys:
        state = "revoked" if key.revoked_at else "" if key.valid(now) else "expired"
        times = (key.created_at, key.expires_at, key.last_used_at)
        table.add_row(
            key.id, key.tenant, _plain(key.label), " ".join(key.scopes) or "all but admin", *map(_day, times), state
        )
    console.print(table if keys else "There are no keys.")


def list_sessions(tenant: str | None, user: str | None, limit: int) -> None:
    """See the command."""
    found = _administer(lambda _, store: store.conversations.page(tenant, user, limit=limit))
    table = Table(box=None)
    table.add_column("session", no_wrap=True)
    for column in ("began", "tenant", "user", "avatar", "turns"):
        table.add_column(column)
    for one in found:
        table.add_row(one.id, _minute(one.started_at), one.tenant, _plain(one.user or "–"), one.avatar, str(one.turns))
    console.print(table if found else "Nothing is kept.")


def show_session(name: str) -> None:
    """See the command."""
    session, turns = _administer(lambda admin, _: admin.read_session(_operator(), name))
    console.print(
        f"{_minute(session.started_at)}  {session.tenant}  {_plain(session.user or '')}  with {session.avatar}\n"
    )
    for turn in turns:
        if turn.user_text:
            console.print(f"[bold]user[/bold]  {_plain(turn.user_text)}")
        unheard = turn.answer_text.removeprefix(turn.heard_text) if turn.status == "cancelled" else ""
        said = turn.heard_text if turn.status == "cancelled" else turn.answer_text or turn.heard_text
        console.print(f"[bold]{session.avatar}[/bold]  {_plain(said)}[dim]{_plain(unheard)}[/dim]")
        took = "" if turn.first_audio_ms is None else f"first audio {turn.first_audio_ms} ms · "
        console.print(f"      [dim]{took}{turn.audio_ms / 1000:.1f} s of speech · {turn.status} {turn.reason}[/dim]")


def delete_sessions(session: str | None, tenant: str | None, user: str | None) -> None:
    """See the command."""
    if (session is None) == (tenant is None) or (user is not None and tenant is None):
        raise BadInput("name a session, or --tenant, or --tenant and --user: polytalk transcripts delete --help")
    if session is not None:
        _administer(lambda admin, _: admin.delete_session(_operator(), session))
        gone = 1
    else:
        gone = _administer(lambda admin, _: admin.delete_sessions(_operator(), str(tenant), user))
    console.print(f"{gone} {'session is' if gone == 1 else 'sessions are'} gone.")


def upgrade() -> None:
    """See the command."""

    async def run() -> None:
        store = Store(load_settings())
        try:
            before, after = await migrate.upgrade(store.database)
        finally:
            await store.close()
        if before == after:
            console.print(f"{store.database} is of version {after} already.")
        else:
            console.print(f"[green]✓[/green] {store.database} went from version {before or 'none'} to {after}.")

    asyncio.run(run())


def status() -> None:
    """See the command."""

    async def run() -> None:
        store = Store(load_settings())
        try:
            async with store.database.reading() as connection:
                found = await migrate.current(connection)
                counts = {
                    table.name: (await connection.execute(select(func.count()).select_from(table))).scalar()
                    for table in (metadata.sorted_tables if found == migrate.HEAD else ())
                }
        finally:
            await store.close()
        console.print(f"database   {store.database}")
        console.print(f"version    {found or 'none yet'}, of {migrate.HEAD}")
        if found != migrate.HEAD:
            console.print("Bring it to this version with polytalk db upgrade, or by starting a server.")
        for name, count in sorted(counts.items()):
            console.print(f"{name.replace('_', ' '):15} {count:8}")

    asyncio.run(run())


def seconds(given: str) -> Seconds:
    """Such as 90s, 15m, 12h, 90d. Raises BadInput."""
    found = re.fullmatch(r"(\d{1,6}(?:\.\d+)?)([smhd])", given)
    if found is None:
        raise BadInput(f"a time is a number with s, m, h or d behind it, such as 12h; not {given[:40]!r}")
    return float(found[1]) * UNITS[found[2]]


def fields_of(
    tier: str | None,
    weight: float | None,
    entitlement: float | None,
    ceiling: float | None,
    lending_limit: float | None,
    limits: list[str] | None,
) -> dict[str, Any]:
    """The flags as a tenant's fields; 0 takes away a weight or a ceiling. Raises BadInput."""
    given: dict[str, Any] = {"tier": tier, "entitlement": entitlement, "lending_limit": lending_limit}
    fields = {name: value for name, value in given.items() if value is not None}
    for name, number in (("weight", weight), ("ceiling", ceiling)):
        if number is not None:
            fields[name] = number or None
    if limits:
        fields["limits"] = dict(map(_limit, limits))
    return fields


def _limit(given: str) -> tuple[str, float]:
    name, _, value = given.partition("=")
    try:
        return name, float(value)
    except ValueError:
        raise BadInput(f"a limit is name=number, not {given[:60]!r}") from None


def _administer(work: Callable[[Admin, Store], Awaitable[T]]) -> T:
    async def run() -> T:
        settings = load_settings()
        async with opened(settings) as store:
            return await work(Admin(store, settings), store)

    return asyncio.run(run())


def _operator() -> Operator:
    try:
        return Operator(f"cli:{getpass.getuser()}")
    except (KeyError, OSError):  # a container's user may have no name
        return Operator("cli")


def _id(given: str) -> str:
    """Whoever gives the whole key means that one."""
    return "_".join(given.split("_")[:2])


def _print_key(key: Key, value: str) -> None:
    told.print(f"[green]✓[/green] The key [bold]{key.id}[/bold] of {key.tenant}. It is shown this once:")
    typer.echo(value)


def _plain(text: str) -> str:
    """What somebody else wrote, without what a terminal would take for an order."""
    return escape("".join(char if char.isprintable() else " " for char in text))


def _day(at: float | None) -> str:
    return "–" if at is None else datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d")


def _minute(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M")

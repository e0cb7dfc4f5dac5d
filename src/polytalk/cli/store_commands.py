"""`polytalk tenant|keys|db|transcripts …`: the commands and their flags. What they do is in `store.py`."""

from typing import Annotated, Any

import typer

tenants = typer.Typer(name="tenant", help="Who pays, and what for.", no_args_is_help=True)
keys = typer.Typer(name="keys", help="Keys that open the server.", no_args_is_help=True)
db = typer.Typer(name="db", help="The database behind them.", no_args_is_help=True)
transcripts = typer.Typer(name="transcripts", help="What was said.", no_args_is_help=True)
GROUPS = (tenants, keys, db, transcripts)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Which tenant.")]
KeyId = Annotated[str, typer.Argument(metavar="ID", help="Which key: the part of it up to the second underscore.")]
Tier = Annotated[str | None, typer.Option(help="vip, standard or batch.")]
Weight = Annotated[float | None, typer.Option(help="What it weighs beside others; 0: what its tier weighs.")]
Entitlement = Annotated[float | None, typer.Option(help="Cores that are its own.")]
Ceiling = Annotated[float | None, typer.Option(help="Cores that it may use in all; 0: no such bound.")]
Lending = Annotated[float | None, typer.Option(help="The share of its idle entitlement that it offers to others.")]
Limit = Annotated[list[str] | None, typer.Option(help="A bound of its own, as name=number. May be given again.")]
OfTenant = Annotated[str | None, typer.Option("--tenant", "-t", help="Only this tenant's.")]


@tenants.command("add")
def tenant_add(
    name: Name,
    tier: Tier = None,
    weight: Weight = None,
    entitlement: Entitlement = None,
    ceiling: Ceiling = None,
    lending_limit: Lending = None,
    limit: Limit = None,
) -> None:
    """Add a tenant; running servers have it within two seconds."""
    from polytalk.cli.store import add_tenant, fields_of

    add_tenant(name, fields_of(tier, weight, entitlement, ceiling, lending_limit, limit))


@tenants.command("list")
def tenant_list() -> None:
    """Show all tenants."""
    from polytalk.cli.store import list_tenants

    list_tenants()


@tenants.command("show")
def tenant_show(name: Name) -> None:
    """Show one, with its keys."""
    from polytalk.cli.store import show_tenant

    show_tenant(name)


@tenants.command("set")
def tenant_set(
    name: Name,
    tier: Tier = None,
    weight: Weight = None,
    entitlement: Entitlement = None,
    ceiling: Ceiling = None,
    lending_limit: Lending = None,
    limit: Limit = None,
) -> None:
    """Give a tenant other terms; what is not named stays."""
    from polytalk.cli.store import fields_of, set_tenant

    set_tenant(name, fields_of(tier, weight, entitlement, ceiling, lending_limit, limit))


@tenants.command("remove")
def tenant_remove(name: Name) -> None:
    """Remove a tenant and its keys. What it said stays for its time: see `polytalk transcripts delete`."""
    from polytalk.cli.store import remove_tenant

    remove_tenant(name)


@keys.command("create")
def keys_create(
    tenant: Annotated[str, typer.Option("--tenant", "-t", help="Whose key it is.")] = "default",
    label: Annotated[str, typer.Option("--label", "-l", help="What it is for.")] = "",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="realtime, chat, audio, videos, avatars or admin; may be given again. All but admin without."
        ),
    ] = None,
    expires: Annotated[str | None, typer.Option(help="When it ends, such as 12h or 90d; never without.")] = None,
) -> None:
    """Make a key, and print it: it is shown this once."""
    from polytalk.cli.store import create_key

    create_key(tenant, label, tuple(scope or ()), expires)


@keys.command("list")
def keys_list(tenant: OfTenant = None) -> None:
    """Show all keys, without what opens."""
    from polytalk.cli.store import list_keys

    list_keys(tenant)


@keys.command("revoke")
def keys_revoke(key: KeyId) -> None:
    """End a key, everywhere within two seconds."""
    from polytalk.cli.store import revoke_key

    revoke_key(key)


@keys.command("rotate")
def keys_rotate(
    key: KeyId,
    overlap: Annotated[str, typer.Option(help="How long the old one goes on, such as 1h.")] = "0s",
) -> None:
    """Make a key in place of another, and print it."""
    from polytalk.cli.store import rotate_key

    rotate_key(key, overlap)


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the tables to this version. Servers do it when they start."""
    from polytalk.cli.store import upgrade

    upgrade()


@db.command("status")
def db_status() -> None:
    """Show where the database is, its version, and how much is in it."""
    from polytalk.cli.store import status

    status()


@transcripts.command("list")
def transcripts_list(
    tenant: OfTenant = None,
    user: Annotated[str | None, typer.Option("--user", "-u", help="Only this user's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
) -> None:
    """Show which conversations are kept."""
    from polytalk.cli.store import list_sessions

    list_sessions(tenant, user, limit)


@transcripts.command("show")
def transcripts_show(session: Annotated[str, typer.Argument(help="Which session.")]) -> None:
    """Show what was said in one."""
    from polytalk.cli.store import show_session

    show_session(session)


@transcripts.command("delete")
def transcripts_delete(
    session: Annotated[str | None, typer.Argument(help="This session.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", "-t", help="All of this tenant's …")] = None,
    user: Annotated[str | None, typer.Option("--user", "-u", help="… or of this user of it.")] = None,
) -> None:
    """Delete what was said, for good."""
    from polytalk.cli.store import delete_sessions

    delete_sessions(session, tenant, user)


def add_to(app: Any) -> None:
    """All of them."""
    for group in GROUPS:
        app.add_typer(group)

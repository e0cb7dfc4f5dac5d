"""The tables' versions, and the way from an older one to ours. Safe when several processes begin at once."""

import logging
from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from polytalk.errors import ConfigError
from polytalk.store.database import Database
from polytalk.store.tables import metadata

log = logging.getLogger(__name__)

HEAD = "0001"
"""The newest version in `migrations/versions`."""
LOCK = 7_020_061_001
"""Any number, as long as it stays the same: PostgreSQL's lock of those who migrate."""


async def current(connection: AsyncConnection) -> str | None:
    """The database's version; None for one that has no tables of ours."""
    return await connection.run_sync(_current)


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Bring the tables to our version; returns the versions before and after.

    Raises StoreLost, and ConfigError for a database that a newer Polytalk made.
    """
    async with database.reading() as connection:
        if (before := await current(connection)) == HEAD:
            return before, HEAD
    async with database.writing() as connection:  # on SQLite this is the lock
        if not database.sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        before = await current(connection)  # somebody else may have been here while we waited
        if before == HEAD:
            return before, HEAD
        if database.in_memory:
            await connection.run_sync(metadata.create_all)  # nothing can be in it that would have to be kept
        else:
            await connection.run_sync(_upgrade)
    log.info("the database %s went from version %s to %s", database, before or "none", HEAD)
    return before, HEAD


def _current(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _upgrade(connection: Connection) -> None:
    # Here, because importing it takes longer than all the rest, and most starts have nothing to migrate.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise ConfigError(f"the database can't be brought to version {HEAD}: {error}") from None

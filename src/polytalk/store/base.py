"""What the parts of the store share."""

from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from polytalk.store import tables
from polytalk.store.database import Database

Now: TypeAlias = Callable[[], float]
"""Seconds since 1970."""

MOST_ROWS = 100
"""That a list gives at once."""


class Part:
    """Works on some of the tables."""

    def __init__(self, database: Database, now: Now) -> None:
        self._database = database
        self._now = now


async def changed(connection: AsyncConnection) -> None:
    """Tell all gateways, in the same transaction, that what they keep in memory is not so any more."""
    revision = tables.meta.c.name == "revision"
    raised = await connection.execute(update(tables.meta).where(revision).values(value=tables.meta.c.value + 1))
    if raised.rowcount == 0:
        await connection.execute(tables.meta.insert().values(name="revision", value=1))


async def revision(connection: AsyncConnection) -> int:
    """How often it was told."""
    found = await connection.execute(select(tables.meta.c.value).where(tables.meta.c.name == "revision"))
    return int(found.scalar() or 0)

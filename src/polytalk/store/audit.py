"""What operators did: who, what, to whom, when, from where. Only ever appended; the oldest go with their time."""

from typing import Any

from msgspec import Struct
from sqlalchemy import delete, insert, select

from polytalk.store import tables
from polytalk.store.base import MOST_ROWS, Part
from polytalk.types import Seconds


class Act(Struct, frozen=True):
    """One entry."""

    id: int
    at: float
    actor: str
    """A key's id, or `cli:` and the name of who ran the command."""
    action: str
    """Such as `key.create`."""
    target: str
    """What it was done to: a tenant, a key, a session, a user."""
    details: dict[str, Any]
    address: str
    """Where it came from; empty for a command on the server itself."""


class Audit(Part):
    """Raises StoreLost."""

    async def note(
        self, actor: str, action: str, target: str, details: dict[str, Any] | None = None, address: str = ""
    ) -> None:
        """Write an entry down, and wait until it is: an act that can't be noted is not to be done."""
        row = {"at": self._now(), "actor": actor, "action": action, "target": target[: tables.LABEL]}
        async with self._database.writing() as connection:
            await connection.execute(
                insert(tables.audit).values(row | {"details": details or {}, "address": address[: tables.NAME]})
            )

    async def page(self, before: int | None = None, limit: int = MOST_ROWS) -> list[Act]:
        """The newest first; `before`: only those with a smaller id."""
        query = select(tables.audit).order_by(tables.audit.c.id.desc()).limit(max(1, min(limit, MOST_ROWS)))
        if before is not None:
            query = query.where(tables.audit.c.id < before)
        async with self._database.reading() as connection:
            return [Act(**row) for row in (await connection.execute(query)).mappings()]

    async def purge(self, age: Seconds) -> int:
        """Delete what is older than that."""
        async with self._database.writing() as connection:
            gone = await connection.execute(delete(tables.audit).where(tables.audit.c.at < self._now() - age))
            return int(gone.rowcount)

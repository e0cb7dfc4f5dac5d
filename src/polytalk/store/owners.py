"""Whose an avatar of the library is. Those of nobody are everybody's: the shipped ones, and what operators add."""

from sqlalchemy import delete, insert, select

from polytalk.store import tables
from polytalk.store.base import Part, changed


class Owners(Part):
    """Raises StoreLost."""

    async def all(self) -> dict[str, str]:
        """Avatar -> tenant."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(tables.avatars.c.id, tables.avatars.c.tenant))
            return {row.id: row.tenant for row in rows}

    async def set(self, avatar: str, tenant: str) -> None:
        """It belongs to the tenant."""
        async with self._database.writing() as connection:
            await connection.execute(delete(tables.avatars).where(tables.avatars.c.id == avatar))
            row = {"id": avatar, "tenant": tenant, "created_at": self._now()}
            await connection.execute(insert(tables.avatars).values(row))
            await changed(connection)

    async def forget(self, avatar: str) -> None:
        """It is gone, or everybody's."""
        async with self._database.writing() as connection:
            await connection.execute(delete(tables.avatars).where(tables.avatars.c.id == avatar))
            await changed(connection)

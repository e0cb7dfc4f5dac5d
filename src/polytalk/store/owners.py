"""Whose an avatar of the library is. Those of nobody are everybody's: the shipped ones, and what operators add."""

from sqlalchemy import delete, insert, select
from sqlalchemy.exc import IntegrityError

from polytalk.errors import BadInput
from polytalk.store import tables
from polytalk.store.base import Part, changed


class Owners(Part):
    """Raises StoreLost."""

    async def all(self) -> dict[str, str]:
        """Avatar -> tenant."""
        async with self._database.reading() as connection:
            rows = await connection.execute(select(tables.avatars.c.id, tables.avatars.c.tenant))
            return {row.id: row.tenant for row in rows}

    async def claim(self, avatar: str, tenant: str) -> bool:
        """Have it belong to the tenant; False when it was its already. Raises BadInput when it is another's."""
        row = {"id": avatar, "tenant": tenant, "created_at": self._now()}
        try:
            async with self._database.writing() as connection:
                await connection.execute(insert(tables.avatars).values(row))
                await changed(connection)
        except IntegrityError:
            if (await self.all()).get(avatar) == tenant:
                return False
            raise BadInput(f"there is an avatar {avatar!r} already; choose another id", code="avatar_exists") from None
        return True

    async def forget(self, avatar: str) -> None:
        """It is gone, or everybody's."""
        async with self._database.writing() as connection:
            await connection.execute(delete(tables.avatars).where(tables.avatars.c.id == avatar))
            await changed(connection)

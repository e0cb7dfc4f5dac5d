"""Clip jobs: what was ordered, how far it is, and where the file lies."""

from typing import Any, Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import delete, insert, select, tuple_, update
from sqlalchemy.engine import RowMapping

from polytalk.errors import BadInput
from polytalk.store import tables
from polytalk.store.base import MOST_ROWS, Part

Status: TypeAlias = Literal["queued", "in_progress", "completed", "failed"]


class Clip(Struct, frozen=True):
    """One job."""

    id: str
    tenant: str
    status: Status
    progress: int
    """Per cent."""
    request: dict[str, Any]
    """As the client sent it."""
    created_at: float
    updated_at: float
    key: str | None = None
    file: str | None = None
    """Where it lies, when it is completed."""
    error: dict[str, Any] | None = None
    """{code, message}, when it failed."""
    expires_at: float | None = None


class Clips(Part):
    """Every look and change names the tenant: another's job is none. Raises StoreLost."""

    async def create(
        self, name: str, tenant: str, request: dict[str, Any], key: str | None = None, lifetime: float | None = None
    ) -> Clip:
        """A job that is queued; its file and itself go `lifetime` seconds from now."""
        now = self._now()
        clip = Clip(name, tenant, "queued", 0, request, now, now, key)
        if lifetime is not None:
            clip = Clip(name, tenant, "queued", 0, request, now, now, key, expires_at=now + lifetime)
        async with self._database.writing() as connection:
            await connection.execute(insert(tables.clips).values(asdict(clip)))
        return clip

    async def get(self, name: str, tenant: str) -> Clip:
        """Raises BadInput, StoreLost."""
        async with self._database.reading() as connection:
            found = await connection.execute(select(tables.clips).where(*_one(name, tenant)))
            row = found.mappings().first()
        if row is None:
            raise _unknown(name)
        return _clip(row)

    async def page(
        self, tenant: str, after: str | None = None, limit: int = 20, oldest_first: bool = False
    ) -> list[Clip]:
        """A tenant's, the newest first; from the one `after` on. Raises BadInput, StoreLost."""
        table = tables.clips
        query = select(table).where(table.c.tenant == tenant)
        order = (table.c.created_at, table.c.id)
        if after is not None:
            at = await self.get(after, tenant)
            here, there = tuple_(*order), tuple_(at.created_at, at.id)
            query = query.where(here > there if oldest_first else here < there)
        query = query.order_by(*(column if oldest_first else column.desc() for column in order))
        async with self._database.reading() as connection:
            rows = await connection.execute(query.limit(max(1, min(limit, MOST_ROWS))))
            return [_clip(row) for row in rows.mappings()]

    async def begin(self, name: str) -> bool:
        """Take a queued job in hand; False when somebody else has, or it is gone. Raises StoreLost."""
        return await self._set(name, ("queued",), status="in_progress", progress=0)

    async def advance(self, name: str, progress: int) -> bool:
        """It is so far, in per cent; False when the job is gone, and need not be finished. Raises StoreLost."""
        return await self._set(name, ("in_progress",), progress=max(0, min(progress, 100)))

    async def complete(self, name: str, file: str) -> bool:
        """Its file is there; False when the job is gone. Raises StoreLost."""
        return await self._set(name, ("in_progress",), status="completed", progress=100, file=file)

    async def fail(self, name: str, code: str, message: str) -> bool:
        """It can't be made; False when the job is gone or over. Raises StoreLost."""
        error = {"code": code, "message": message}
        return await self._set(name, ("queued", "in_progress"), status="failed", error=error)

    async def unfinished(self) -> list[Clip]:
        """All that are queued or in progress, the oldest first: to go on with after a restart. Raises StoreLost."""
        table = tables.clips
        query = select(table).where(table.c.status.in_(("queued", "in_progress"))).order_by(table.c.created_at)
        async with self._database.reading() as connection:
            return [_clip(row) for row in (await connection.execute(query)).mappings()]

    async def delete(self, name: str, tenant: str) -> Clip:
        """Returns it as it was, so that its file can go, too. Raises BadInput, StoreLost."""
        clip = await self.get(name, tenant)
        async with self._database.writing() as connection:
            await connection.execute(delete(tables.clips).where(*_one(name, tenant)))
        return clip

    async def expire(self) -> list[Clip]:
        """Delete those whose time is over, and return them. Raises StoreLost."""
        over = tables.clips.c.expires_at < self._now()
        async with self._database.writing() as connection:
            gone = [_clip(row) for row in (await connection.execute(select(tables.clips).where(over))).mappings()]
            if gone:
                await connection.execute(delete(tables.clips).where(tables.clips.c.id.in_([clip.id for clip in gone])))
        return gone

    async def _set(self, name: str, expected: tuple[Status, ...], **values: Any) -> bool:
        where = (tables.clips.c.id == name, tables.clips.c.status.in_(expected))
        async with self._database.writing() as connection:
            done = await connection.execute(update(tables.clips).where(*where).values(updated_at=self._now(), **values))
            return bool(done.rowcount)


def _one(name: str, tenant: str) -> tuple[Any, ...]:
    return tables.clips.c.id == name, tables.clips.c.tenant == tenant


def _clip(row: RowMapping) -> Clip:
    return Clip(**{name: row[name] for name in Clip.__struct_fields__})


def _unknown(name: str) -> BadInput:
    return BadInput(f"there is no video {name[:80]!r}", code="video_not_found", param="video_id")

"""Sessions and their turns: what was said, what was heard of it, and when. Written behind the conversation's back."""

from typing import Any

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import Executable, delete, func, insert, select, update
from sqlalchemy.engine import RowMapping

from polytalk.errors import BadInput
from polytalk.store import tables
from polytalk.store.base import MOST_ROWS, Part
from polytalk.store.writer import Write
from polytalk.types import Seconds


class SessionRecord(Struct, frozen=True):
    """One call."""

    id: str
    tenant: str
    avatar: str
    started_at: float
    key: str | None = None
    user: str | None = None
    ended_at: float | None = None
    turns: int = 0


class TurnRecord(Struct, frozen=True):
    """One answer, and what it answered."""

    id: str
    """The response's."""
    session: str
    started_at: float
    user_text: str
    """What the user said or wrote; empty when the answer goes on, or was asked for without words."""
    answer_text: str
    """All that was made and sent."""
    heard_text: str
    """What of it the user heard: less, after an interruption."""
    status: str
    reason: str = ""
    first_audio_ms: int | None = None
    """From the end of what the user said to the first audio that was sent."""
    duration_ms: int = 0
    """From the response's beginning to its end."""
    audio_ms: int = 0
    """Of speech that was sent."""
    input_tokens: int = 0
    output_tokens: int = 0


def began(record: SessionRecord) -> Write:
    """To be written when a call begins."""
    row = asdict(record)
    del row["turns"]
    return Write("session", insert(tables.sessions).values(_clean(row)))


def answered(record: TurnRecord) -> Write:
    """To be written when an answer is over."""
    return Write("turn", insert(tables.turns).values(_clean(asdict(record))))


def ended(session: str, at: float) -> Write:
    """To be written when a call is over."""
    return Write("session", update(tables.sessions).where(tables.sessions.c.id == session).values(ended_at=at))


class Conversations(Part):
    """Lists, shows and deletes them."""

    async def page(
        self, tenant: str | None = None, user: str | None = None, before: float | None = None, limit: int = MOST_ROWS
    ) -> list[SessionRecord]:
        """The newest first; `before`: only those that began earlier. Raises StoreLost."""
        table = tables.sessions
        count = select(func.count()).select_from(tables.turns).where(tables.turns.c.session == table.c.id)
        query = select(table, count.scalar_subquery().label("turns")).order_by(table.c.started_at.desc(), table.c.id)
        for column, value in ((table.c.tenant, tenant), (table.c.user, user)):
            if value is not None:
                query = query.where(column == value)
        if before is not None:
            query = query.where(table.c.started_at < before)
        async with self._database.reading() as connection:
            rows = await connection.execute(query.limit(min(limit, MOST_ROWS)))
            return [_session(row) for row in rows.mappings()]

    async def show(self, session: str, tenant: str | None = None) -> tuple[SessionRecord, list[TurnRecord]]:
        """One with its turns, in order. Raises BadInput (another tenant's is none), StoreLost."""
        where = [tables.sessions.c.id == session, *([] if tenant is None else [tables.sessions.c.tenant == tenant])]
        turns = select(tables.turns).where(tables.turns.c.session == session).order_by(tables.turns.c.started_at)
        async with self._database.reading() as connection:
            row = (await connection.execute(select(tables.sessions).where(*where))).mappings().first()
            if row is None:
                raise BadInput(f"there is no session {session[:80]!r}", code="session_not_found", param="session")
            found = [TurnRecord(**turn) for turn in (await connection.execute(turns)).mappings()]
        return _session({**row, "turns": len(found)}), found

    async def delete(self, session: str | None = None, user: str | None = None, tenant: str | None = None) -> int:
        """Sessions with all their turns: one, a user's, or a tenant's; how many. Raises ValueError, StoreLost."""
        named = {"id": session, "user": user, "tenant": tenant}
        where = [tables.sessions.c[name] == value for name, value in named.items() if value is not None]
        if not where:
            raise ValueError("name what to delete")
        return await self._delete(delete(tables.sessions).where(*where))

    async def purge(self, age: Seconds) -> int:
        """Delete what began longer ago than that; how many sessions went. Raises StoreLost."""
        return await self._delete(delete(tables.sessions).where(tables.sessions.c.started_at < self._now() - age))

    async def _delete(self, statement: Executable) -> int:
        async with self._database.writing() as connection:
            return int((await connection.execute(statement)).rowcount)


def _session(row: RowMapping | dict[str, Any]) -> SessionRecord:
    return SessionRecord(**{name: row[name] for name in SessionRecord.__struct_fields__})


def _clean(row: dict[str, Any]) -> dict[str, Any]:
    """Without what PostgreSQL can't keep in a text."""
    return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in row.items()}

"""Writes behind the conversation's back, also when the database is lost or full."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event, text

from polytalk.config import Settings, StoreSettings
from polytalk.errors import StoreLost
from polytalk.store.beside import beside
from polytalk.store.conversations import SessionRecord, TurnRecord, answered, began
from polytalk.store.store import Store
from polytalk.store.writer import LONGEST_WAIT, Write, Writer


class Flaky:
    """A database that is lost for a while."""

    def __init__(self) -> None:
        self.lost = False
        self.attempts = 0
        self.rows: list[Any] = []

    @asynccontextmanager
    async def writing(self) -> AsyncIterator["Flaky"]:
        self.attempts += 1
        if self.lost:
            raise StoreLost("the disk is full")
        yield self

    async def execute(self, statement: Any) -> None:
        self.rows.append(str(statement))


def write(number: int) -> Write:
    return Write("turn", text(str(number)))


@asynccontextmanager
async def writing(database: Flaky, most: int) -> AsyncIterator[Writer]:
    writer = Writer(database, most)  # type: ignore[arg-type]
    async with beside(writer.run()):
        yield writer


@pytest.mark.looptime
async def test_what_waits_is_bounded_and_what_is_dropped_is_counted() -> None:
    database = Flaky()
    database.lost = True
    async with writing(database, most=10) as writer:
        for number in range(15):
            writer.put(write(number))
        await asyncio.sleep(600.0)
        assert (writer.waiting, writer.dropped["turn"], writer.trouble) == (10, 5, "the disk is full")
        assert 20 <= database.attempts <= 600 / LONGEST_WAIT + 10, "it tries again, and not all the time"
        database.lost = False
        await asyncio.sleep(LONGEST_WAIT)
        assert database.rows == [str(number) for number in range(10)], "in order, and each once"
        assert (writer.waiting, writer.written["turn"], writer.trouble) == (0, 10, None)


@pytest.mark.looptime
async def test_at_the_end_what_waits_is_written_or_counted_as_lost() -> None:
    database = Flaky()
    writer = Writer(database, 10)  # type: ignore[arg-type]
    writer.put(write(1))
    await writer.drain(1.0)
    assert database.rows == ["1"]
    database.lost = True
    writer.put(write(2))
    await writer.drain(1.0)
    assert (writer.waiting, writer.dropped["turn"]) == (0, 1)


async def test_tables_that_are_not_as_they_should_be_are_a_lost_database_and_stop_no_writer(store: Store) -> None:
    store.writer.put(began(SessionRecord("sess_1", "acme", "mira", 1.0)))
    async with store.database.writing() as connection:
        await connection.execute(text("ALTER TABLE sessions RENAME TO gone"))
    async with beside(store.writer.run()), asyncio.timeout(5):
        while store.writer.trouble is None:
            await asyncio.sleep(0.01)
        async with store.database.writing() as connection:
            await connection.execute(text("ALTER TABLE gone RENAME TO sessions"))
        while store.writer.waiting:
            await asyncio.sleep(0.01)
    assert [one.id for one in await store.conversations.page()] == ["sess_1"]


async def test_work_beside_that_fails_is_told_of_at_once(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> None:
        raise KeyError("a defect")

    work = beside(broken())
    await work.__aenter__()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert "its work is not done any more" in caplog.text
    with pytest.raises(KeyError):
        await work.__aexit__(None, None, None)


async def test_a_full_disk_ends_no_conversation_and_is_told(tmp_path: Path) -> None:
    """SQLite gives the same error for a full disk and for a file that may not grow."""
    store = Store(Settings(store=StoreSettings(url=SecretStr(f"sqlite:///{tmp_path}/full.db"))))

    def small(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA max_page_count = 40")

    event.listen(store.database.engine.sync_engine, "connect", small)
    async with store.running():
        await store.opened.wait()
        store.writer.put(began(SessionRecord("sess_1", "acme", "mira", 1.0)))
        store.writer.put(answered(TurnRecord("resp_1", "sess_1", 1.0, "x" * 200_000, "", "", "completed")))
        async with asyncio.timeout(5):
            while store.writer.trouble is None:
                await asyncio.sleep(0.01)
        assert "full" in store.writer.trouble
        assert store.writer.waiting == 2
        assert await store.conversations.page() == [], "what is there can be read"

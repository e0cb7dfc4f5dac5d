"""Stores to test on: SQLite in a file, and PostgreSQL in a database of this run's own."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from polytalk.config import Settings, StoreSettings
from polytalk.store.store import Store
from polytalk.store.tables import metadata

SERVER = "postgresql://postgres@127.0.0.1:5432"


@dataclass
class Watch:
    """A wall clock that moves only when told to."""

    time: float = 1_000_000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a fresh database, dropped at the end."""
    name = f"polytalk_test_{secrets.token_hex(4)}"

    async def ask(statement: str) -> None:
        connection = await asyncpg.connect(f"{SERVER}/postgres", timeout=3)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    try:
        asyncio.run(ask(f"CREATE DATABASE {name}"))
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        reason = f"there is no PostgreSQL at 127.0.0.1:5432 that user postgres may use: {error}"
        if os.environ.get("POLYTALK_REQUIRE_SERVICES"):
            pytest.fail(reason)
        pytest.skip(reason)
    yield f"{SERVER}/{name}"
    asyncio.run(ask(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    """Settings that name a database which may have tables, and has no rows when `store` gives it."""
    file = f"sqlite:///{tmp_path}/store.db"
    url = file if request.param == "sqlite" else request.getfixturevalue("postgres")
    return Settings(store=StoreSettings(url=SecretStr(url)))


@pytest.fixture
async def store(store_settings: Settings) -> AsyncIterator[Store]:
    """An open and empty store, whose wall clock is a `Watch`."""
    opened = Store(store_settings, Watch())
    await opened.open()
    if not opened.database.sqlite:
        async with opened.database.writing() as connection:
            await connection.execute(text(f"TRUNCATE {', '.join(table.name for table in metadata.sorted_tables)}"))
    yield opened
    await opened.close()

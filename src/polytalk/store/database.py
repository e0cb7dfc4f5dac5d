"""The way to the database: SQLite in a file by default, PostgreSQL by its URL; transactions, and what is lost when."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import AsyncAdaptedQueuePool

from polytalk.errors import BadInput, ConfigError, StoreLost
from polytalk.types import Seconds

PATIENCE: Seconds = 5.0
"""For a connection, and for another process's transaction to end."""
QUERY_PATIENCE: Seconds = 15.0
UNKEEPABLE = "22"
"""The class of those that speak of a value: too long, or with a character that no text may have."""
TAKEN = "23"
"""The class of those that speak of other rows: a name that is taken, one that is missing."""
DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}
"""How databases are named, and what speaks to them."""


class Database:
    """Connections and transactions. Every failure of the database itself is a StoreLost; of a value, a BadInput."""

    def __init__(self, url: str) -> None:
        """Nothing is opened yet. Raises ConfigError for a URL that can't be used."""
        self._url = _parsed(url)
        self.sqlite = self._url.get_backend_name() == "sqlite"
        self.in_memory = self.sqlite and self._url.database in (None, "", ":memory:")
        self.engine = self._sqlite_engine() if self.sqlite else self._postgres_engine()

    def __str__(self) -> str:
        """The URL without its password."""
        return self._url.render_as_string(hide_password=True)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that changes nothing. Raises StoreLost."""
        async with self._transaction(self.engine) as connection:
            yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed when the context ends well. Raises StoreLost."""
        engine = self.engine.execution_options(writes=True)
        async with self._transaction(engine) as connection:
            yield connection

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.begin() as connection:
                yield connection
        except Exception as error:
            if _state(error).startswith(UNKEEPABLE):
                raise BadInput(f"the database can't keep that: {_reason(error)}") from error
            if not _is_lost(error):
                raise
            raise StoreLost(f"the database can't be used: {_reason(error)}") from error

    def _sqlite_engine(self) -> AsyncEngine:
        if not self.in_memory:
            self._make_file(Path(self._url.database or ""))
        engine = create_async_engine(
            self._url,
            poolclass=AsyncAdaptedQueuePool,
            pool_size=1 if self.in_memory else 2,  # another connection to memory would be another database
            max_overflow=0 if self.in_memory else 2,
            pool_timeout=PATIENCE,
            connect_args={"timeout": PATIENCE},
        )
        event.listen(engine.sync_engine, "connect", self._prepare)
        event.listen(engine.sync_engine, "begin", _begin)
        return engine

    def _postgres_engine(self) -> AsyncEngine:
        try:
            return create_async_engine(
                self._url,
                pool_size=4,
                max_overflow=4,
                pool_timeout=PATIENCE,
                pool_pre_ping=True,
                pool_recycle=1800,
                connect_args={
                    "timeout": PATIENCE,
                    "command_timeout": QUERY_PATIENCE,
                    "server_settings": {"application_name": "polytalk"},
                },
            )
        except ModuleNotFoundError as error:
            raise ConfigError(f"{self} needs the package {error.name}: pip install 'polytalk[postgres]'") from None

    def _make_file(self, path: Path) -> None:
        """The file, which holds what people said: its owner's alone."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise ConfigError(
                f"the database {path} can't be written: {error.strerror}; set store.url or data_folder"
            ) from None

    def _prepare(self, connection: Any, _: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves: the driver begins none for DDL
        cursor = connection.cursor()
        pragmas = ["foreign_keys=ON", "secure_delete=ON", "synchronous=NORMAL"]
        for pragma in pragmas if self.in_memory else [*pragmas, "journal_mode=WAL"]:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()


def _begin(connection: Any) -> None:
    """Writers take the lock at once: one that reads first can't wait for it later."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _parsed(given: str) -> URL:
    try:
        url = make_url(given)
    except (ArgumentError, ValueError):
        raise ConfigError("store.url is no database URL; it looks like postgresql://user:password@host/name") from None
    backend = url.drivername.partition("+")[0]
    if backend not in DRIVERS:
        raise ConfigError(f"store.url: there is no store on {backend!r}; use postgresql:// or sqlite:///")
    url = url.set(drivername=DRIVERS[backend])
    query = dict(url.query)
    if backend != "sqlite" and "sslmode" in query:
        query["ssl"] = query.pop("sslmode")  # asyncpg's name for what the rest of the world calls sslmode
    return url.set(query=query)


def _is_lost(error: Exception) -> bool:
    """Whether the database is at fault, and not the statement: then it is worth trying again."""
    if state := _state(error):
        return not state.startswith((UNKEEPABLE, TAKEN))
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or isinstance(error, (OperationalError, InterfaceError))
    if type(error).__module__.startswith("asyncpg"):  # refusals to connect come as they are
        return True
    return isinstance(error, (OSError, TimeoutError, PoolTimeout))


def _state(error: Exception) -> str:
    """PostgreSQL's code of an error; empty where it has none."""
    return str(getattr(error.orig, "sqlstate", None) or "") if isinstance(error, DBAPIError) else ""


def _reason(error: BaseException) -> str:
    """What the driver said, without the statement and its values: they are somebody's words."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    text = str(cause).splitlines()
    return text[0][:300] if text and text[0] else type(cause).__name__

"""The whole store: its parts on one database, and what runs beside them."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import delete, make_url

from polytalk.config import Settings
from polytalk.errors import ConfigError, StoreLost
from polytalk.store import base, migrate, tables
from polytalk.store.audit import Audit
from polytalk.store.base import Now
from polytalk.store.beside import beside
from polytalk.store.clips import Clips
from polytalk.store.conversations import Conversations
from polytalk.store.database import Database
from polytalk.store.keys import ClientSecrets, KeyBook
from polytalk.store.owners import Owners
from polytalk.store.tenants import Tenants
from polytalk.store.writer import Writer
from polytalk.types import Seconds

log = logging.getLogger(__name__)

DAY: Seconds = 86_400.0
PURGE_EVERY: Seconds = 3_600.0
OPEN_AGAIN: Seconds = 2.0
"""Between attempts to open a database that is not there yet."""
LAST_WORDS: Seconds = 3.0
"""For what waits to be written when the process ends."""


class Store:
    """Opened by `running`; until then, and while the database is lost, its parts raise StoreLost."""

    def __init__(self, settings: Settings, now: Now = time.time) -> None:
        """Raises ConfigError for a database that can't be used."""
        self.settings = settings.store
        self.now = now
        self.database = database = Database(settings.store_url())
        self.tenants = Tenants(database, now)
        self.keys = KeyBook(database, now)
        self.secrets = ClientSecrets(database, now)
        self.conversations = Conversations(database, now)
        self.clips = Clips(database, now)
        self.owners = Owners(database, now)
        self.audit = Audit(database, now)
        self.writer = Writer(database, settings.store.queue)
        self.opened = asyncio.Event()
        """Set once the tables are there in our version."""
        self.trouble: str | None = "it is not opened yet"
        """Why the database could not be used when it was last asked; None when it could."""

    @property
    def wrong(self) -> str | None:
        """What is wrong with the database, reading or writing; None when nothing is."""
        return self.trouble or self.writer.trouble

    async def open(self) -> None:
        """Bring the tables to our version. Raises StoreLost, ConfigError."""
        await migrate.upgrade(self.database)
        self.trouble = None
        self.opened.set()

    async def close(self) -> None:
        """Leave the database."""
        await self.database.close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Open it, in the background and as often as it takes; write and purge for as long as the context lasts."""
        try:
            async with beside(self._run()):
                yield
        finally:
            if self.opened.is_set():
                await self.writer.drain(LAST_WORDS)
            await self.close()

    async def revision(self) -> int:
        """Raised by every change of tenants, keys and owners. Raises StoreLost."""
        try:
            async with self.database.reading() as connection:
                found = await base.revision(connection)
        except StoreLost as error:
            self.trouble = error.message
            raise
        self.trouble = None
        return found

    async def purge(self) -> None:
        """Delete what is past its time. Raises StoreLost."""
        gone = await self.conversations.purge(self.settings.transcript_days * DAY)
        if gone:
            log.info("%d sessions were past their time", gone)
        await self.audit.purge(self.settings.audit_days * DAY)
        over = tables.client_secrets.c.expires_at < self.now()
        async with self.database.writing() as connection:
            await connection.execute(delete(tables.client_secrets).where(over))

    async def _run(self) -> None:
        while not self.opened.is_set():
            try:
                await self.open()
            except (StoreLost, ConfigError) as error:
                if self.trouble != error.message:
                    log.warning("the store can't be opened yet: %s", error.message)
                self.trouble = error.message
                await asyncio.sleep(OPEN_AGAIN)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.writer.run())
            group.create_task(self._purge())

    async def _purge(self) -> None:
        while True:
            try:
                await self.purge()
            except StoreLost as error:
                log.warning("nothing was purged: %s", error.message)
            await asyncio.sleep(PURGE_EVERY)


def exists(settings: Settings) -> bool:
    """Whether anything was ever kept, as far as that is known without asking a server."""
    database = make_url(settings.store_url())
    return database.get_backend_name() != "sqlite" or Path(database.database or "").is_file()


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """For a command: the store, with tables of our version. Raises StoreLost, ConfigError."""
    store = Store(settings)
    try:
        await store.open()
        yield store
    finally:
        await store.close()

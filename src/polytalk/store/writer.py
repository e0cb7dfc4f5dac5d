"""Writes that nobody waits for: a bounded queue, and one task that brings it to the database.

A conversation puts its write and goes on. While the database is lost, writes wait; when the queue is full, new ones
are dropped and counted. What can't be written for its own sake is dropped too, and takes nothing with it.
"""

import asyncio
import logging
from collections import Counter, deque

from msgspec import Struct
from sqlalchemy import Executable
from sqlalchemy.exc import SQLAlchemyError

from polytalk.errors import BadInput, StoreLost
from polytalk.store.database import Database
from polytalk.types import Seconds

log = logging.getLogger(__name__)

BATCH = 200
"""Writes of one transaction."""
FIRST_WAIT: Seconds = 0.5
LONGEST_WAIT: Seconds = 30.0
"""Between attempts while the database is lost."""


class Write(Struct, frozen=True):
    """A statement, and of what kind it is in the counts."""

    kind: str
    statement: Executable


class Writer:
    """Counts are of this process, by kind."""

    def __init__(self, database: Database, most: int) -> None:
        self._database = database
        self._most = most
        self._queue: deque[Write] = deque()
        self._changed = asyncio.Event()
        self._under_way = 0
        self.written: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        """For want of room."""
        self.failed: Counter[str] = Counter()
        """Refused by the database."""
        self.trouble: str | None = None
        """Why the last attempt failed; None when it did not."""

    @property
    def waiting(self) -> int:
        """Writes that are not in the database yet."""
        return len(self._queue) + self._under_way

    def put(self, write: Write) -> None:
        """Take a write; never blocks, never raises."""
        if self.waiting >= self._most:
            if not self.dropped:
                log.warning("the store's queue is full: what is said now is not written down")
            self.dropped[write.kind] += 1
            return
        self._queue.append(write)
        self._changed.set()

    async def run(self) -> None:
        """Write until cancelled."""
        wait = FIRST_WAIT
        while True:
            while not self._queue:
                self._changed.clear()
                await self._changed.wait()
            try:
                await self._write_some()
                wait = FIRST_WAIT
            except StoreLost as error:
                if self.trouble is None:
                    log.warning("%s; writes wait until it is back", error.message)
                self.trouble = error.message
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    async def drain(self, patience: Seconds) -> None:
        """At the end: write what waits, unless that takes too long or fails; then it is dropped, and counted."""
        try:
            async with asyncio.timeout(patience):
                while self._queue:
                    await self._write_some()
        except (TimeoutError, StoreLost) as error:
            log.warning("%d writes are lost: %s", len(self._queue), error)
            self.dropped.update(write.kind for write in self._queue)
            self._queue.clear()

    async def _write_some(self) -> None:
        """The oldest writes, in one transaction; they stay in the queue when that can't be. Raises StoreLost."""
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        self._under_way = len(batch)
        rest = batch
        try:
            try:
                async with self._database.writing() as connection:
                    for write in batch:
                        await connection.execute(write.statement)
            except (SQLAlchemyError, BadInput):  # one of them is at fault; the others are not
                while rest:
                    await self._write_one(rest[0])
                    rest = rest[1:]
            else:
                rest = []
                self.written.update(write.kind for write in batch)
            self.trouble = None
        finally:
            self._queue.extendleft(reversed(rest))
            self._under_way = 0

    async def _write_one(self, write: Write) -> None:
        try:
            async with self._database.writing() as connection:
                await connection.execute(write.statement)
        except (SQLAlchemyError, BadInput) as error:
            self.failed[write.kind] += 1
            log.warning("a %s was not written: %s", write.kind, type(error).__name__)
        else:
            self.written[write.kind] += 1

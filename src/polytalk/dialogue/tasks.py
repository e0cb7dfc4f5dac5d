"""The tasks of a session: none outlives it."""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, TypeAlias

Task: TypeAlias = asyncio.Task[None]
Spawn: TypeAlias = Callable[[Coroutine[Any, Any, None]], Task]


class Tasks:
    """A task group whose end is to cancel, not to wait; a task that fails ends the group's owner."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._running: set[Task] = set()

    def spawn(self, work: Coroutine[Any, Any, None]) -> Task:
        """Run some work for as long as the group is entered."""
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def __aenter__(self) -> "Tasks":
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._running):
            task.cancel()
        if isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, trace)
        else:  # leaves as it is: a caller that catches BadInput must not find it wrapped in a group
            await self._group.__aexit__(None, None, None)

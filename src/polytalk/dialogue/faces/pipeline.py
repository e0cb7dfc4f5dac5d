"""Several steps under way at once, their results in order."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any, TypeAlias, TypeVar

T = TypeVar("T")
Step: TypeAlias = Coroutine[Any, Any, T]


async def in_order(steps: AsyncGenerator["Step[T]", None], ahead: int) -> AsyncGenerator[T, None]:
    """The results of the steps in the steps' order; up to `ahead` are begun before their turn.

    Raises what a step or their source raises, at its place. Leaving it ends what was begun.
    """
    begun: asyncio.Queue[asyncio.Task[T] | Exception | None] = asyncio.Queue(max(1, ahead))
    tasks: set[asyncio.Task[T]] = set()

    async def begin() -> None:
        try:
            async with aclosing(steps):
                async for step in steps:
                    task = asyncio.create_task(step)
                    tasks.add(task)
                    await begun.put(task)
            await begun.put(None)
        except Exception as error:  # raised by whoever takes it
            await begun.put(error)

    beginning = asyncio.create_task(begin())
    try:
        while (task := await begun.get()) is not None:
            if isinstance(task, Exception):
                raise task
            result = await task
            tasks.discard(task)
            yield result
    finally:
        left = {beginning, *tasks}
        for one in left:
            one.cancel()
        await asyncio.wait(left)
        for task in tasks:
            if not task.cancelled():
                task.exception()  # of steps behind the one that failed: theirs is not heard any more

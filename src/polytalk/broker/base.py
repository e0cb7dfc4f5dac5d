"""The contract that every broker keeps; tests/contract holds one suite for all of them."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

from polytalk.types import Chunk, Generation, Job, Stage

OnCancel: TypeAlias = Callable[[str, Generation], None]
"""Called with a session and the generation below which its work is dead."""
OnAdopt: TypeAlias = Callable[[str], None]
"""Called with a session whose speculative work has become wanted."""


class Broker(Protocol):
    """Carries jobs to the workers of a (stage, engine) queue, and chunks back to the dialogue that waits.

    At least once: a job is received again when its worker is lost before `done`. Dead work (older than its
    session's generation) is never handed out and its chunks are never delivered.
    """

    async def publish(self, job: Job) -> None:
        """Queue a job. Raises Shed when the queue is full; a dead job is dropped silently."""
        ...

    async def receive(self, stage: Stage, engine: str, limit: int) -> list[Job]:
        """Wait for work; gives 1 to `limit` jobs, oldest first, which now belong to the caller."""
        ...

    async def reply(self, chunk: Chunk) -> None:
        """Send a piece of a result to `chunk.reply_to`, in order per job."""
        ...

    async def done(self, job: Job) -> None:
        """The job is finished, whatever came of it; it will not be handed out again."""
        ...

    async def chunks(self, reply_to: str) -> list[Chunk]:
        """Wait for chunks addressed to `reply_to`; gives all that are there, one at least, in order."""
        ...

    async def cancel(self, session: str, generation: Generation) -> None:
        """Declare the session's work older than `generation` dead: queued jobs vanish, listeners are told."""
        ...

    async def adopt(self, session: str) -> None:
        """The session's speculative jobs count as any others from now on: queued ones change, listeners are told."""
        ...

    def alive(self, work: Job | Chunk) -> bool:
        """Whether the work's generation is still its session's."""
        ...

    async def forget(self, session: str) -> None:
        """The session is over: cancel all its work and drop what is remembered of it."""
        ...

    def on_cancel(self, callback: OnCancel) -> Callable[[], None]:
        """Be told of every cancel; returns the function that ends it."""
        ...

    def on_adopt(self, callback: OnAdopt) -> Callable[[], None]:
        """Be told of every adoption; returns the function that ends it."""
        ...

    def backlog(self, stage: Stage, engine: str) -> int:
        """Jobs queued and not yet received."""
        ...

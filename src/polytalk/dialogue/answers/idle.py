"""The user says nothing: after a while of that the avatar speaks again (`idle_timeout_ms` of the Realtime API).

The time counts from the moment at which its last words were played, and anything that happens ends it.
"""

import asyncio
from collections.abc import Awaitable, Callable

from polytalk.dialogue import events
from polytalk.dialogue.tasks import Spawn, Task
from polytalk.types import Seconds

NOTHING_SAID = {"en": "(The user says nothing.)", "zh": "（用户没有说话。）"}
"""In place of the user's words, for the LLM, by language; personas know an answer to it by heart."""


class IdleWatch:
    """Follows one session's events."""

    def __init__(
        self, spawn: Spawn, timeout: Callable[[], Seconds | None], fire: Callable[[], Awaitable[None]]
    ) -> None:
        """`timeout`: how much silence it takes now; None for never."""
        self._spawn = spawn
        self._timeout = timeout
        self._fire = fire
        self._task: Task | None = None

    def see(self, event: events.DialogueEvent) -> None:
        """Something happened."""
        match event:
            case events.ResponseFinished(status="completed" | "incomplete"):
                self.stop()
                timeout = self._timeout()
                if timeout is not None:
                    self._task = self._spawn(self._wait(event.unplayed + timeout))
            case events.SpeechStarted() | events.ResponseStarted() | events.Committed() | events.ItemAdded():
                self.stop()
            case _:
                pass

    def stop(self) -> None:
        """Count no more."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _wait(self, seconds: Seconds) -> None:
        await asyncio.sleep(seconds)
        self._task = None  # it can't be cancelled by what it causes
        await self._fire()

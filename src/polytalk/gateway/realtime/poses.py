"""Tells a client that shows a face when it speaks and when it is at rest (`session.avatar.switch_to_…`)."""

import asyncio
from collections.abc import Callable

from polytalk.dialogue.events import DialogueEvent, ResponseFinished, Spoke
from polytalk.gateway.realtime.wires import Wire, event


class Poses:
    """One connection's. At rest means that the last of the sound was played, by the server's clock."""

    def __init__(self, put: Callable[[Wire], None], wanted: Callable[[], bool]) -> None:
        self._put = put
        self._wanted = wanted
        self._speaking: str | None = None
        self._rest: asyncio.TimerHandle | None = None

    def see(self, what: DialogueEvent) -> None:
        """Something happened."""
        match what:
            case Spoke() if what.response != self._speaking and self._wanted():
                self._hush()
                self._speaking = what.response
                self._put(event("session.avatar.switch_to_speaking", response_id=what.response))
            case ResponseFinished() if what.response == self._speaking:
                self._rest = asyncio.get_running_loop().call_later(what.unplayed, self._hush)
            case _:
                pass

    def close(self) -> None:
        """The session is over."""
        if self._rest is not None:
            self._rest.cancel()

    def _hush(self) -> None:
        if self._rest is not None:
            self._rest.cancel()
        spoke, self._speaking, self._rest = self._speaking, None, None
        if spoke is not None:
            self._put(event("session.avatar.switch_to_idle", response_id=spoke))

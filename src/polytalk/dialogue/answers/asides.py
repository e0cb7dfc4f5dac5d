"""Answers that are no part of the conversation (`conversation: "none"`): each in a small conversation of its own."""

import asyncio
from collections.abc import Callable

from polytalk.dialogue.answers.answering import Answering
from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.history import Told
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.tasks import Spawn
from polytalk.errors import BadInput

MOST = 4
"""At once; each takes its own place on the machine."""


class Asides:
    """One session's. They go on beside the conversation, and the user's speech does not end them."""

    def __init__(self, make: Callable[[Conversation], Answering], spawn: Spawn) -> None:
        self._make = make
        self._spawn = spawn
        self._open: list[Answering] = []

    def check(self) -> None:
        """Raises BadInput when too many are under way."""
        if len(self._open) >= MOST:
            raise BadInput(
                f"{MOST} answers outside the conversation are under way; wait for a response.done",
                code="conversation_already_has_active_response",
            )

    def answer(self, settings: SessionSettings, history: tuple[Told, ...], metadata: dict[str, str] | None) -> None:
        """Answer a history. Raises BadInput when too many are under way."""
        self.check()
        answering = self._make(Conversation(max_items=64))
        self._open.append(answering)
        answer = answering.prepare(settings, (), history=history)
        answering.give(answer, metadata)
        self._spawn(self._mind(answering, answer.tasks[-1]))

    async def cancel(self, response: str) -> bool:
        """End one of them; whether there was such."""
        for answering in self._open:
            if answering.response == response:
                await answering.interrupt("client_cancelled")
                return True
        return False

    async def forget(self) -> None:
        """The session is over."""
        for answering in self._open:
            await answering.forget()

    async def _mind(self, answering: Answering, delivery: "asyncio.Task[None]") -> None:
        await asyncio.wait((delivery,))
        self._open.remove(answering)
        await answering.forget()

"""The avatar's side of a session: one answer at a time is given, another may be prepared on a guess."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeAlias

from polytalk.dialogue import events
from polytalk.dialogue.conversation import Conversation, Item
from polytalk.dialogue.delivery import Delivery, Emit
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.hearing import Words
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.tasks import Spawn, Task
from polytalk.dialogue.turn import Kit, Personas, Turn
from polytalk.errors import PolytalkError
from polytalk.schedule.admission import Waiting
from polytalk.types import Message, Seconds, Tier

CancelReason: TypeAlias = Literal["turn_detected", "client_cancelled"]


@dataclass(eq=False)
class Answer:
    """A turn, and its delivery once that has begun."""

    holder: str
    """Under which it holds its lease."""
    turn: Turn
    settings: SessionSettings
    history: tuple[Message, ...]
    """The conversation as it was when the turn began."""
    tasks: list[Task] = field(default_factory=list)
    delivery: Delivery | None = None


class Answering:
    """All methods run on the event loop; what they emit, they emit before they return or wait."""

    def __init__(
        self,
        session: str,
        dispatcher: Dispatcher,
        kit: Kit,
        conversation: Conversation,
        personas: Callable[[str], Personas],
        send_lead: Seconds,
        emit: Emit,
        spawn: Spawn,
        tenant: str = "default",
        tier: Tier = Tier.STANDARD,
    ) -> None:
        self._session = session
        self._dispatcher = dispatcher
        self._kit = kit
        self._conversation = conversation
        self._personas = personas
        self._send_lead = send_lead
        self._emit = emit
        self._spawn = spawn
        self._tenant = tenant
        self._tier = tier
        self._generation = 0
        self._holders: set[str] = set()
        self.current: Answer | None = None
        """The answer that the user waits for or hears; a guess is not it until it is adopted."""

    @property
    def response(self) -> str | None:
        """Id of the answer that is being given."""
        given = self.current.delivery if self.current else None
        return given.response if given else None

    def prepare(self, settings: SessionSettings, heard: tuple[Words, ...], *, guess: bool = False) -> Answer:
        """Begin to make an answer to the conversation and the utterances `heard`; nobody hears it yet.

        A guess runs on capacity that would idle; any other answer waits for room first.
        """
        scope = Scope(self._dispatcher, self._session, self._generation, self._tenant, self._tier)
        history = self._conversation.messages()
        enter = None if guess else partial(self._enter, scope.turn)
        turn = Turn(scope, self._kit, settings, self._personas(settings.avatar), history, heard, enter)
        return Answer(scope.turn, turn, settings, history, [self._spawn(turn.run())])

    def adopt(self, answer: Answer) -> None:
        """The user waits for this answer; a guess counts as admitted from now on."""
        self.current = answer
        if answer.holder not in self._holders:
            self._holders.add(answer.holder)
            self._kit.gate.adopt(answer.holder, self._tenant, self._tier)

    async def _enter(self, holder: str) -> bool:
        """Wait for room; whether there is room for the face."""

        told: list[Waiting] = []

        def tell(place: Waiting) -> None:
            told.append(place)
            self._emit(events.Capacity(place.position, place.wait))

        self._holders.add(holder)
        rung = await self._kit.gate.enter(holder, self._session, self._tenant, self._tier, tell)
        if told or rung:
            self._emit(events.Capacity(0, 0.0, face=rung == 0))
        return rung == 0

    def _leave(self, answer: Answer) -> None:
        self._holders.discard(answer.holder)
        self._kit.gate.leave(answer.holder)

    def fresh(self, answer: Answer, settings: SessionSettings) -> bool:
        """Whether an answer prepared earlier would be prepared alike now."""
        return answer.settings == settings and answer.history == self._conversation.messages()

    def give(self, answer: Answer, metadata: dict[str, str] | None = None) -> None:
        """Let the user hear it as it is made."""
        self.current = answer
        modality = answer.settings.modality
        item = Item(new_id("item"), "assistant", spoken=modality == "audio", status="in_progress")
        previous = self._conversation.add(item)
        delivery = Delivery(new_id("resp"), item, answer.turn, self._emit, self._dispatcher.clock, self._send_lead)
        answer.delivery = delivery
        self._emit(events.ResponseStarted(delivery.response, item.id, previous, modality, metadata))
        answer.tasks.append(self._spawn(self._deliver(answer, delivery)))

    async def interrupt(self, reason: CancelReason) -> None:
        """End the current answer where the listener stopped hearing it."""
        answer, self.current = self.current, None
        if answer is None:
            return
        self._stop(answer)
        if answer.delivery is not None:
            item = answer.delivery.item
            if item.spoken and item.status == "in_progress":
                item.cut(answer.delivery.heard())  # by the playout clock, unless the client has reported already
            self._finish(answer.delivery, "cancelled", reason)
        await self._kill_work()

    def withdraw(self, answer: Answer) -> None:
        """Nothing was said after all: the current answer ends before anybody hears it."""
        self.current = None
        self._stop(answer)

    async def drop(self, answer: Answer) -> None:
        """End an answer that nobody hears, without trace. None may be given meanwhile: it would end with it."""
        self._stop(answer)
        await self._kill_work()

    async def forget(self) -> None:
        """The session is over."""
        for holder in self._holders:
            self._kit.gate.leave(holder)
        await self._dispatcher.forget(self._session)

    def _stop(self, answer: Answer) -> None:
        for task in answer.tasks:
            task.cancel()
        self._leave(answer)

    async def _kill_work(self) -> None:
        self._generation += 1
        await self._dispatcher.cancel(self._session, self._generation)

    async def _deliver(self, answer: Answer, delivery: Delivery) -> None:
        try:
            await delivery.run()
        except PolytalkError as error:
            self.current = None
            self._leave(answer)
            self._finish(delivery, "failed", error.code, error.message)
            await self._kill_work()  # of a turn whose voice failed, the LLM may still be talking
        else:
            self.current = None
            self._leave(answer)
            self._kit.gate.learn(answer.turn.spent, answer.turn.made)
            usage = answer.turn.usage
            if usage is not None and usage.output_tokens >= answer.settings.max_tokens:
                self._finish(delivery, "incomplete", "max_output_tokens")
            else:
                self._finish(delivery, "completed")

    def _finish(self, delivery: Delivery, status: events.ResponseStatus, reason: str = "", message: str = "") -> None:
        item, turn = delivery.item, delivery.turn
        if item.status == "in_progress":
            item.status = "completed" if status == "completed" else "incomplete"
        self._emit(events.ResponseFinished(delivery.response, item.id, status, item.text, reason, message, turn.usage))

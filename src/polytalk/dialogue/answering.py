"""The avatar's side of a session: one answer at a time is given, another may be prepared on a guess."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, TypeAlias

from polytalk.dialogue import events
from polytalk.dialogue.conversation import Conversation, Item
from polytalk.dialogue.delivery import Delivery, Emit
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.face import Piece
from polytalk.dialogue.hearing import Words
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.tasks import Spawn, Task
from polytalk.dialogue.turn import Turn
from polytalk.errors import PolytalkError, Shed
from polytalk.schedule.admission import Admitted, Waiting
from polytalk.schedule.demand import Rung, ladder
from polytalk.types import Message, Seconds, Tier

MOST_HELD: Seconds = 3.0
"""An answer that was broken off for so long is not gone on with."""
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


@dataclass(frozen=True)
class Held:
    """An answer that was broken off and may go on."""

    answer: Answer
    rest: Piece
    """What the listener has not heard of what was taken from the turn."""
    heard: Seconds


@dataclass(frozen=True)
class Ticket:
    """What the gate said to a turn that knocked."""

    scope: Scope
    place: Admitted | Waiting | Shed
    fps: float
    """Pictures a second that it asked for."""


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
        self._held: Held | None = None
        self._granted: Rung | None = None
        """Of the ladder, at the last turn."""
        self.current: Answer | None = None
        """The answer that the user waits for or hears; a guess is not it until it is adopted."""

    @property
    def response(self) -> str | None:
        """Id of the answer that is being given."""
        given = self.current.delivery if self.current else None
        return given.response if given else None

    @property
    def heard(self) -> bool:
        """Whether the listener hears the current answer already."""
        given = self.current.delivery if self.current else None
        return given is not None and given.heard() > 0

    @property
    def holding(self) -> bool:
        """Whether an answer was broken off and it is not known yet whether it goes on."""
        return self._held is not None

    def knock(self, settings: SessionSettings) -> Ticket:
        """Ask for room for an answer; `prepare` must follow."""
        scope, fps = self._scope(), settings.video.fps if settings.video else 0.0
        self._holders.add(scope.turn)
        try:
            place = self._kit.gate.knock(scope.turn, self._session, self._tenant, self._tier, fps)
        except Shed as refusal:
            return Ticket(scope, refusal, fps)
        return Ticket(scope, place, fps)

    def prepare(
        self,
        settings: SessionSettings,
        heard: tuple[Words, ...],
        *,
        guess: bool = False,
        ticket: Ticket | None = None,
    ) -> Answer:
        """Begin to make an answer to the conversation and the utterances `heard`; nobody hears it yet.

        A guess runs on capacity that would idle; any other answer knocks, and waits for room before it is made.
        """
        ticket = None if guess else ticket or self.knock(settings)
        scope = ticket.scope if ticket else self._scope(guess=guess)
        history = self._conversation.messages()
        enter = partial(self._enter, ticket) if ticket else None
        turn = Turn(scope, self._kit, settings, self._personas(settings.avatar), history, heard, enter)
        return Answer(scope.turn, turn, settings, history, [self._spawn(turn.run())])

    async def adopt(self, answer: Answer) -> None:
        """The user waits for this answer; a guess counts as admitted from now on, and its work as any other."""
        self.current = answer
        await answer.turn.adopt()
        if answer.holder not in self._holders:
            self._holders.add(answer.holder)
            fps = answer.settings.video.fps if answer.settings.video else 0.0
            self._kit.gate.adopt(answer.holder, self._tenant, self._tier, fps)
            self._tell(ladder(fps)[0], ladder(fps)[0])

    def _scope(self, *, guess: bool = False) -> Scope:
        return Scope(self._dispatcher, self._session, self._generation, self._tenant, self._tier, speculative=guess)

    async def _enter(self, ticket: Ticket) -> Rung:
        """Wait for room; how much of the face there is room for. Raises Shed."""
        told: list[Waiting] = []

        def tell(place: Waiting) -> None:
            told.append(place)
            self._emit(events.Capacity(place.position, place.wait))

        match ticket.place:
            case Shed() as refusal:
                raise refusal
            case Admitted(rung):
                pass
            case Waiting():
                rung = await self._kit.gate.wait(ticket.scope.turn, tell)
        granted = ladder(ticket.fps)[rung]
        self._tell(granted, ladder(ticket.fps)[0], waited=bool(told))
        return granted

    def _tell(self, granted: Rung, best: Rung, *, waited: bool = False) -> None:
        """How much of the face there is room for, when that is another than at the turn before."""
        if waited or granted != (self._granted or best):
            self._emit(events.Capacity(0, 0.0, face=granted.mouth, fps=granted.fps))
        self._granted = granted

    def _leave(self, answer: Answer) -> None:
        self._holders.discard(answer.holder)
        self._kit.gate.leave(answer.holder)

    def fresh(self, answer: Answer, settings: SessionSettings) -> bool:
        """Whether an answer prepared earlier would be prepared alike now."""
        return answer.settings == settings and answer.history == self._conversation.messages()

    def give(self, answer: Answer, metadata: dict[str, str] | None = None, first: Piece | None = None) -> None:
        """Let the user hear it as it is made, after what is left over of it."""
        self.current = answer
        modality = answer.settings.modality
        item = Item(new_id("item"), "assistant", spoken=modality == "audio", status="in_progress")
        previous = self._conversation.add(item)
        clock, metronome = self._dispatcher.clock, self._kit.metronome
        delivery = Delivery(new_id("resp"), item, answer.turn, self._emit, clock, metronome, self._send_lead, first)
        answer.delivery = delivery
        self._emit(events.ResponseStarted(delivery.response, item.id, previous, modality, metadata))
        answer.tasks.append(self._spawn(self._deliver(answer, delivery)))

    async def hold(self) -> None:
        """The user makes a sound: break the answer off. It goes on being made, for it may be a cough."""
        answer = self.current
        if answer is None or answer.delivery is None or not self.heard:
            await self.interrupt("turn_detected")
            return
        self.current = None
        answer.tasks.pop().cancel()  # the delivery
        heard = answer.delivery.heard()
        position, rest = answer.delivery.rest()
        self._break_off(answer.delivery, "turn_detected")
        answer.turn.restart(position)
        self._held = Held(answer, rest, heard)
        self._spawn(self._expire(self._held))

    async def _expire(self, held: Held) -> None:
        """A client whose microphone falls silent in the middle of a sound would hold a place for ever."""
        await asyncio.sleep(MOST_HELD)
        if self._held is held:
            await self.let_go()

    def resume(self) -> None:
        """It was nothing: what was broken off goes on, as a new item, since clients throw the old one's audio away."""
        held, self._held = self._held, None
        if held is not None:
            self.give(held.answer, first=held.rest)

    async def let_go(self) -> None:
        """The user does say something: what was broken off is over."""
        held, self._held = self._held, None
        if held is not None:
            self._stop(held.answer)
            self._kit.gate.learn(held.answer.turn.spent, held.heard)
            await self._kill_work()

    def _break_off(self, delivery: Delivery, reason: CancelReason) -> None:
        item = delivery.item
        if item.spoken and item.status == "in_progress":
            item.cut(delivery.heard())  # by the playout clock, unless the client has reported already
        self._finish(delivery, "cancelled", reason)

    async def interrupt(self, reason: CancelReason) -> None:
        """End the current answer where the listener stopped hearing it."""
        answer, self.current = self.current, None
        if answer is None:
            return
        self._stop(answer)
        if answer.delivery is not None:
            self._kit.gate.learn(answer.turn.spent, answer.delivery.heard())
            self._break_off(answer.delivery, reason)
        await self._kill_work()

    def withdraw(self, answer: Answer) -> None:
        """Nothing was said after all: the current answer ends before anybody hears it."""
        self.current = None
        self._stop(answer)

    async def drop(self, answer: Answer) -> None:
        """End an answer that nobody hears, without trace. None may be given meanwhile: it would end with it."""
        self._stop(answer)
        await self._kill_work()
        await answer.turn.drop()

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
            video = answer.turn.face.video
            self._kit.gate.learn(answer.turn.spent, answer.turn.made, video.fps if video else 0.0)
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

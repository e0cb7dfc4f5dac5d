"""The avatar's side of a session: one answer at a time is given, another may be prepared on a guess."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Literal, TypeAlias

from polytalk.dialogue import events
from polytalk.dialogue.answers.answer import Answer, Held
from polytalk.dialogue.answers.delivery import Delivery, Emit
from polytalk.dialogue.answers.turn import Turn
from polytalk.dialogue.capacity.payer import HOUSE, Payer
from polytalk.dialogue.capacity.places import Places, Ticket
from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.history import Told, asked_seconds
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.ears.words import Words
from polytalk.dialogue.faces.face import Piece
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.tasks import Spawn
from polytalk.errors import PolytalkError
from polytalk.types import Seconds

MOST_HELD: Seconds = 3.0
"""An answer that was broken off for so long is not gone on with."""
CancelReason: TypeAlias = Literal["turn_detected", "client_cancelled"]


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
        payer: Payer = HOUSE,
        *,
        aside: bool = False,
    ) -> None:
        """`aside`: the conversation is nobody else's; what is answered in it is no part of the session's own."""
        self._session = session
        self._dispatcher = dispatcher
        self._kit = kit
        self._conversation = conversation
        self._personas = personas
        self._send_lead = send_lead
        self._emit = emit
        self._spawn = spawn
        self._payer = payer
        self._aside = aside
        self._places = Places(session, kit.gate, emit, payer)
        self._generation = 0
        self._held: Held | None = None
        self._asked: Seconds = 0.0
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
        """Ask for room for an answer, which the payer must have the means for; `prepare` must follow."""
        return self._places.knock(self._scope(), settings)

    def prepare(
        self,
        settings: SessionSettings,
        heard: tuple[Words, ...],
        *,
        guess: bool = False,
        ticket: Ticket | None = None,
        history: tuple[Told, ...] | None = None,
    ) -> Answer:
        """Begin to make an answer to the conversation (or another `history`) and the utterances `heard`; nobody hears
        it yet.

        A guess runs on capacity that would idle; any other answer knocks, and waits for room before it is made.
        """
        ticket = None if guess else ticket or self.knock(settings)
        scope = ticket.scope if ticket else self._scope(guess=guess)
        history = self._conversation.messages() if history is None else history
        enter = partial(self._places.enter, ticket) if ticket else None
        turn = Turn(scope, self._kit, settings, self._personas(settings.avatar), history, heard, enter)
        return Answer(scope.turn, turn, settings, history, [self._spawn(turn.run())])

    async def adopt(self, answer: Answer) -> None:
        """The user waits for this answer; a guess counts as admitted from now on, and its work as any other."""
        self.current = answer
        await answer.turn.adopt()
        self._places.adopt(answer.holder, answer.settings)

    def _scope(self, *, guess: bool = False) -> Scope:
        return Scope(self._dispatcher, self._session, self._generation, self._payer, speculative=guess)

    def fresh(self, answer: Answer, settings: SessionSettings) -> bool:
        """Whether an answer prepared earlier would be prepared alike now."""
        return answer.settings == settings and answer.history == self._conversation.messages()

    def give(self, answer: Answer, metadata: dict[str, str] | None = None, first: Piece | None = None) -> None:
        """Let the user hear it as it is made, after what is left over of it."""
        self.current = answer
        settings = answer.settings
        response, modality = new_id("resp"), settings.modality
        item = Item(new_id("item"), "assistant", spoken=modality == "audio", status="in_progress")
        self._asked = asked_seconds(self._conversation)

        def begin(item: Item) -> None:
            previous = self._conversation.add(item)
            self._emit(events.OutputAdded(response, item, previous, len(delivery.outputs) - 1))

        clock, metronome = self._dispatcher.clock, self._kit.metronome
        delivery = Delivery(response, item, answer.turn, self._emit, clock, metronome, self._send_lead, first, begin)
        answer.delivery = delivery
        self._emit(
            events.ResponseStarted(
                response,
                modality,
                self._conversation.last(),
                settings.voice,
                settings.max_tokens,
                metadata,
                self._aside,
            )
        )
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
            self._places.learn(held.answer.turn.spent, held.heard)
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
            self._places.learn(answer.turn.spent, answer.delivery.heard())
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
        self._places.forget()
        await self._dispatcher.forget(self._session)

    def _stop(self, answer: Answer) -> None:
        for task in answer.tasks:
            task.cancel()
        self._places.leave(answer.holder)

    async def _kill_work(self) -> None:
        self._generation += 1
        await self._dispatcher.cancel(self._session, self._generation)

    async def _deliver(self, answer: Answer, delivery: Delivery) -> None:
        try:
            await delivery.run()
        except PolytalkError as error:
            self.current = None
            self._places.leave(answer.holder)
            self._finish(delivery, "failed", error.code, error.message)
            await self._kill_work()  # of a turn whose voice failed, the LLM may still be talking
        else:
            self.current = None
            self._places.leave(answer.holder)
            video = answer.turn.face.video
            self._places.learn(answer.turn.spent, answer.turn.made, video.fps if video else 0.0)
            usage = answer.turn.usage
            cut = ""
            if usage is not None and usage.finish == "content_filter":
                cut = "content_filter"
            elif usage is not None and (usage.finish == "length" or usage.output_tokens >= answer.settings.max_tokens):
                cut = "max_output_tokens"
            self._finish(delivery, "incomplete" if cut else "completed", cut)

    def _finish(self, delivery: Delivery, status: events.ResponseStatus, reason: str = "", message: str = "") -> None:
        item, turn = delivery.item, delivery.turn
        for output in delivery.close():
            if output.status == "in_progress":
                output.status = "completed" if status == "completed" else "incomplete"
            self._emit(events.OutputDone(delivery.response, output))
        said = item.id if item in delivery.outputs else ""
        self._emit(
            events.ResponseFinished(
                delivery.response,
                said,
                status,
                item.text,
                reason,
                message,
                turn.usage,
                self._asked,
                turn.playout.sent,
                0.0 if status == "cancelled" else round(turn.playout.sent - delivery.heard(), 6),
            )
        )

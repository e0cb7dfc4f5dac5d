"""One user's conversation: what the ears hear becomes turns, turns become answers, interruptions end them.

All methods run on the event loop and are called by one connection, one at a time. Everything a session emits goes
through `emit`, synchronously, so that nothing stale can follow the event that made it stale.
"""

import asyncio
from collections.abc import Callable
from types import TracebackType

from msgspec import Struct

from polytalk.dialogue import events
from polytalk.dialogue.answering import Answer, Answering
from polytalk.dialogue.backchannel import LONGEST_MS
from polytalk.dialogue.conversation import Conversation, Item
from polytalk.dialogue.delivery import Emit
from polytalk.dialogue.dispatch import Dispatcher
from polytalk.dialogue.endpointing import Paused, Resumed, SpeechStarted, SpeechStopped
from polytalk.dialogue.hearing import Hearing, Hearings, Words, interrupts
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.listening import Ears
from polytalk.dialogue.reading import ReadingAhead
from polytalk.dialogue.settings import Bounds, SessionSettings
from polytalk.dialogue.tasks import Tasks
from polytalk.engines.base import VadEngine
from polytalk.errors import BadInput, PolytalkError, Shed
from polytalk.media.pcm import duration
from polytalk.types import LISTEN_RATE, Seconds, Tier

TOO_LONG = "an utterance may last {:.0f} s; this one was cut there, and the rest is taken for the next one"


class Guess(Struct, frozen=True):
    """An answer begun at a pause, before it is known whether the user has finished."""

    hearing: Hearing
    answer: Answer | None
    """None while an answer is held: first it must be known whether the user says anything."""


class Session:
    """Use as an async context manager: leaving it ends all of the session's work everywhere."""

    def __init__(
        self,
        dispatcher: Dispatcher,
        kit: Kit,
        vad: VadEngine,
        personas: Callable[[str], Personas],
        settings: SessionSettings,
        bounds: Bounds,
        emit: Emit,
        tenant: str = "default",
        tier: Tier = Tier.STANDARD,
    ) -> None:
        self.id = new_id("sess")
        self.settings = settings
        self.conversation = Conversation(bounds.max_items)
        self._kit = kit
        self._bounds = bounds
        self._emit = emit
        self._tasks = Tasks()
        spawn = self._tasks.spawn
        self._ears = Ears(vad, settings.vad, bounds.max_utterance)
        self._hearings = Hearings(self.id, dispatcher, kit, spawn, tenant, tier)
        self._answering = Answering(
            self.id,
            dispatcher,
            kit,
            self.conversation,
            personas,
            bounds.send_lead,
            emit,
            self._tasks.spawn,
            tenant,
            tier,
        )
        self._reading = ReadingAhead(dispatcher, kit, self._hearings, personas, spawn, tenant, tier)
        self._utterance_item = ""
        self._utterance_start = 0
        self._guess: Guess | None = None

    async def __aenter__(self) -> "Session":
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:  # when nobody is left who could ask for more
            await self._drop_guess()
            await self._hearings.forget()
            await self._answering.forget()

    # --- what the client does ------------------------------------------------------------------------------------

    def configure(self, settings: SessionSettings) -> None:
        """From the next turn on; turn detection from the next audio on."""
        if settings.turn_detection != self.settings.turn_detection:
            self._ears.configure(settings.vad)
            self._tasks.spawn(self._answering.let_go())  # who would decide about it?
        self.settings = settings

    async def hear(self, pcm: bytes) -> None:
        """Take microphone audio, PCM16 at `SPEECH_RATE`. Raises BadInput."""
        detection = self.settings.turn_detection
        guarded = detection is not None and detection.interrupt_response and self._answering.heard
        self._ears.guard(speaking=guarded)
        for event in self._ears.hear(pcm):
            match event:
                case SpeechStarted():
                    await self._on_started(event)
                case Paused():
                    await self._on_paused(event)
                case Resumed():
                    await self._drop_guess()
                case SpeechStopped():
                    await self._on_stopped(event)
        if self._guess is None and self._reading.due(self._ears.voice_ms()) and self._may_guess():
            audio = self._ears.utterance(self._utterance_start)
            self._reading.read(audio, self.conversation.messages(), self.settings)
        if self._answering.holding and self._ears.speaking and self._ears.voice_ms() > LONGEST_MS:
            await self._answering.let_go()

    async def commit(self) -> None:
        """The client says that the utterance is over. Raises BadInput when there is too little audio.

        The answer to it is asked for by `respond`.
        """
        audio = self._ears.commit()
        await self._drop_guess()
        await self._answering.let_go()
        item, self._utterance_item = self._utterance_item or new_id("item"), ""
        self._take(item, audio, self._hearings.begin(audio, self.settings.language))

    async def clear(self) -> None:
        """Forget the audio that is not committed yet."""
        self._ears.clear()
        await self._drop_guess()
        self._utterance_item = ""
        if not self._hearings.pending:
            self._answering.resume()

    def add(self, item: Item, after: str | None = None) -> None:
        """Put an item into the conversation. Raises BadInput."""
        previous = self.conversation.add(item, after)
        self._emit(events.ItemAdded(item.id, previous))

    def truncate(self, item_id: str, heard: Seconds) -> None:
        """The client says how much of an answer it played. Raises BadInput."""
        self.conversation.truncate(item_id, heard)
        self._emit(events.ItemTruncated(item_id, round(heard * 1000)))

    async def respond(self, settings: SessionSettings | None = None, metadata: dict[str, str] | None = None) -> None:
        """Answer the conversation as it stands. Raises BadInput while an answer is under way."""
        if self.responding:
            raise BadInput(
                "an answer is under way; wait for response.done or cancel it",
                code="conversation_already_has_active_response",
            )
        await self._drop_guess()
        await self._answering.let_go()
        self._answering.give(
            self._answering.prepare(settings or self.settings, (*self._hearings.pending.values(),)), metadata
        )

    async def cancel(self, response: str | None = None) -> None:
        """End the answer under way, or only if it is `response`. Raises BadInput when there is none such."""
        if not self.responding or (response is not None and response != self._answering.response):
            await self._answering.let_go()
            raise BadInput("Cancellation failed: no active response found", code="response_cancel_not_active")
        await self._answering.interrupt("client_cancelled")

    @property
    def responding(self) -> bool:
        """Whether an answer is being made or given."""
        return self._answering.current is not None

    # --- what the ears hear --------------------------------------------------------------------------------------

    async def _on_started(self, event: SpeechStarted) -> None:
        self._utterance_item = new_id("item")
        self._utterance_start = event.start_ms
        self._emit(events.SpeechStarted(self._utterance_item, event.start_ms))
        self._reading.begin_utterance()
        await self._drop_guess()  # left over when turn detection was changed at a pause
        detection = self.settings.turn_detection
        if detection is not None and detection.interrupt_response:
            await self._answering.hold()

    async def _on_paused(self, event: Paused) -> None:
        audio = self._ears.utterance(self._utterance_start, event.at_ms)
        if self._answering.holding:
            guess = self._guess = Guess(self._hearings.begin(audio, self.settings.language), None)
            self._tasks.spawn(self._weigh(guess))
            return
        if self._may_guess():
            hearing = self._hearings.begin(audio, self.settings.language, guess=True)
            self._guess = Guess(hearing, self._answering.prepare(self.settings, (hearing.words,), guess=True))

    async def _drop_guess(self) -> None:
        guess, self._guess = self._guess, None
        if guess is not None:
            await self._hearings.drop(guess.hearing)
            if guess.answer is not None:
                await self._answering.drop(guess.answer)

    async def _weigh(self, guess: Guess) -> None:
        """At a pause in what broke an answer off: words end that answer, and the next may be begun."""
        await asyncio.wait((guess.hearing.words,))
        if self._guess is not guess or not self._answering.holding or not interrupts(guess.hearing.words):
            return
        await self._answering.let_go()
        if self._may_guess():
            prepared = self._answering.prepare(self.settings, (guess.hearing.words,), guess=True)
            self._guess = Guess(guess.hearing, prepared)

    async def _on_stopped(self, event: SpeechStopped) -> None:
        item, self._utterance_item = self._utterance_item, ""
        self._emit(events.SpeechStopped(item, event.voice_end_ms))
        if event.reason == "max_duration":
            self._emit(events.Trouble("utterance_too_long", TOO_LONG.format(self._bounds.max_utterance)))
        audio = self._ears.utterance(self._utterance_start, event.end_ms)
        self._ears.release(event.end_ms)
        begun = self._guess.answer if self._guess else None
        if begun is not None and not self._answering.fresh(begun, self.settings):
            await self._drop_guess()
        guess, self._guess = self._guess, None
        if self._answering.holding:
            hearing = guess.hearing if guess else self._hearings.begin(audio, self.settings.language)
            self._take(item, audio, hearing, weigh=True)
            return
        answer = guess.answer if guess else None
        detection = self.settings.turn_detection
        wanted = detection is not None and detection.create_response and not self.responding and answer is None
        ticket = self._answering.knock(self.settings) if wanted else None
        if guess:
            hearing = guess.hearing
        elif ticket is not None and isinstance(ticket.place, Shed):
            hearing = self._hearings.refuse(ticket.place)
        else:
            hearing = self._hearings.begin(audio, self.settings.language)
        if ticket is not None:
            # Words of an interrupted turn may still be on their way: they are answered with these.
            heard = (*self._hearings.pending.values(), hearing.words)
            answer = self._answering.prepare(self.settings, heard, ticket=ticket)
        if answer is not None:
            self._answering.current = answer
        if guess:
            await self._hearings.adopt(guess.hearing)
            if guess.answer is not None:
                await self._answering.adopt(guess.answer)
        self._take(item, audio, hearing, answer)

    def _may_guess(self) -> bool:
        detection = self.settings.turn_detection
        wanted = self._bounds.speculate and detection is not None and detection.create_response
        return wanted and not self.responding and not self._hearings.pending and self._kit.has_room()

    # --- turns ---------------------------------------------------------------------------------------------------

    def _take(
        self, item_id: str, audio: bytes, hearing: Hearing, answer: Answer | None = None, *, weigh: bool = False
    ) -> None:
        """An utterance is complete: it becomes an item at once, its words follow.

        `weigh`: they decide about an answer that is held.
        """
        item = Item(item_id, "user", spoken=True)
        previous = self.conversation.add(item)
        self._emit(events.Committed(item_id, previous))
        self._emit(events.ItemAdded(item_id, previous))
        self._hearings.pending[item_id] = hearing.words
        self._tasks.spawn(self._hear_out(item, duration(audio, LISTEN_RATE), hearing.words, answer, weigh=weigh))

    async def _hear_out(
        self, item: Item, seconds: Seconds, words: Words, answer: Answer | None, *, weigh: bool
    ) -> None:
        """The words of an utterance; then, if it is still wanted, the answer."""
        try:
            transcript = await words
        except PolytalkError as error:
            item.status = "incomplete"
            self._emit(events.TranscriptionFailed(item.id, error.code, error.message))
        else:
            item.text = transcript.text
            self._emit(events.Transcribed(item.id, item.text, seconds))
        finally:
            del self._hearings.pending[item.id]  # from here on the words are in the conversation
        if weigh and self._answering.holding:
            await self._decide(words)
        said = answer is not None and await answer.turn.asked()
        if answer is None or answer is not self._answering.current:
            return  # nobody wants it, or it was interrupted
        if said:
            self._answering.give(answer)
        else:
            self._answering.withdraw(answer)

    async def _decide(self, words: Words) -> None:
        """The words of what broke an answer off are in the conversation: answer them, or go on where it was."""
        if not interrupts(words):
            if not self._ears.speaking:  # else what is said now decides
                self._answering.resume()
            return
        await self._answering.let_go()
        detection = self.settings.turn_detection
        if detection is not None and detection.create_response and not self.responding and not self._ears.speaking:
            self._answering.give(self._answering.prepare(self.settings, (*self._hearings.pending.values(),)))

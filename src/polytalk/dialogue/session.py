"""One user's conversation: what the ears hear becomes turns, turns become answers, interruptions end them.

All methods run on the event loop and are called by one connection, one at a time. Everything a session emits goes
through `emit`, synchronously, so that nothing stale can follow the event that made it stale.
"""

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from polytalk.dialogue import events
from polytalk.dialogue.conversation import Conversation, Item
from polytalk.dialogue.delivery import Delivery, Emit
from polytalk.dialogue.dispatch import Dispatcher, Scope
from polytalk.dialogue.endpointing import Paused, Resumed, SpeechStarted, SpeechStopped
from polytalk.dialogue.events import ResponseStatus
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.listening import Ears
from polytalk.dialogue.settings import SessionSettings
from polytalk.dialogue.turn import Kit, Personas, Turn, transcribe
from polytalk.engines.base import VadEngine
from polytalk.errors import BadInput, PolytalkError
from polytalk.media.pcm import duration
from polytalk.types import LISTEN_RATE, Seconds, Transcript

CancelReason = Literal["turn_detected", "client_cancelled"]
Hearing: TypeAlias = asyncio.Future[Transcript]
"""What an utterance will turn out to say."""

TOO_LONG = "an utterance may last {:.0f} s; this one was cut there, and the rest is taken for the next one"


class Bounds(Struct, frozen=True):
    """What a session may grow to, and how it is paced."""

    max_utterance: Seconds = 60.0
    max_items: int = 200
    send_lead: Seconds = 0.5
    speculate: bool = True


class Guess(Struct, frozen=True):
    """A turn begun at a pause, before it is known whether the user has finished."""

    hearing: Hearing
    turn: Turn


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
    ) -> None:
        self.id = new_id("sess")
        self.settings = settings
        self.conversation = Conversation(bounds.max_items)
        self._personas = personas
        self._dispatcher = dispatcher
        self._kit = kit
        self._bounds = bounds
        self._emit = emit
        self._ears = Ears(vad, settings.vad, bounds.max_utterance)
        self._generation = 0
        self._group = asyncio.TaskGroup()
        self._utterance_item = ""
        self._utterance_start = 0
        self._work: set[asyncio.Task[None]] = set()
        self._transcribing: dict[str, Hearing] = {}
        """Committed items whose words are not known yet."""
        self._guess: Guess | None = None
        self._turn: Turn | None = None
        """The turn being made or delivered; there is at most one."""
        self._turn_tasks: list[asyncio.Task[None]] = []
        self._delivery: Delivery | None = None

    async def __aenter__(self) -> "Session":
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in list(self._work):
            task.cancel()
        for key in (self.id, self._listen_key):
            await self._dispatcher.forget(key)
        cancelled = isinstance(error, asyncio.CancelledError)
        # Another error leaves as it is: a caller that catches BadInput must not find it wrapped in a group.
        await (self._group.__aexit__(kind, error, trace) if cancelled else self._group.__aexit__(None, None, None))

    # --- what the client does ------------------------------------------------------------------------------------

    def configure(self, settings: SessionSettings) -> None:
        """From the next turn on; turn detection from the next audio on."""
        if settings.turn_detection != self.settings.turn_detection:
            self._ears.configure(settings.vad)
        self.settings = settings

    async def hear(self, pcm: bytes) -> None:
        """Take microphone audio, PCM16 at `SPEECH_RATE`. Raises BadInput."""
        for event in self._ears.hear(pcm):
            match event:
                case SpeechStarted():
                    await self._on_started(event)
                case Paused():
                    self._on_paused(event)
                case Resumed():
                    await self._drop_guess()
                case SpeechStopped():
                    await self._on_stopped(event)

    async def commit(self) -> None:
        """The client says that the utterance is over. Raises BadInput when there is too little audio.

        The answer to it is asked for by `respond`.
        """
        audio = self._ears.commit()
        await self._drop_guess()
        item, self._utterance_item = self._utterance_item or new_id("item"), ""
        self._take(item, audio, self._transcribe(audio))

    async def clear(self) -> None:
        """Forget the audio that is not committed yet."""
        self._ears.clear()
        await self._drop_guess()
        self._utterance_item = ""

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
        turn = self._begin(settings or self.settings, tuple(self._transcribing.values()))
        self._turn = turn
        self._deliver(turn, metadata)

    async def cancel(self) -> None:
        """End the answer under way. Raises BadInput when there is none."""
        if not self.responding:
            raise BadInput("Cancellation failed: no active response found", code="response_cancel_not_active")
        await self.interrupt("client_cancelled")

    @property
    def responding(self) -> bool:
        """Whether an answer is being made or given."""
        return self._turn is not None

    async def interrupt(self, reason: CancelReason) -> None:
        """Kill what is being made, everywhere, and end the answer under way where the listener stopped hearing it."""
        delivery, self._delivery = self._delivery, None
        self._turn = None
        self._cancel_turn_tasks()
        self._generation += 1
        if delivery is not None:
            self._keep_what_was_heard(delivery)
            self._finish(delivery, "cancelled", reason)
        await self._dispatcher.cancel(self.id, self._generation)

    def _cancel_turn_tasks(self) -> None:
        for task in self._turn_tasks:
            task.cancel()
        self._turn_tasks = []

    def _keep_what_was_heard(self, delivery: Delivery) -> None:
        """By the playout clock, unless the client has reported already; it may still do so later."""
        if delivery.item.spoken and delivery.item.status == "in_progress":
            delivery.item.cut(delivery.heard())

    # --- what the ears hear --------------------------------------------------------------------------------------

    async def _on_started(self, event: SpeechStarted) -> None:
        self._utterance_item = new_id("item")
        self._utterance_start = event.start_ms
        self._emit(events.SpeechStarted(self._utterance_item, event.start_ms))
        detection = self.settings.turn_detection
        if detection is not None and detection.interrupt_response and self.responding:
            await self.interrupt("turn_detected")

    def _on_paused(self, event: Paused) -> None:
        detection = self.settings.turn_detection
        wanted = self._bounds.speculate and detection is not None and detection.create_response
        if wanted and not self.responding and not self._transcribing and self._kit.has_room():
            hearing = self._transcribe(self._ears.utterance(self._utterance_start, event.at_ms))
            self._guess = Guess(hearing, self._begin(self.settings, (hearing,)))

    async def _drop_guess(self) -> None:
        if self._guess is None:
            return
        self._guess.hearing.cancel()
        self._guess = None
        self._cancel_turn_tasks()
        self._generation += 1
        for key in (self.id, self._listen_key):
            await self._dispatcher.cancel(key, self._generation)

    async def _on_stopped(self, event: SpeechStopped) -> None:
        item, self._utterance_item = self._utterance_item, ""
        self._emit(events.SpeechStopped(item, event.voice_end_ms))
        if event.reason == "max_duration":
            self._emit(events.Trouble("utterance_too_long", TOO_LONG.format(self._bounds.max_utterance)))
        detection = self.settings.turn_detection
        answer = detection is not None and detection.create_response and not self.responding
        audio = self._ears.utterance(self._utterance_start, event.end_ms)
        self._ears.release(event.end_ms)
        guess, self._guess = self._guess, None
        hearing = guess.hearing if guess else self._transcribe(audio)
        if answer:
            # Words of an interrupted turn may still be on their way: they are answered with these.
            self._turn = guess.turn if guess else self._begin(self.settings, (*self._transcribing.values(), hearing))
        self._take(item, audio, hearing, self._turn if answer else None)

    # --- turns ---------------------------------------------------------------------------------------------------

    @property
    def _listen_key(self) -> str:
        # Its own key: an interruption kills answers, never the transcription of what the user said.
        return f"{self.id}/listen"

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(work)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        return task

    def _transcribe(self, audio: bytes) -> Hearing:
        scope = Scope(self._dispatcher, self._listen_key, self._generation)
        hearing: Hearing = asyncio.get_running_loop().create_future()
        hearing.add_done_callback(_retrieve)
        self._spawn(_settle(hearing, transcribe(scope, self._kit, audio, self.settings.language)))
        return hearing

    def _begin(self, settings: SessionSettings, heard: tuple[Hearing, ...]) -> Turn:
        scope = Scope(self._dispatcher, self.id, self._generation)
        turn = Turn(scope, self._kit, settings, self._personas(settings.avatar), self.conversation.messages(), heard)
        self._turn_tasks.append(self._spawn(turn.run()))
        return turn

    def _take(self, item_id: str, audio: bytes, hearing: Hearing, turn: Turn | None = None) -> None:
        """An utterance is complete: it becomes an item at once, its words follow."""
        item = Item(item_id, "user", spoken=True)
        previous = self.conversation.add(item)
        self._emit(events.Committed(item_id, previous))
        self._emit(events.ItemAdded(item_id, previous))
        self._transcribing[item_id] = hearing
        self._spawn(self._hear_out(item, duration(audio, LISTEN_RATE), hearing, turn))

    async def _hear_out(self, item: Item, seconds: Seconds, hearing: Hearing, turn: Turn | None) -> None:
        """The words of an utterance; then, if it is still wanted, the answer."""
        try:
            transcript = await hearing
        except PolytalkError as error:
            item.status = "incomplete"
            self._emit(events.TranscriptionFailed(item.id, error.code, error.message))
        else:
            item.text = transcript.text
            self._emit(events.Transcribed(item.id, item.text, seconds))
        finally:
            self._transcribing.pop(item.id, None)
        if turn is None or turn is not self._turn:
            return  # nobody wants it, or it was interrupted
        if item.text:
            self._deliver(turn, None)
        else:
            self._turn = None

    def _deliver(self, turn: Turn, metadata: dict[str, str] | None) -> None:
        modality = turn.settings.modality
        item = Item(new_id("item"), "assistant", spoken=modality == "audio", status="in_progress")
        previous = self.conversation.add(item)
        delivery = Delivery(new_id("resp"), item, turn, self._emit, self._dispatcher.clock, self._bounds.send_lead)
        self._delivery = delivery
        self._emit(events.ResponseStarted(delivery.response, item.id, previous, modality, metadata))
        self._turn_tasks.append(self._spawn(self._run_delivery(delivery)))

    async def _run_delivery(self, delivery: Delivery) -> None:
        try:
            await delivery.run()
            outcome: tuple[ResponseStatus, str, str] = ("completed", "", "")
        except PolytalkError as error:
            outcome = ("failed", error.code, error.message)
        self._turn = self._delivery = None
        self._turn_tasks = []
        self._finish(delivery, *outcome)

    def _finish(self, delivery: Delivery, status: ResponseStatus, reason: str = "", message: str = "") -> None:
        item, turn = delivery.item, delivery.turn
        if item.status == "in_progress":
            item.status = "completed" if status == "completed" else "incomplete"
        self._emit(events.ResponseFinished(delivery.response, item.id, status, item.text, reason, message, turn.usage))


async def _settle(future: Hearing, work: Coroutine[Any, Any, Transcript]) -> None:
    """Let a future have the outcome of some work, so that whoever waits for it can be cancelled without harm to it."""
    try:
        transcript = await work
    except PolytalkError as error:
        if not future.done():
            future.set_exception(error)
    else:
        if not future.done():
            future.set_result(transcript)


def _retrieve(future: Hearing) -> None:
    """Mark the exception as seen: a dropped guess has no reader, and asyncio would complain."""
    if not future.cancelled():
        future.exception()

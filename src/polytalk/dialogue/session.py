"""One user's conversation, as its client sees it: what it does, and what it is told.

All methods run on the event loop and are called by one connection, one at a time. Everything a session emits goes
through `emit`, synchronously, so that nothing stale can follow the event that made it stale.
"""

from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType

from polytalk.dialogue import events
from polytalk.dialogue.answers.answering import Answering
from polytalk.dialogue.answers.asides import Asides
from polytalk.dialogue.answers.delivery import Emit
from polytalk.dialogue.answers.idle import NOTHING_SAID, IdleWatch
from polytalk.dialogue.answers.reading import ReadingAhead
from polytalk.dialogue.capacity.payer import HOUSE, Payer
from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.history import Told, told
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.dispatch import Dispatcher
from polytalk.dialogue.ears.hearing import Hearings
from polytalk.dialogue.ears.listening import Ears
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Kit, Personas
from polytalk.dialogue.settings import Bounds, SessionSettings
from polytalk.dialogue.tasks import Tasks
from polytalk.dialogue.turntaking import TurnTaking
from polytalk.dialogue.voices import language_of
from polytalk.engines.base import VadEngine
from polytalk.errors import BadInput
from polytalk.media.pcm import duration, resample
from polytalk.types import LISTEN_RATE, SPEECH_RATE, Message, Seconds


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
        payer: Payer = HOUSE,
    ) -> None:
        self.id = new_id("sess")
        self.settings = settings
        self.conversation = Conversation(bounds.max_items, max_chars=bounds.max_chars)
        self._bounds, self._kit = bounds, kit
        self._client = emit
        self._tasks = Tasks()
        spawn = self._tasks.spawn
        self._ears = Ears(vad, settings.vad, bounds.max_utterance)
        self._hearings = Hearings(self.id, dispatcher, kit, spawn, payer)
        answering = partial(
            Answering,
            dispatcher=dispatcher,
            kit=kit,
            personas=personas,
            send_lead=bounds.send_lead,
            spawn=spawn,
            payer=payer,
        )
        self._answering = answering(self.id, conversation=self.conversation, emit=self._emit)
        self._asides = Asides(lambda mine: answering(new_id("aside"), conversation=mine, emit=emit, aside=True), spawn)
        self._idle = IdleWatch(spawn, self._idle_timeout, self._speak_up)
        reading = ReadingAhead(dispatcher, kit, self._hearings, personas, spawn, payer)
        self._taking = TurnTaking(
            self._ears,
            self._hearings,
            self._answering,
            reading,
            self.conversation,
            kit,
            bounds,
            lambda: self.settings,
            self._emit,
            spawn,
        )

    async def __aenter__(self) -> "Session":
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._tasks.__aexit__(kind, error, trace)
        finally:  # when nobody is left who could ask for more
            await self._taking.drop_guess()
            await self._hearings.forget()
            await self._answering.forget()
            await self._asides.forget()

    # --- what the client does ------------------------------------------------------------------------------------

    def configure(self, settings: SessionSettings) -> None:
        """From the next turn on; turn detection from the next audio on."""
        if settings.turn_detection != self.settings.turn_detection:
            self._ears.configure(settings.vad)
            self._idle.stop()
            self._tasks.spawn(self._answering.let_go())  # who would decide about it?
        self.settings = settings
        if settings.video is not None:
            self._kit.foresee(settings.avatar, settings.video.size)

    async def hear(self, pcm: bytes) -> None:
        """Take microphone audio, PCM16 at `SPEECH_RATE`. Raises BadInput."""
        await self._taking.hear(pcm)

    async def commit(self) -> None:
        """The client says that the utterance is over. Raises BadInput when there is too little audio.

        The answer to it is asked for by `respond`.
        """
        await self._taking.commit()

    async def clear(self) -> None:
        """Forget the audio that is not committed yet."""
        await self._taking.clear()

    def add(self, item: Item, after: str | None = None, audio: bytes = b"") -> None:
        """Put an item into the conversation; `audio` in it (PCM16 at `SPEECH_RATE`) is transcribed. Raises BadInput."""
        self._check(item, audio)
        previous = self.conversation.add(item, after)
        self._emit(events.ItemAdded(item.id, previous))
        if audio:
            self._taking.transcribe(item, resample(audio, SPEECH_RATE, LISTEN_RATE))

    def truncate(self, item_id: str, heard: Seconds) -> None:
        """The client says how much of an answer it played. Raises BadInput."""
        self.conversation.truncate(item_id, heard)
        self._emit(events.ItemTruncated(item_id, round(heard * 1000)))

    async def respond(
        self,
        settings: SessionSettings | None = None,
        metadata: dict[str, str] | None = None,
        *,
        items: Sequence[tuple[Item, bytes]] | None = None,
        aside: bool = False,
    ) -> None:
        """Answer the conversation as it stands, or other `items` with their audio. Raises BadInput while an answer is
        under way.

        `aside`: the answer is no part of the conversation; there may be several at once.
        """
        if aside:
            self._asides.check()  # before anything is heard for it
            self._asides.answer(settings or self.settings, self._told(items), metadata)
            return
        if self.responding:
            raise BadInput(
                "an answer is under way; wait for response.done or cancel it",
                code="conversation_already_has_active_response",
            )
        history = self._told(items)
        await self._taking.drop_guess()
        await self._answering.let_go()
        self._answering.give(self._answering.prepare(settings or self.settings, (), history=history), metadata)

    async def cancel(self, response: str | None = None) -> None:
        """End the answer under way, or only if it is `response`. Raises BadInput when there is none such."""
        if response is not None and await self._asides.cancel(response):
            return
        if not self.responding or (response is not None and response != self._answering.response):
            await self._answering.let_go()
            raise BadInput("Cancellation failed: no active response found", code="response_cancel_not_active")
        await self._answering.interrupt("client_cancelled")

    @property
    def responding(self) -> bool:
        """Whether an answer is being made or given."""
        return self._answering.current is not None

    # --- what is behind it ---------------------------------------------------------------------------------------

    def _emit(self, event: events.DialogueEvent) -> None:
        self._client(event)
        self._idle.see(event)

    def _told(self, items: Sequence[tuple[Item, bytes]] | None) -> tuple[Told, ...]:
        """The conversation, or other items, with the words that are still to come."""
        if items is None:
            return self.conversation.told(self._hearings.pending)
        pending = dict(self._hearings.pending)
        for item, audio in items:
            self._check(item, audio)
        for item, audio in items:
            if audio:
                heard = resample(audio, SPEECH_RATE, LISTEN_RATE)
                pending[item.id] = self._hearings.begin(heard, self.settings.language).words
        return tuple(told([item for item, _ in items], pending))

    def _check(self, item: Item, audio: bytes) -> None:
        if len(audio) % 2:
            raise BadInput(f"PCM16 audio has an even number of bytes, not {len(audio)}", param="item.content")
        if (seconds := duration(audio, SPEECH_RATE)) > self._bounds.max_utterance:
            raise BadInput(
                f"the audio of an item may last {self._bounds.max_utterance:.0f} s, not {seconds:.1f}",
                param="item.content",
            )

    def _idle_timeout(self) -> Seconds | None:
        detection = self.settings.turn_detection
        return None if detection is None else detection.idle_timeout

    async def _speak_up(self) -> None:
        """Nobody said anything: that is an utterance too, and it is answered."""
        if self.responding or self._ears.speaking or self._answering.holding:
            return
        timeout = self._idle_timeout() or 0.0
        item = Item(new_id("item"), "user", spoken=True)
        now = self._ears.now_ms()
        self._client(events.TimedOut(item.id, max(0, now - round(timeout * 1000)), now))
        before = self.conversation.messages()
        language = self.settings.language or language_of(before[-1].content if before else "")
        silence = NOTHING_SAID.get(language, NOTHING_SAID["en"])
        history = (*before, Message("user", silence))
        previous = self.conversation.add(item)
        self._client(events.Committed(item.id, previous))
        self._client(events.ItemAdded(item.id, previous))
        await self._taking.drop_guess()
        self._answering.give(self._answering.prepare(self.settings, (), history=history))

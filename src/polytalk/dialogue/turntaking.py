"""Who speaks when: what the ears hear becomes turns, turns become answers, interruptions end them."""

import asyncio
from collections.abc import Callable

from msgspec import Struct

from polytalk.dialogue import events
from polytalk.dialogue.answers.answer import Answer
from polytalk.dialogue.answers.answering import Answering
from polytalk.dialogue.answers.delivery import Emit
from polytalk.dialogue.answers.reading import ReadingAhead
from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.ears.backchannel import LONGEST_MS
from polytalk.dialogue.ears.completeness import judge, patience
from polytalk.dialogue.ears.endpointing import Paused, Resumed, SpeechStarted, SpeechStopped
from polytalk.dialogue.ears.hearing import Hearing, Hearings, interrupts
from polytalk.dialogue.ears.listening import Ears
from polytalk.dialogue.ears.words import Words
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.kit import Kit
from polytalk.dialogue.settings import Bounds, SessionSettings
from polytalk.dialogue.tasks import Spawn
from polytalk.errors import PolytalkError, Shed
from polytalk.media.pcm import duration
from polytalk.types import LISTEN_RATE

TOO_LONG = "an utterance may last {:.0f} s; this one was cut there, and the rest is taken for the next one"


class Guess(Struct, frozen=True):
    """An answer begun at a pause, before it is known whether the user has finished."""

    hearing: Hearing
    answer: Answer | None
    """None while an answer is held: first it must be known whether the user says anything."""


class TurnTaking:
    """One session's. Belongs to `Session`, which says what the client does."""

    def __init__(
        self,
        ears: Ears,
        hearings: Hearings,
        answering: Answering,
        reading: ReadingAhead,
        conversation: Conversation,
        kit: Kit,
        bounds: Bounds,
        settings: Callable[[], SessionSettings],
        emit: Emit,
        spawn: Spawn,
    ) -> None:
        """`settings`: those in force."""
        self._ears = ears
        self._hearings = hearings
        self._answering = answering
        self._reading = reading
        self._conversation = conversation
        self._kit = kit
        self._bounds = bounds
        self._settings = settings
        self._emit = emit
        self._spawn = spawn
        self._utterance_item = ""
        self._utterance_start = 0
        self._guess: Guess | None = None

    async def hear(self, pcm: bytes) -> None:
        """Take microphone audio, PCM16 at `SPEECH_RATE`. Raises BadInput."""
        settings = self._settings()
        detection = settings.turn_detection
        guarded = detection is not None and detection.interrupt_response and self._answering.heard
        self._ears.guard(speaking=guarded)
        for event in self._ears.hear(pcm):
            match event:
                case SpeechStarted():
                    await self._on_started(event)
                case Paused():
                    await self._on_paused(event)
                case Resumed():
                    await self.drop_guess()
                case SpeechStopped():
                    await self._on_stopped(event)
        if self._guess is None and self._reading.due(self._ears.voice_ms()) and self._may_guess():
            audio = self._ears.utterance(self._utterance_start)
            self._reading.read(audio, self._conversation.messages(), settings)
        if self._answering.holding and self._ears.speaking and self._ears.voice_ms() > LONGEST_MS:
            await self._answering.let_go()

    async def commit(self) -> None:
        """The client says that the utterance is over. Raises BadInput when there is too little audio."""
        audio = self._ears.commit()
        await self.drop_guess()
        await self._answering.let_go()
        item, self._utterance_item = self._utterance_item or new_id("item"), ""
        self._take(item, audio, self._hearings.begin(audio, self._settings().language))

    async def clear(self) -> None:
        """Forget the audio that is not committed yet."""
        self._ears.clear()
        await self.drop_guess()
        self._utterance_item = ""
        if not self._hearings.pending:
            self._answering.resume()

    def transcribe(self, item: Item, audio: bytes) -> None:
        """Audio that a client put into an item, PCM16 at `LISTEN_RATE`: its words follow."""
        item.seconds = duration(audio, LISTEN_RATE)
        hearing = self._hearings.begin(audio, self._settings().language)
        self._hearings.pending[item.id] = hearing.words
        self._spawn(self._hear_out(item, hearing.words, None, weigh=False))

    async def drop_guess(self) -> None:
        """What was begun at a pause is not wanted."""
        guess, self._guess = self._guess, None
        if guess is not None:
            await self._hearings.drop(guess.hearing)
            if guess.answer is not None:
                await self._answering.drop(guess.answer)

    # --- what the ears hear --------------------------------------------------------------------------------------

    async def _on_started(self, event: SpeechStarted) -> None:
        self._utterance_item = new_id("item")
        self._utterance_start = event.start_ms
        self._emit(events.SpeechStarted(self._utterance_item, event.start_ms))
        self._reading.begin_utterance()
        await self.drop_guess()  # left over when turn detection was changed at a pause
        detection = self._settings().turn_detection
        if detection is not None and detection.interrupt_response:
            await self._answering.hold()

    async def _on_paused(self, event: Paused) -> None:
        settings = self._settings()
        detection = settings.turn_detection
        audio = self._ears.utterance(self._utterance_start, event.at_ms)
        if self._answering.holding:
            guess = self._guess = Guess(self._hearings.begin(audio, settings.language), None)
            self._spawn(self._weigh(guess))
        elif self._may_guess():
            hearing = self._hearings.begin(audio, settings.language, guess=True)
            self._guess = Guess(hearing, self._answering.prepare(settings, (hearing.words,), guess=True))
        elif detection is not None and detection.eagerness is not None:
            self._guess = Guess(self._hearings.begin(audio, settings.language, guess=True), None)
        if self._guess is not None and detection is not None and detection.eagerness is not None:
            self._spawn(self._judge(self._guess.hearing))

    async def _judge(self, hearing: Hearing) -> None:
        """semantic_vad: at a pause, what was said so far tells how long to wait for more."""
        await asyncio.wait((hearing.words,))
        detection = self._settings().turn_detection
        if self._guess is None or self._guess.hearing is not hearing or detection is None:
            return  # the user went on, or was waited for long enough
        if detection.eagerness is not None and not hearing.words.cancelled() and not hearing.words.exception():
            said = hearing.words.result()
            self._ears.expect(patience(judge(said.text, said.language), detection.eagerness))

    async def _weigh(self, guess: Guess) -> None:
        """At a pause in what broke an answer off: words end that answer, and the next may be begun."""
        await asyncio.wait((guess.hearing.words,))
        if self._guess is not guess or not self._answering.holding or not interrupts(guess.hearing.words):
            return
        await self._answering.let_go()
        if self._may_guess():
            prepared = self._answering.prepare(self._settings(), (guess.hearing.words,), guess=True)
            self._guess = Guess(guess.hearing, prepared)

    async def _on_stopped(self, event: SpeechStopped) -> None:
        settings = self._settings()
        item, self._utterance_item = self._utterance_item, ""
        self._emit(events.SpeechStopped(item, event.voice_end_ms))
        if event.reason == "max_duration":
            self._emit(events.Trouble("utterance_too_long", TOO_LONG.format(self._bounds.max_utterance)))
        audio = self._ears.utterance(self._utterance_start, event.end_ms)
        self._ears.release(event.end_ms)
        begun = self._guess.answer if self._guess else None
        if begun is not None and not self._answering.fresh(begun, settings):
            await self.drop_guess()
        guess, self._guess = self._guess, None
        if self._answering.holding:
            hearing = guess.hearing if guess else self._hearings.begin(audio, settings.language)
            self._take(item, audio, hearing, weigh=True)
            return
        answer = guess.answer if guess else None
        detection = settings.turn_detection
        responding = self._answering.current is not None
        wanted = detection is not None and detection.create_response and not responding and answer is None
        ticket = self._answering.knock(settings) if wanted else None
        if guess:
            hearing = guess.hearing
        elif ticket is not None and isinstance(ticket.place, Shed):
            hearing = self._hearings.refuse(ticket.place)
        else:
            hearing = self._hearings.begin(audio, settings.language)
        if ticket is not None:
            # Words of an interrupted turn may still be on their way: they are answered with these.
            heard = (*self._hearings.pending.values(), hearing.words)
            answer = self._answering.prepare(settings, heard, ticket=ticket)
        if answer is not None:
            self._answering.current = answer
        if guess:
            await self._hearings.adopt(guess.hearing)
            if guess.answer is not None:
                await self._answering.adopt(guess.answer)
        self._take(item, audio, hearing, answer)

    def _may_guess(self) -> bool:
        detection = self._settings().turn_detection
        wanted = self._bounds.speculate and detection is not None and detection.create_response
        idle = self._answering.current is None and not self._hearings.pending
        return wanted and idle and self._kit.has_room()

    # --- turns ---------------------------------------------------------------------------------------------------

    def _take(
        self, item_id: str, audio: bytes, hearing: Hearing, answer: Answer | None = None, *, weigh: bool = False
    ) -> None:
        """An utterance is complete: it becomes an item at once, its words follow.

        `weigh`: they decide about an answer that is held.
        """
        item = Item(item_id, "user", spoken=True, seconds=duration(audio, LISTEN_RATE))
        previous = self._conversation.add(item)
        self._emit(events.Committed(item_id, previous))
        self._emit(events.ItemAdded(item_id, previous))
        self._hearings.pending[item_id] = hearing.words
        self._spawn(self._hear_out(item, hearing.words, answer, weigh=weigh))

    async def _hear_out(self, item: Item, words: Words, answer: Answer | None, *, weigh: bool) -> None:
        """The words of an utterance; then, if it is still wanted, the answer."""
        try:
            transcript = await words
        except PolytalkError as error:
            item.status = "incomplete"
            told: events.DialogueEvent = events.TranscriptionFailed(item.id, error.code, error.message)
        else:
            item.hear(transcript.text)
            told = events.Transcribed(item.id, transcript.text, item.seconds)
        finally:
            known = self._hearings.settle(item.id, words)  # from here on the words are in the conversation
        if known:
            self._emit(told)
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
        settings = self._settings()
        detection = settings.turn_detection
        idle = self._answering.current is None and not self._ears.speaking
        if detection is not None and detection.create_response and idle:
            self._answering.give(self._answering.prepare(settings, (*self._hearings.pending.values(),)))

"""What of a conversation is remembered: put together from its events, and handed to the store's queue.

It sees what the dialogue says and asks nothing of it, so that a conversation is the same with it and without.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import update

from polytalk.clock import Clock, RealClock
from polytalk.dialogue.answers.delivery import Emit
from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.items import Item, heard_text
from polytalk.dialogue.events import (
    DialogueEvent,
    ItemTruncated,
    ResponseFinished,
    ResponseStarted,
    Said,
    SpeechStopped,
    Spoke,
    Transcribed,
)
from polytalk.dialogue.session import Session
from polytalk.errors import BadInput
from polytalk.gateway.keys import Principal
from polytalk.store import tables
from polytalk.store.conversations import SessionRecord, TurnRecord, answered, began, ended
from polytalk.store.writer import Write
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Seconds, Usage

V = TypeVar("V")
REMEMBERED = 32
"""Utterances and answers that something may still refer to."""


@dataclass
class _Answer:
    previous: str | None
    began: Seconds
    asked: Seconds
    """When the user had said what it answers; when it began, if that was not said."""
    wall: float
    marks: list[tuple[Seconds, str]] = field(default_factory=list)
    """Its pieces of text, each with the moment of its audio's end."""
    first: Seconds | None = None
    audio_bytes: int = 0


class Recorder:
    """One session's."""

    def __init__(self, put: Callable[[Write], None], clock: Clock | None = None, now: Callable[[], float] = time.time):
        self._put = put
        self._clock = clock or RealClock()
        self._now = now
        self._session = ""
        self._conversation: Conversation | None = None
        self._spoken: OrderedDict[str, Seconds] = OrderedDict()
        """Utterance -> when its end was noticed."""
        self._texts: OrderedDict[str, str] = OrderedDict()
        """Utterance -> its words."""
        self._open: dict[str, _Answer] = {}
        self._over: OrderedDict[str, str] = OrderedDict()
        """Item -> the answer that it was."""

    def hearing(self, emit: Emit) -> Emit:
        """Passes events on, and looks at them."""

        def both(what: DialogueEvent) -> None:
            emit(what)
            self.see(what)

        return both

    def begin(self, session: Session, principal: Principal) -> None:
        """A call begins."""
        self._session, self._conversation = session.id, session.conversation
        record = SessionRecord(
            session.id, principal.tenant.name, session.settings.avatar, self._now(), principal.key, principal.user
        )
        self._put(began(record))

    def end(self) -> None:
        """The call is over; answers under way were broken off."""
        for response, answer in self._open.items():
            self._write(response, answer, self._heard_so_far(answer), "cancelled", "client_left")
        self._open.clear()
        self._put(ended(self._session, self._now()))

    def see(self, what: DialogueEvent) -> None:
        """One event of the session."""
        match what:
            case SpeechStopped(item=item):
                _keep(self._spoken, item, self._clock.now())
            case Transcribed(item=item, text=text):
                _keep(self._texts, item, text)
            case ResponseStarted(response=response, previous=previous, aside=False):
                began = self._clock.now()
                asked = self._spoken.pop(previous or "", began)
                self._open[response] = _Answer(previous, began, asked, self._now())
            case Said(response=response) if response in self._open:
                self._open[response].marks.append((what.at + what.lasts, what.text))
            case Spoke(response=response, audio=audio) if response in self._open:
                answer = self._open[response]
                answer.audio_bytes += len(audio)
                answer.first = self._clock.now() if answer.first is None else answer.first
            case ResponseFinished():
                self._finish(what)
            case ItemTruncated(item=item) if item in self._over:
                self._heard_less(item)

    def _finish(self, what: ResponseFinished) -> None:
        if (answer := self._open.pop(what.response, None)) is None:
            return
        _keep(self._over, what.item, what.response)
        self._write(what.response, answer, what.text, what.status, what.reason, what.usage)

    def _write(
        self, response: str, answer: _Answer, heard: str, status: str, reason: str, usage: Usage | None = None
    ) -> None:
        record = TurnRecord(
            id=response,
            session=self._session,
            started_at=answer.wall,
            user_text=self._asked(answer.previous),
            answer_text="".join(text for _, text in answer.marks),
            heard_text=heard,
            status=status,
            reason=reason,
            first_audio_ms=None if answer.first is None else _ms(answer.first - answer.asked),
            duration_ms=_ms(self._clock.now() - answer.began),
            audio_ms=_ms(answer.audio_bytes / SAMPLE_BYTES / SPEECH_RATE),
            input_tokens=usage.input_tokens if usage else 0,
            output_tokens=usage.output_tokens if usage else 0,
        )
        self._put(answered(record))

    def _heard_so_far(self, answer: _Answer) -> str:
        """What was played of an answer whose listener has gone, who is taken to have played it as it came."""
        return "" if answer.first is None else heard_text(answer.marks, self._clock.now() - answer.first)

    def _asked(self, item: str | None) -> str:
        """The words that an answer is to: what was heard, or what the client wrote."""
        if item is None:
            return ""
        if (heard := self._texts.pop(item, None)) is not None:
            return heard
        found = self._item(item)
        return found.text if found is not None and found.role == "user" else ""

    def _heard_less(self, item: str) -> None:
        if (found := self._item(item)) is not None:
            where = tables.turns.c.id == self._over[item]
            self._put(Write("turn", update(tables.turns).where(where).values(heard_text=found.text)))

    def _item(self, name: str) -> Item | None:
        assert self._conversation is not None
        try:
            return self._conversation.get(name)
        except BadInput:  # deleted, or forgotten
            return None


def _keep(kept: OrderedDict[str, V], name: str, value: V) -> None:
    kept[name] = value
    while len(kept) > REMEMBERED:
        kept.popitem(last=False)


def _ms(seconds: Seconds) -> int:
    return max(0, round(seconds * 1000))

"""What of a conversation is remembered."""

from collections.abc import Iterator
from typing import Any

import pytest

from polytalk.clock import VirtualClock
from polytalk.config import TenantSettings
from polytalk.dialogue.conversation.conversation import Conversation
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.events import (
    ItemTruncated,
    ResponseFinished,
    ResponseStarted,
    Said,
    SpeechStopped,
    Spoke,
    Transcribed,
)
from polytalk.gateway.keys import Principal
from polytalk.gateway.realtime.recorder import REMEMBERED, Recorder
from polytalk.store.conversations import Conversations, SessionRecord, TurnRecord
from polytalk.store.store import Store
from polytalk.types import SAMPLE_BYTES, SPEECH_RATE, Usage
from tests.support.stores import Watch


class Call:
    """A session as the recorder sees it, and what it says."""

    id = "sess_1"

    def __init__(self, store: Store) -> None:
        self.conversation = Conversation(10)
        self.settings = type("Settings", (), {"avatar": "mira"})()
        self.clock = VirtualClock()
        assert isinstance(store.now, Watch)
        self.recorder = Recorder(store.writer.put, self.clock, store.now)
        self.see = self.recorder.hearing(lambda what: None)
        self.store = store
        self.recorder.begin(self, Principal(TenantSettings(name="acme"), "pt_1", user="ann"))  # type: ignore[arg-type]

    def hear(self, item: str, text: str) -> None:
        """The user says something, and it is transcribed 0.1 s later."""
        self.conversation.add(Item(item, "user", text, spoken=True))
        self.see(SpeechStopped(item, 0))
        self.clock.advance(0.1)
        self.see(Transcribed(item, text, 1.0))

    def answer(self, response: str, previous: str | None, *texts: str) -> None:
        """An answer, a second for each text, the first of them after 0.2 s."""
        item = f"item_{response}"
        self.conversation.add(Item(item, "assistant", "", spoken=True, marks=[]))
        self.see(ResponseStarted(response, "audio", previous))
        self.clock.advance(0.2)
        for end, text in enumerate(texts, 1):
            self.conversation.get(item).marks.append((float(end), text))
            self.see(Said(response, item, text, end - 1.0, 1.0))
            self.see(Spoke(response, item, bytes(SPEECH_RATE * SAMPLE_BYTES), b"", 0))

    def finish(self, response: str, text: str, status: Any = "completed", reason: str = "") -> None:
        usage = Usage(40, 12) if status == "completed" else None
        self.see(ResponseFinished(response, f"item_{response}", status, text, reason, usage=usage))

    async def kept(self) -> tuple[SessionRecord, list[TurnRecord]]:
        await self.store.writer.drain(5.0)
        assert not self.store.writer.failed
        return await Conversations(self.store.database, self.store.now).show(self.id)


@pytest.fixture
def call(store: Store) -> Iterator[Call]:
    return Call(store)  # type: ignore[return-value]


async def test_a_turn_is_kept_with_its_words_and_times(call: Call) -> None:
    call.hear("item_1", "Who are you?")
    call.answer("resp_1", "item_1", "I am Mira.", " And you?")
    call.clock.advance(2.0)
    call.finish("resp_1", "I am Mira. And you?")
    call.recorder.end()
    session, (turn,) = await call.kept()
    assert (session.tenant, session.key, session.user, session.avatar) == ("acme", "pt_1", "ann", "mira")
    assert session.ended_at is not None
    assert (turn.user_text, turn.answer_text, turn.heard_text) == ("Who are you?", *["I am Mira. And you?"] * 2)
    assert (turn.first_audio_ms, turn.duration_ms, turn.audio_ms) == (300, 2200, 2000)
    assert (turn.status, turn.input_tokens, turn.output_tokens) == ("completed", 40, 12)


async def test_of_an_interrupted_answer_it_is_kept_what_was_heard_also_when_the_client_knows_better(call: Call) -> None:
    call.hear("item_1", "Tell me a story.")
    call.answer("resp_1", "item_1", "Once upon a time", " there was a king.")
    call.finish("resp_1", "Once upon a time", "cancelled", "turn_detected")
    _, (turn,) = await call.kept()
    assert (turn.answer_text, turn.heard_text) == ("Once upon a time there was a king.", "Once upon a time")
    assert (turn.status, turn.reason) == ("cancelled", "turn_detected")
    call.conversation.get("item_resp_1").cut(0.5)
    call.see(ItemTruncated("item_resp_1", 500))
    _, (turn,) = await call.kept()
    assert turn.heard_text == "Once upon"


async def test_an_answer_whose_listener_leaves_is_kept_as_far_as_it_was_played(call: Call) -> None:
    call.hear("item_1", "Tell me a story.")
    call.answer("resp_1", "item_1", "Once upon a time", " there was a king.")
    call.clock.advance(1.0)
    call.answer("resp_2", None)
    call.recorder.end()
    _, turns = await call.kept()
    heard = {turn.id: (turn.heard_text, turn.status, turn.reason, turn.first_audio_ms) for turn in turns}
    assert heard["resp_1"] == ("Once upon a time there", "cancelled", "client_left", 300)
    assert heard["resp_2"] == ("", "cancelled", "client_left", None)


async def test_what_was_written_is_kept_as_what_was_said(call: Call) -> None:
    call.conversation.add(Item("item_1", "user", "Hello"))
    call.answer("resp_1", "item_1", "Hi.")
    call.finish("resp_1", "Hi.")
    call.answer("resp_2", "item_resp_1", " Still here.")
    call.finish("resp_2", " Still here.")
    _, turns = await call.kept()
    assert [turn.user_text for turn in turns] == ["Hello", ""]


async def test_what_nobody_answers_is_forgotten(call: Call) -> None:
    for number in range(10 * REMEMBERED):
        call.see(SpeechStopped(f"item_{number}", 0))
        call.see(Transcribed(f"item_{number}", "hm", 1.0))
    assert max(len(kept) for kept in (call.recorder._spoken, call.recorder._texts)) == REMEMBERED

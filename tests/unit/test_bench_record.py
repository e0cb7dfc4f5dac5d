"""What a caller's record makes of the events it is told."""

import asyncio

import msgspec
import pytest

from bench import events
from bench.questions import Line, Utterance
from bench.record import JITTER, Record, Turn
from polytalk.types import MOUTH_PARAMS, SPEECH_RATE

QUESTION = Utterance(Line("What can you do?"), bytes(960))
TENTH = bytes(SPEECH_RATE // 10 * 2)
STILL = [0.0] * len(MOUTH_PARAMS)
OPEN = [0.4] + [0.0] * (len(MOUTH_PARAMS) - 1)


def event(kind: str, **fields: object) -> events.Event:
    decoded = events.decode(msgspec.json.encode({"type": kind, "event_id": "event_1", **fields}))
    assert decoded is not None
    return decoded


def audio(response: str = "resp_1", item: str = "item_a", pcm: bytes = TENTH) -> events.Event:
    return event("response.output_audio.delta", response_id=response, item_id=item, delta=pcm)


def mouth(frames: list[list[float]]) -> events.Event:
    return event("response.animation_blendshapes.delta", response_id="resp_1", item_id="item_a", frames=frames)


def done(status: str = "completed", reason: str | None = None) -> events.Event:
    details = {"type": status, "reason": reason} if reason else None
    return event("response.done", response={"id": "resp_1", "status": status, "status_details": details})


def heard(transcript: str) -> events.Event:
    return event(
        "conversation.item.input_audio_transcription.completed", item_id="item_u", transcript=transcript, usage={}
    )


@pytest.fixture
def record() -> Record:
    return Record()


@pytest.fixture
def turn(record: Record) -> Turn:
    """Asked at 10.0, said by 11.0, and an answer created at 11.5."""
    asked = record.ask(QUESTION, 10.0)
    asked.speech_end = 11.0
    record.take(event("input_audio_buffer.speech_stopped", item_id="item_u", audio_end_ms=1), 11.4)
    record.take(event("response.created", response={"id": "resp_1", "status": "in_progress"}), 11.5)
    record.take(event("response.output_item.added", response_id="resp_1", item={"id": "item_a"}), 11.5)
    return asked


def test_a_turn_notes_when_each_thing_arrived(record: Record, turn: Turn) -> None:
    record.take(audio(), 11.6)
    record.take(mouth([STILL, STILL]), 11.61)
    record.take(audio(), 11.7)
    record.take(mouth([STILL, OPEN]), 11.71)
    record.take(done(), 12.0)
    answer = turn.answer
    assert answer is not None
    assert (turn.stopped, answer.created, answer.first_audio, answer.last_audio) == (11.4, 11.5, 11.6, 11.7)
    assert answer.first_motion == 11.71
    assert answer.seconds == pytest.approx(0.2)
    assert turn.finished.is_set()
    assert not record.strays


def test_audio_that_comes_in_time_is_no_underrun(record: Record, turn: Turn) -> None:
    for tenth in range(5):
        record.take(audio(), 12.0 + tenth / 10 + JITTER - 0.001)
    assert turn.answer is not None
    assert turn.answer.playout.underruns == 0


def test_audio_later_than_the_player_needs_it_is_an_underrun(record: Record, turn: Turn) -> None:
    record.take(audio(), 12.0)
    record.take(audio(), 12.0 + JITTER + 0.1 + 0.03)
    assert turn.answer is not None
    assert turn.answer.playout.underruns == 1
    assert turn.answer.playout.waited == pytest.approx(0.03)


def test_an_answer_of_another_session_is_a_stray(record: Record, turn: Turn) -> None:
    record.take(audio(response="resp_of_somebody_else"), 12.0)
    record.take(audio(item="item_of_somebody_else"), 12.1)
    assert len(record.strays) == 2
    assert turn.answer is not None
    assert not turn.answer.audio


def test_an_interrupted_answer_keeps_noting_stale_audio(record: Record, turn: Turn) -> None:
    record.take(audio(), 12.0)
    following = record.ask(QUESTION, 12.3)
    record.take(event("input_audio_buffer.speech_started", item_id="item_v", audio_start_ms=1), 12.4)
    record.take(audio(), 12.45)
    record.take(done("cancelled", "turn_detected"), 12.46)
    assert turn.answer is not None
    assert turn.answer.last_audio == 12.45
    assert turn.answer.reason == "turn_detected"
    assert turn.finished.is_set()
    assert following.started == 12.4
    assert following.answer is None


def test_a_question_that_was_taken_for_noise_ends_its_turn(record: Record) -> None:
    turn = record.ask(QUESTION, 1.0)
    turn.speech_end = 2.0
    record.take(heard(""), 2.6)
    assert turn.finished.is_set()
    assert turn.answer is None


def test_an_answer_to_half_a_question_does_not_end_the_turn(record: Record) -> None:
    turn = record.ask(QUESTION, 1.0)
    record.take(heard("What can"), 1.5)
    record.take(event("response.created", response={"id": "resp_1"}), 1.5)
    record.take(done("cancelled", "turn_detected"), 1.6)
    assert not turn.finished.is_set()
    turn.speech_end = 2.0
    record.take(heard("you do?"), 2.4)
    assert turn.heard == "What can you do?"
    record.take(event("response.created", response={"id": "resp_2"}), 2.4)
    assert turn.answer is not None
    assert turn.answer.id == "resp_2"


def test_errors_and_the_session_are_remembered(record: Record) -> None:
    record.take(event("session.created", session={"id": "sess_1"}), 0.0)
    record.take(event("error", error={"type": "server_error", "code": "at_capacity", "message": "full"}), 0.1)
    assert record.session == "sess_1"
    assert record.errors == ["at_capacity: full"]


def test_events_nobody_looks_at_are_passed_over() -> None:
    assert events.decode(b'{"type":"conversation.item.done","event_id":"e"}') is None


async def test_waiting_for_a_turn_ends_with_its_answer(record: Record, turn: Turn) -> None:
    waiting = asyncio.create_task(turn.finished.wait())
    await asyncio.sleep(0)
    record.take(done(), 12.0)
    assert await waiting
    assert turn.answer is not None
    assert turn.answer.done == 12.0

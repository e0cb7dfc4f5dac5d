"""The figures' own arithmetic, and the server's notes that they rest on."""

import asyncio
from pathlib import Path

import pytest

from bench.crowd import Call, Talk
from bench.figures.barge_in import Cut, rows_of, shares
from bench.figures.first_audio import MOMENTS, STEPS, moments_of, steps_of
from bench.figures.stray import AVATARS, WORDS, shared_ids, words_in, words_of
from bench.host import JobNote, NotingBroker, read_notes
from bench.questions import Line, Utterance
from bench.record import Answer, Record, Turn
from bench.scripted import ANSWER, ScriptedLlm, ScriptedMouth, ScriptedTts
from polytalk.types import (
    MOUTH_PARAMS,
    Chunk,
    Job,
    ListenWork,
    Message,
    MouthFrames,
    MouthWork,
    SpeakWork,
    Speech,
    Stage,
    TextDelta,
    ThinkWork,
    Transcript,
)

QUESTION = Utterance(Line("Hello."), b"")


def note(stage: Stage, created: float, final: float, session: str = "sess_1", turn: str = "turn_1") -> JobNote:
    return JobNote(f"job_{stage}_{created}", stage, session, turn, created, final - 0.01, final)


def test_moments_count_from_the_end_of_speech() -> None:
    turn = Turn(QUESTION, asked=9.0, speech_end=10.0, stopped=10.4)
    turn.answer = Answer("resp_1", 10.5, first_audio=10.6, first_motion=10.65)
    notes = [
        note(Stage.LISTEN, 9.5, 9.6, "sess_1/listen"),  # a guess that was dropped
        note(Stage.LISTEN, 10.1, 10.2, "sess_1/listen"),
        note(Stage.THINK, 10.2, 10.5),
        note(Stage.SPEAK, 10.3, 10.35),
        note(Stage.SPEAK, 10.4, 10.45),
        note(Stage.MOUTH, 10.35, 10.36),
        note(Stage.SPEAK, 10.25, 10.3, "sess_2"),
        note(Stage.THINK, 10.25, 10.3, "sess_2"),
    ]
    found = moments_of(turn, "sess_1", notes)
    assert found == pytest.approx(
        {
            "transcript asked": 0.1,
            "transcript ready": 0.2,
            "first token": 0.49,
            "first clause": 0.3,
            "first speech": 0.35,
            "first mouth": 0.36,
            "end of turn": 0.4,
            "first audio": 0.6,
            "first moving frame": 0.65,
        }
    )


def test_a_turn_without_an_answer_has_no_moments() -> None:
    assert moments_of(Turn(QUESTION, 9.0, speech_end=10.0), "sess_1", []) == {}


def test_a_rate_counts_whole_turns_only() -> None:
    calls = [Call(Record(), began=0.0, ended=20.0), Call(Record(), began=5.0, ended=15.0), Call(Record(), began=30.0)]
    calls[0].turns = [Turn(QUESTION, 0.0)] * 2
    calls[1].turns = [Turn(QUESTION, 0.0)]
    talk = Talk(40.0, 1.0, calls)
    assert talk.rate == pytest.approx(2 / 20 + 1 / 10)
    assert len(talk.turns) == 3


def test_audio_that_came_before_the_interruption_is_not_stale() -> None:
    cuts = [
        Cut(Answer("a", 0.0, last_audio=10.0), voice=9.9, told=10.02),
        Cut(Answer("b", 0.0, last_audio=20.0), voice=19.9, told=19.95),
        Cut(Answer("c", 0.0, last_audio=30.0), cancelled=29.96),
    ]
    told, cancelled, silent, last = rows_of(1, cuts)
    assert (told["n"], told["max ms"], told["p50 ms"]) == (2, 50.0, 25.0)
    assert (cancelled["n"], cancelled["max ms"]) == (1, 40.0)
    assert silent["max ms"] == 120.0
    assert last["max ms"] == 100.0


def test_interruptions_are_shared_evenly() -> None:
    assert shares(30, 4) == [8, 8, 7, 7]


def test_no_two_users_share_a_word() -> None:
    users = len(WORDS) // 2
    assert len({word for user in range(users) for word in words_of(user)}) == 2 * users


def test_code_words_are_found_in_a_transcript() -> None:
    assert words_in("You said, my word is Pineapple. A turtle?") == {"pineapple", "turtle"}
    assert words_in("You said: my word is pine.") == set()


def test_a_response_that_two_sessions_were_told_of_is_seen() -> None:
    one, other = Record(), Record()
    one.answers = {"resp_1": Answer("resp_1", 0.0), "resp_2": Answer("resp_2", 0.0)}
    other.answers = {"resp_2": Answer("resp_2", 0.0)}
    assert shared_ids([one, other]) == 1
    assert len(set(AVATARS.values())) == 2


def test_the_steps_of_a_turn_add_up_to_its_first_audio() -> None:
    moments = {moment: 0.1 * number for number, moment in enumerate(MOMENTS, 1)}
    steps = steps_of(moments)
    assert list(steps) == list(STEPS)
    assert sum(steps.values()) == pytest.approx(moments["first audio"])
    del moments["first token"]
    assert steps_of(moments) == {}


async def test_the_servers_notes_say_what_a_job_went_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BENCH_JOBS", str(tmp_path / "jobs.jsonl"))
    broker = NotingBroker(10)
    job = Job("job_1", Stage.LISTEN, "whisper", "sess_1", 0, "turn_1", ListenWork(b""), 1.5, 2.0, "me")
    await broker.publish(job)
    assert await broker.receive(Stage.LISTEN, "whisper", 1) == [job]
    for sequence, final in ((0, False), (1, False), (2, True)):
        result = Transcript("hello")
        await broker.reply(Chunk(job.id, job.session, 0, sequence, result, final, "me", queued=0.25, computed=0.5))
        await asyncio.sleep(0)
    assert await broker.chunks("me")
    broker.close()
    (found,) = read_notes(tmp_path / "jobs.jsonl")
    assert (found.id, found.stage, found.created, found.queued, found.computed) == ("job_1", "listen", 1.5, 0.25, 0.5)
    assert found.final > found.first > 0


async def test_scripted_engines_answer_in_full() -> None:
    answer = [result async for result in ScriptedLlm().stream(ThinkWork((Message("user", "Hi."),)))]
    assert "".join(one.delta for one in answer if isinstance(one, TextDelta)) == ANSWER
    (speech,) = ScriptedTts().run([SpeakWork("One two three.", "heart")])
    assert isinstance(speech, Speech)
    assert len(speech.audio) == 3 * 7_200 * 2
    (moved,) = ScriptedMouth().run([MouthWork(len(speech.audio) * 50 // 48_000)])
    assert isinstance(moved, MouthFrames)
    assert len(moved.frames) == 45 * len(MOUTH_PARAMS)

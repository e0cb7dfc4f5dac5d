"""One user on an idle machine: how long from the end of the question to the first audio and the first moving frame.

A moment's row is its distance from the last voiced sample of the question, so a stage's share is the difference
between its row and the one before. With speculation, recognition and thought begin during the silence that proves
the end of the question, and the rows before `end of turn` cost nothing. Rows with a dot say what each step took.
"""

import asyncio
from collections.abc import Mapping, Sequence

from bench.client import Caller
from bench.host import JobNote, read_notes
from bench.plan import Plan
from bench.questions import BY_HEART, QUESTIONS, Line, rotated, speak
from bench.record import Turn
from bench.report import Figure, Row
from bench.server import Server, serving
from bench.stats import summary
from polytalk.types import Seconds, Stage

CONVERSATION = 5
"""Turns before the user hangs up and another one calls."""
LISTEN_ON: Seconds = 0.6
"""How much of the answer is listened to."""
MOMENTS = (
    "transcript asked",
    "transcript ready",
    "first token",
    "first clause",
    "first speech",
    "first mouth",
    "end of turn",
    "first audio",
    "first moving frame",
)
KNOWN = "first audio, known by heart"
STEPS = {
    "· silence": (None, "transcript asked"),
    "· recognition": ("transcript asked", "transcript ready"),
    "· the LLM reads": ("transcript ready", "first token"),
    "· and writes": ("first token", "first clause"),
    "· the voice": ("first clause", "first speech"),
    "· the mouth": ("first speech", "first mouth"),
    "· sending, or the end of the turn": ("first mouth", "first audio"),
}
"""What each step of a turn takes, from one moment to another; they add up to the first audio, in each turn."""


def measure(plan: Plan) -> Figure:
    """With speculation and without; a quarter as many turns again with answers that the avatar knows by heart."""
    with_it = _moments(plan, speculate=True)
    without = _moments(plan, speculate=False)
    rows: list[Row] = []
    for moment in (*MOMENTS, KNOWN, *STEPS):
        ahead, after = summary(with_it[moment]), summary(without[moment])
        rows.append({"since end of speech": moment} | ahead | {f"no spec. {name}": after[name] for name in after})
    return Figure(
        "first_audio",
        "End of the user's speech → first audio, one user, endpointing with 300 ms of silence included",
        "first audio p50 ≤ 400 ms, p95 ≤ 600 ms",
        rows,
    )


def _moments(plan: Plan, *, speculate: bool) -> dict[str, list[Seconds]]:
    with serving({"TURN__SPECULATE": str(speculate).lower()}) as server:
        turns = asyncio.run(talk(server, QUESTIONS, plan.turns))
        known = asyncio.run(talk(server, BY_HEART, -(-plan.turns // 4)))
        notes = read_notes(server.jobs)
    found: dict[str, list[Seconds]] = {moment: [] for moment in (*MOMENTS, *STEPS)}
    for session, turn in turns:
        moments = moments_of(turn, session, notes)
        for moment, seconds in (moments | steps_of(moments)).items():
            found[moment].append(seconds)
    found[KNOWN] = [moments["first audio"] for session, turn in known if (moments := moments_of(turn, session, []))]
    return found


async def talk(server: Server, texts: Sequence[str], count: int, since: int = 0) -> list[tuple[str, Turn]]:
    """`count` turns in calls of `CONVERSATION`, from the question `since` on; each with its session."""
    questions = speak(Line(text, voice) for voice in ("heart", "joe") for text in texts)
    done: list[tuple[str, Turn]] = []
    while len(done) < count:
        async with Caller(server.url) as caller:
            for question in rotated(questions, since + len(done))[:CONVERSATION]:
                turn = await caller.ask(question)
                if await caller.first_audio(turn):
                    await asyncio.sleep(LISTEN_ON)
                    if not turn.finished.is_set():
                        await caller.cancel()
                    await caller.answered(turn)
                done.append((caller.record.session, turn))
                await asyncio.sleep(LISTEN_ON)
    return done[:count]


def steps_of(moments: Mapping[str, Seconds]) -> dict[str, Seconds]:
    """What each step took, of a turn of which all moments are known."""
    if not {moment for step in STEPS.values() for moment in step if moment} <= moments.keys():
        return {}
    return {name: moments[end] - (moments[begin] if begin else 0.0) for name, (begin, end) in STEPS.items()}


def moments_of(turn: Turn, session: str, notes: list[JobNote]) -> dict[str, Seconds]:
    """What is known of a turn's moments, in seconds since its end of speech."""
    answer, end = turn.answer, turn.speech_end
    if answer is None or end is None or answer.first_audio is None or turn.stopped is None:
        return {}
    found = {"end of turn": turn.stopped, "first audio": answer.first_audio}
    if answer.first_motion is not None:
        found["first moving frame"] = answer.first_motion
    then = [note for note in notes if turn.asked < note.created < answer.first_audio]
    mine = [note for note in then if note.session.startswith(session)]
    heard = [note for note in mine if note.stage is Stage.LISTEN]
    thought = [note for note in mine if note.stage is Stage.THINK]
    if heard:
        found |= {"transcript asked": heard[-1].created, "transcript ready": heard[-1].final}
    if thought:
        found["first token"] = thought[-1].first
        for stage, asked, made in ((Stage.SPEAK, "first clause", "first speech"), (Stage.MOUTH, "", "first mouth")):
            # Speech and mouths may be made under a session of their own, which others can share.
            jobs = [note for note in then if note.stage is stage and note.turn == thought[-1].turn]
            if jobs:
                found |= {made: jobs[0].final} | ({asked: jobs[0].created} if asked else {})
    return {moment: at - end for moment, at in found.items()}

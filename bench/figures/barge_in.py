"""Interruptions in mid-answer, by voice and by `response.cancel`: when does the last stale byte arrive?

By voice, two things count: how soon after the first voiced frame the client is told (then its player falls silent),
and that nothing of the old answer arrives after that.
"""

import asyncio
import time
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from bench.client import Caller
from bench.plan import Plan
from bench.questions import Line, Utterance, rotated, speak
from bench.record import Answer, Turn
from bench.report import Figure, Row
from bench.server import Server, serving
from bench.stats import summary
from polytalk.types import Seconds

LISTEN: tuple[Seconds, Seconds] = (0.4, 1.0)
"""How much of an answer is heard before it is interrupted."""
SETTLE: Seconds = 0.3
"""How long stale audio is waited for after a cancel."""
CALL = 4
"""Interruptions in a call. A small model imitates the answers it finds in the history: cut ones become short ones."""
TEXTS = (
    "Tell me a long story about the sea.",
    "Can you explain how an airplane stays in the air?",
    "What should I know about the history of Rome?",
    "Describe everything you see in a big forest.",
    "How does a piano make its sound?",
    "What do people eat for breakfast in Japan?",
    "What happens when a volcano begins to wake up?",
    "How do I make a good cup of coffee at home?",
)


class Cut(Struct, frozen=True):
    """One interruption. Moments; the answer's `last_audio` may be before them."""

    answer: Answer
    voice: Seconds | None = None
    """The first voiced frame of the interruption was sent."""
    told: Seconds | None = None
    """`speech_started` arrived."""
    cancelled: Seconds | None = None
    """`response.cancel` was sent."""


def measure(plan: Plan) -> Figure:
    """At each number of users."""
    rows: list[Row] = []
    with serving() as server:
        for users in plan.interrupters:
            cuts = asyncio.run(_crowd(server, users, plan.interruptions))
            rows += rows_of(users, cuts)
    return Figure("barge_in", "Interrupt → last stale byte", "≤ 100 ms p95", rows)


def rows_of(users: int, cuts: Sequence[Cut]) -> list[Row]:
    """The summaries of some interruptions."""

    def since(moments: Sequence[tuple[Seconds | None, Seconds | None]]) -> list[Seconds]:
        return [max(0.0, end - start) for start, end in moments if start is not None and end is not None]

    rows: list[Row] = [
        {"users": users, "measured": name, **summary(since(moments))}
        for name, moments in (
            ("speech_started arrives → last stale byte", [(cut.told, cut.answer.last_audio) for cut in cuts]),
            ("response.cancel sent → last stale byte", [(cut.cancelled, cut.answer.last_audio) for cut in cuts]),
            ("first voiced frame sent → speech_started arrives", [(cut.voice, cut.told) for cut in cuts]),
            ("first voiced frame sent → last stale byte", [(cut.voice, cut.answer.last_audio) for cut in cuts]),
        )
    ]
    return rows


async def _crowd(server: Server, users: int, count: int) -> list[Cut]:
    questions = speak(Line(text) for text in TEXTS)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_interrupter(server, rotated(questions, user), each, user))
            for user, each in enumerate(shares(count, users))
        ]
    return [cut for task in tasks for cut in task.result()]


def shares(count: int, users: int) -> list[int]:
    """`count` split among `users`, as evenly as it goes."""
    return [count // users + (user < count % users) for user in range(users)]


async def _interrupter(server: Server, questions: Sequence[Utterance], count: int, seed: int) -> list[Cut]:
    """Calls again and again, and interrupts `CALL` times in each call."""
    random = np.random.default_rng(seed)
    await asyncio.sleep(seed * 0.7)
    cuts: list[Cut] = []
    for call in range(count):  # answers too short to be interrupted are not counted, so a call may give none
        if len(cuts) >= count:
            break
        cuts += await _call(server, rotated(questions, 5 * call), min(CALL, count - len(cuts)), random)
    return cuts


async def _call(server: Server, questions: Sequence[Utterance], count: int, random: np.random.Generator) -> list[Cut]:
    """Interrupts by voice and by cancel in turn; the next question is the interruption."""
    cuts: list[Cut | None] = []
    async with Caller(server.url) as caller:
        turn = await caller.ask(questions[0])
        for question in questions[1 : count + 1]:
            if await caller.first_audio(turn):
                await asyncio.sleep(random.uniform(*LISTEN))
            if len(cuts) % 2:
                cuts.append(await _cancel(caller, turn))
                turn = await caller.ask(question)
            else:
                interrupted = turn
                turn = await caller.ask(question)
                cuts.append(_by_voice(interrupted, turn))
        await caller.first_audio(turn)  # the last one's stale audio has come by then
    return [cut for cut in cuts if cut is not None]


async def _cancel(caller: Caller, turn: Turn) -> Cut | None:
    if turn.answer is None or turn.finished.is_set():
        return None
    sent = await caller.cancel()
    until = time.monotonic() + SETTLE
    await caller.answered(turn)
    await asyncio.sleep(max(0.0, until - time.monotonic()))
    return Cut(turn.answer, cancelled=sent) if turn.answer.reason == "client_cancelled" else None


def _by_voice(interrupted: Turn, turn: Turn) -> Cut | None:
    answer = interrupted.answer
    if answer is None or answer.reason != "turn_detected" or answer.done is None or answer.done < turn.asked:
        return None
    return Cut(answer, voice=turn.asked, told=turn.started)

"""1, 2, 4, 8 people talking at once: do they wait longer, do they hear gaps, and does the machine do what it could?"""

import asyncio
import os
from collections.abc import Sequence

import numpy as np

from bench.crowd import Talk, converse
from bench.figures import cost
from bench.plan import Plan
from bench.questions import Utterance, questions, rotated
from bench.record import Answer, Turn
from bench.report import Figure, Row
from bench.server import Server, serving
from bench.stats import percentile_ms
from polytalk.types import Seconds


def measure(plan: Plan) -> Figure:
    """Closed loops over all numbers of users."""
    models = cost.turn_seconds(plan)
    rows: list[Row] = []
    complaints: list[str] = []
    with serving() as server:
        for users in plan.users:
            talk = asyncio.run(_talk(server, questions(), users, plan.seconds))
            rows.append(_row(users, talk, models, server))
            complaints += talk.complaints()
    ideal = len(os.sched_getaffinity(0)) / models
    return Figure(
        "speakers",
        f"Simultaneous speakers: each asks, hears out, asks again, for {plan.seconds:.0f} s (times in ms)",
        "TTFA p95 at 80 % load ≤ 2 × unloaded; no underruns; turn efficiency ≥ 0.9 when saturated",
        rows,
        [
            f"Ideal: {ideal:.2f} turns a second. eff.: CPU of the turns' models (see cost) ÷ CPU that the server used.",
            "underruns, gap: per turn. RSS: MiB, at the end. late: of the callers' own frames; over 20 ms the client "
            "was short of CPU, and the server is better than its row.",
            *complaints,
        ],
    )


async def _talk(server: Server, asked: Sequence[Utterance], users: int, seconds: Seconds) -> Talk:
    rows = [rotated(asked, user) for user in range(users)]
    return await converse(server, rows, stagger=min(seconds / 4, 5.0), seconds=seconds)


def _row(users: int, talk: Talk, models: Seconds, server: Server) -> Row:
    answers = [turn.answer for turn in talk.turns if turn.answer is not None]
    waits = [wait for turn in talk.turns if (wait := first_audio_after(turn)) is not None]
    frames = [moment - turn.speech_end for turn, moment in _motions(talk.turns) if turn.speech_end is not None]
    cores = len(os.sched_getaffinity(0))
    used = talk.cpu / talk.wall
    return {
        "users": users,
        "turns": len(talk.turns),
        "queued": sum(turn.queued for turn in talk.turns),
        "no face": sum(answer.first_motion is None for answer in answers),
        "failed": len(talk.failed),
        "TTFA p50": percentile_ms(waits, 50),
        "p95": percentile_ms(waits, 95),
        "max": percentile_ms(waits, 100),
        "face p50": percentile_ms(frames, 50),
        "under- runs": _mean([answer.playout.underruns for answer in answers]),
        "gap": _mean([answer.playout.waited * 1000 for answer in answers]),
        "turns/s": round(talk.rate, 2),
        "÷ ideal": round(talk.rate * models / cores, 2),
        "eff.": round(talk.rate * models / used, 2),
        "CPU %": round(100 * used / cores),
        "RSS": round(server.rss_mib()),
        "late p99": percentile_ms([late for call in talk.calls for late in call.late], 99),
    }


def first_audio_after(turn: Turn) -> Seconds | None:
    """End of speech to first audio; None for a turn without."""
    if turn.speech_end is None or turn.answer is None or turn.answer.first_audio is None:
        return None
    return turn.answer.first_audio - turn.speech_end


def _motions(turns: Sequence[Turn]) -> list[tuple[Turn, Seconds]]:
    answers: list[tuple[Turn, Answer]] = [(turn, turn.answer) for turn in turns if turn.answer is not None]
    return [(turn, answer.first_motion) for turn, answer in answers if answer.first_motion is not None]


def _mean(values: Sequence[float]) -> float | None:
    return round(float(np.mean(values)), 2) if values else None

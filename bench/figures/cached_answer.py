"""The first frame of an answer that was given before: real engines, no network."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench.plan import QUICK, Plan
from bench.report import Figure, Row
from bench.stats import summary
from polytalk.config import load_settings
from polytalk.dialogue import events
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.types import Seconds

ROUNDS = 8


def measure(plan: Plan) -> Figure:
    rounds = 2 if plan == QUICK else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        cold, memory, disk = asyncio.run(_measure(Path(folder), rounds))
    rows: list[Row] = [
        {"found": "nowhere: spoken and moved", **summary(cold)},
        {"found": "on disk", **summary(disk)},
        {"found": "in memory", **summary(memory)},
    ]
    notes = [
        "A question in writing whose answer is known by heart, to the first audio with its mouth leaving the session."
    ]
    title = "From the question to the first frame of an answer known by heart"
    return Figure("cached_answer", title, "≤ 30 ms p95 when it is kept", rows, notes)


async def _measure(folder: Path, rounds: int) -> tuple[list[Seconds], list[Seconds], list[Seconds]]:
    settings = load_settings(
        languages="en", cache={"folder": folder, "memory_bytes": 1 << 28, "disk_bytes": 1 << 30}, llm={"engine": "echo"}
    )
    runtime = Runtime(settings)
    cold: list[Seconds] = []
    memory: list[Seconds] = []
    disk: list[Seconds] = []
    async with runtime.running(lambda _: None):
        questions = [known.questions[0] for known in runtime.personas("mira")("en").answers]
        cold += await _ask_all(runtime, questions)
        for _ in range(rounds):
            memory += await _ask_all(runtime, questions)
        for _ in range(rounds):
            await asyncio.sleep(0.2)  # until the writer is through
            runtime.tiers.memory.clear()
            disk += await _ask_all(runtime, questions)
    return cold, memory, disk


async def _ask_all(runtime: Runtime, questions: Sequence[str]) -> list[Seconds]:
    return [await _ask(runtime, question) for question in questions]


async def _ask(runtime: Runtime, question: str) -> Seconds:
    first: asyncio.Future[float] = asyncio.get_running_loop().create_future()
    over = asyncio.Event()

    def emit(what: events.DialogueEvent) -> None:
        if isinstance(what, events.Spoke) and what.mouth and not first.done():
            first.set_result(time.perf_counter())
        elif isinstance(what, events.ResponseFinished):
            over.set()

    face = runtime.avatar("mira")
    settings = SessionSettings(face.id, runtime.default_voice(face), mouth=True, turn_detection=None)
    async with runtime.open_session(settings, emit) as session:
        session.add(Item(new_id("item"), "user", question))
        began = time.perf_counter()
        await session.respond()
        took = await first - began
        while session.responding and runtime.studio.renders.busy:  # let all of it be made: only what is whole is kept
            await asyncio.sleep(0.005)
        return took

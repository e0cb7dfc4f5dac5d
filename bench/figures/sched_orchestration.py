"""What a turn costs besides its engines, real sessions and workers in one process, engines scripted.

A turn is a line of text, 29 words of answer from the LLM, two sentences of speech, three runs of a face (analysed and
moved) and nine seconds of audio with mouth frames, paced by playback in slices of 400 ms. Every answer is another, so
nothing of it is shared or found in a cache. The first turn of each session warms the process up and does not count.
Pipecat runs as many words through its pipeline without a transport: its audio is one frame a sentence, neither paced
nor sent, so `made` is the row to compare with, `made and paced` what a server needs.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable

import uvloop

from bench.figures.orchestration import SETTINGS
from bench.plan import Plan
from bench.report import Figure, Line, Row
from bench.scheduler import plot
from bench.scheduler.servers import FOLDER
from bench.scheduler.spread import PEER_RUNS, Runs, row
from bench.scripted import QUESTION
from bench.server import PLUGIN
from polytalk.config import Settings, TurnSettings, load_settings
from polytalk.dialogue import events
from polytalk.dialogue.conversation.items import Item
from polytalk.dialogue.ids import new_id
from polytalk.dialogue.runtime import Runtime
from polytalk.dialogue.settings import SessionSettings
from polytalk.gateway.server import settle
from polytalk.types import Seconds

GOAL = 2.0
SESSIONS = 32
TURNS = 2
PIPECAT = FOLDER / ".venv-pipecat" / "bin" / "python"


def measure(plan: Plan) -> Figure:
    """CPU milliseconds a turn."""
    settings = {**SETTINGS, "LLM": '{"engine": "talker"}'}
    os.environ.update({f"POLYTALK_{name}": value for name, value in settings.items()})
    sys.path.insert(0, str(PLUGIN))
    ways: dict[str, Callable[[], Seconds]] = {
        "polytalk, made": lambda: _run(send_lead_ms=60_000),
        "polytalk, made and paced": lambda: _run(TurnSettings().send_lead_ms),
    }
    if plan.peers and PIPECAT.exists():
        ways["pipecat, made"] = _pipecat
    runs: Runs = {name: [] for name in ways}
    for run in range(plan.runs):
        for name, way in ways.items():
            if run < PEER_RUNS or "polytalk" in name:
                runs[name].append(1000 * way())
    rows: list[Row] = [{"way": name, **row(values, 2)} for name, values in runs.items()]
    title = "CPU time of a turn besides its engines, ms"
    plot.bars("sched_orchestration", title, plot.of(runs, 2), GOAL)
    absent = plan.peers and not PIPECAT.exists()
    notes = ["Not installed, so not measured: pipecat (bash bench/peers/setup.sh)."] if absent else []
    peer = {"pipecat": runs["pipecat, made"]} if "pipecat, made" in runs else {}
    made, paced = ({"polytalk": runs[f"polytalk, {what}"]} for what in ("made", "made and paced"))
    setting = f"live, scripted engines, {SESSIONS} sessions"
    lines = [
        Line(3, "orchestration: CPU of a turn, made", GOAL, made | peer, unit="ms", setting=setting),
        Line(3, "the same, paced by playback too", GOAL, paced, unit="ms", setting=setting),
    ]
    return Figure("sched_orchestration", title, f"≤ {GOAL} ms", rows, notes, lines)


def _run(send_lead_ms: int) -> Seconds:
    """On the event loop that the server uses."""
    turn = TurnSettings(send_lead_ms=send_lead_ms, max_lead_ms=max(send_lead_ms, 3_000))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_cpu_of_turns(load_settings(turn=turn)))


async def _cpu_of_turns(settings: Settings) -> Seconds:
    runtime = Runtime(settings)
    wanted = SessionSettings(avatar="mira", voice="heart", mouth=True, turn_detection=None)
    async with runtime.running(lambda _: None):
        cpu: list[Seconds] = []
        begin = asyncio.Barrier(SESSIONS + 1)
        settle()

        async def converse() -> None:
            done = asyncio.Event()

            def emit(event: events.DialogueEvent) -> None:
                if isinstance(event, events.ResponseFinished):
                    done.set()

            async def turn() -> None:
                session.add(Item(new_id("item"), "user", QUESTION))
                done.clear()
                await session.respond()
                await done.wait()

            async with runtime.open_session(wanted, emit) as session:
                await turn()
                await begin.wait()
                for _ in range(TURNS):
                    await turn()
                cpu.append(time.process_time())

        async with asyncio.TaskGroup() as group:
            for _ in range(SESSIONS):
                group.create_task(converse())
            await begin.wait()
            began = time.process_time()
        return (max(cpu) - began) / SESSIONS / TURNS


def _pipecat() -> Seconds:
    command = [str(PIPECAT), str(FOLDER / "pipecat_turns.py"), str(SESSIONS // 2), str(TURNS)]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])

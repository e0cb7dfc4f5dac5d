"""A hundredth of 10,000 sessions of an hour: `python -m bench.scheduler.hour CROWD POLICY SEED` prints what it took.

In a process of its own, whose CPU time is the simulation's alone, and whose modules may be compiled ones.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from polytalk.sim.costs import known
from polytalk.sim.policy import GREEDY, OURS
from polytalk.sim.script import CONVERSATION, LIVE_ROOM, Habits
from polytalk.sim.simulate import Service, simulate
from polytalk.sim.workload import conversations
from polytalk.types import Seconds

SESSIONS, UNTIL = 1_000, 360.0
HUNDREDTH = SESSIONS * UNTIL / (10_000 * 3_600.0)
CROWDS: Mapping[str, tuple[Habits, Mapping[str, int]]] = {
    "viewers": (LIVE_ROOM, {"listen": 1, "think": 1, "speak": 3, "cores": 1}),
    "talkers": (CONVERSATION, {"listen": 2, "think": 2, "speak": 8, "cores": 1}),
}
"""How they talk, and the L40S that they need; viewers ask about once a minute, talkers as soon as they have heard."""
POLICIES = {"polytalk": OURS, "greedy": GREEDY}


class Took(Struct, frozen=True):
    """One simulation."""

    cpu: Seconds
    wall: Seconds
    turns: int
    jobs: int
    report: str
    """Hash of all that was found out."""


def measured(crowd: str, policy: str, seed: int, modules: Path | None = None) -> Took:
    """In another process, with other modules where they are given."""
    path = os.pathsep.join([*([str(modules)] if modules else []), *filter(None, sys.path)])
    command = [sys.executable, "-m", "bench.scheduler.hour", crowd, policy, str(seed)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": path}, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Took)


def main(crowd: str, policy: str, seed: int) -> Took:
    """Here."""
    habits, slots = CROWDS[crowd]
    workload = conversations(SESSIONS, UNTIL, seed, habits=habits)
    service = Service(known()["l40s"], slots, POLICIES[policy])
    wall, cpu = time.perf_counter(), time.process_time()
    report = simulate(service, workload, seed)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    jobs = sum(stage["created"] for stage in report.jobs.values())
    return Took(cpu, wall, sum(report.outcomes.values()), jobs, hashlib.blake2b(repr(report).encode()).hexdigest())


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(main(sys.argv[1], sys.argv[2], int(sys.argv[3]))))

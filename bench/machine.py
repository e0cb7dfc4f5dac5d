"""What a result was measured on: it means nothing without."""

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct

from polytalk.types import Seconds


class Machine(Struct, frozen=True):
    """One computer, and the code that ran on it."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    commit: str
    """With "+" when files differed from it."""
    date: str


def describe() -> Machine:
    """This machine, now."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
        commit=_commit(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


class Load(Struct, frozen=True):
    """What else the machine did during a measurement: it makes figures worse than the machine is."""

    before: float
    """Load average over a minute, when it began; and after it."""
    after: float
    took: Seconds
    busy: float
    """Share of all cores that was computed in, by whomever."""
    others: float
    """Share that processes computed in which this measurement did not start."""
    stolen: float
    """Share that the host of a virtual machine kept for itself."""


class Background:
    """Counts from its making on."""

    def __init__(self) -> None:
        self._load = os.getloadavg()[0]
        self._began = time.monotonic()
        self._before = (_busy(), _own(), _stolen())

    def load(self) -> Load:
        """Since the beginning."""
        took = time.monotonic() - self._began
        seconds = took * (os.cpu_count() or 1)
        busy, own, stolen = (
            (now - then) / seconds for now, then in zip((_busy(), _own(), _stolen()), self._before, strict=True)
        )
        others = max(0.0, busy - own)
        return Load(
            round(self._load, 2), round(os.getloadavg()[0], 2), took, round(busy, 3), round(others, 3), round(stolen, 3)
        )


def _ticks() -> list[Seconds]:
    return [int(word) / os.sysconf("SC_CLK_TCK") for word in _first_line("/proc/stat").split()[1:]]


def _busy() -> Seconds:
    user, nice, system, _, _, irq, soft, *_ = _ticks()
    return user + nice + system + irq + soft


def _stolen() -> Seconds:
    return _ticks()[7]


def _own() -> Seconds:
    """Of this process and of those it started and waited for."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _first_line(path: str) -> str:
    with Path(path).open() as file:
        return file.readline()


def _commit() -> str:
    def git(*words: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    return (git("rev-parse", "--short", "HEAD") or "unknown") + ("+" if git("status", "--porcelain", "-uno") else "")

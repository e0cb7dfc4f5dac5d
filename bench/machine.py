"""What a result was measured on: it means nothing without."""

import os
import platform
import subprocess
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


class Background:
    """CPU time that others used meanwhile: what makes a measurement worse than the machine is."""

    def __init__(self) -> None:
        self.load_before = os.getloadavg()[0]
        self._before = _busy()

    def load_after(self) -> float:
        """Load average over the last minute."""
        return os.getloadavg()[0]

    def busy_seconds(self) -> Seconds:
        """CPU seconds that the whole machine was busy since the beginning."""
        return _busy() - self._before


def _busy() -> Seconds:
    user, nice, system, _, _, irq, soft, *_ = (int(word) for word in _first_line("/proc/stat").split()[1:])
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")


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

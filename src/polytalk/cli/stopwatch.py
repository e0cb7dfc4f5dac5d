"""How long work takes on a machine that others use too: time spent waiting for a core is not the work's."""

import os
import time
from pathlib import Path
from types import TracebackType

from polytalk.types import Seconds

TASKS = Path("/proc/self/task")
IDLE = 0.1
"""A thread that computed less than this share of the busiest one only passes results on, beside it."""


class Stopwatch:
    """Times a `with` block.

    `seconds` is wall-clock time less what the working threads were ready to run and had no core, as the kernel counts
    it (`/proc/self/task/*/schedstat`; where it doesn't, nothing is taken off). Network and GPU waits stay in. For work
    whose threads follow one another; of several at once the busiest's computing time is the least that is told.
    """

    seconds: Seconds
    wall: Seconds
    computing: Seconds
    """Time on cores, all threads together."""

    def __enter__(self) -> "Stopwatch":
        self._threads = _threads()
        self._cpu = time.process_time()
        self._began = time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall = time.perf_counter() - self._began
        self.computing = time.process_time() - self._cpu
        before = self._threads
        spent = [
            (ran - before.get(thread, (0.0, 0.0))[0], waited - before.get(thread, (0.0, 0.0))[1])
            for thread, (ran, waited) in _threads().items()
        ]
        busiest = max((ran for ran, _ in spent), default=0.0)
        waited = sum(waited for ran, waited in spent if ran >= IDLE * busiest)
        self.seconds = min(self.wall, max(self.wall - waited, busiest))


class Background:
    """What others did on the machine meanwhile: it makes a measurement worse than the machine is."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._busy = _busy() - time.process_time()

    def others(self) -> float:
        """The share of all cores' time that others had since the beginning; NaN where the system doesn't tell."""
        span = (time.monotonic() - self._began) * (os.cpu_count() or 1)
        return max(0.0, (_busy() - time.process_time() - self._busy) / span) if span > 0 else 0.0


def _threads() -> dict[str, tuple[Seconds, Seconds]]:
    """Thread -> (seconds on a core, seconds ready and waiting for one)."""
    found = {}
    for folder in TASKS.iterdir() if TASKS.is_dir() else ():
        try:
            ran, waited, _ = (folder / "schedstat").read_text().split()
        except (OSError, ValueError):  # the thread ended, or the kernel keeps no such account
            continue
        found[folder.name] = (int(ran) / 1e9, int(waited) / 1e9)
    return found


def _busy() -> Seconds:
    """CPU seconds of the whole machine, of all processes."""
    try:
        with Path("/proc/stat").open() as file:
            user, nice, system, _, _, irq, soft, *_ = (int(word) for word in file.readline().split()[1:])
    except (OSError, ValueError):
        return float("nan")
    return (user + nice + system + irq + soft) / os.sysconf("SC_CLK_TCK")

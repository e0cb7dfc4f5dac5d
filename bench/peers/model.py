"""The sleep model: an engine that computes nothing and takes as long as one that does.

A batch of one stage takes `slope * units + overhead` seconds, asleep, so that the GIL and the cores are free and what
is lost is lost by the server around it. Only the standard library: every peer's environment imports this file.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence

STAGES = {
    "item": (0.002, 0.020),
    "listen": (0.045, 0.015),
    "think": (0.020, 0.060),
    "speak": (0.035, 0.015),
}
"""Stage -> seconds a unit, seconds a batch."""
SLOTS = int(os.environ.get("MODEL_SLOTS", "1"))
"""Batches at once: cores, or GPUs."""
MAX_BATCH = int(os.environ.get("MODEL_MAX_BATCH", "16"))
BATCH_WAIT = float(os.environ.get("MODEL_BATCH_WAIT", "0"))
"""Seconds that a peer waits for a batch to fill: its best of several, see the figures."""
LIMIT = int(os.environ.get("MODEL_LIMIT", "0"))
"""Requests that a server with a bound takes at once; 0 for no bound."""

Item = Sequence[object]
"""[stage, units]"""


def seconds(stage: str, units: float) -> float:
    """How long a batch of one stage takes."""
    slope, overhead = STAGES[stage]
    return slope * units + overhead


def total(items: Iterable[Item]) -> float:
    """How long items of several stages take: a batch for each stage."""
    units: dict[str, float] = defaultdict(float)
    for stage, size in items:
        units[str(stage)] += float(str(size))
    return sum(seconds(stage, size) for stage, size in units.items())


def compute(items: Sequence[Item]) -> list[float]:
    """Take as long as they take; one result each."""
    took = total(items)
    time.sleep(took)
    return [took] * len(items)


def capacity(stage: str, max_batch: int, slots: int = 1) -> float:
    """Items of one unit each a second, at best."""
    return slots * max_batch / seconds(stage, max_batch)

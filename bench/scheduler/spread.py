"""Several runs of each contender, taken in turn, as rows: the median, and how far runs were apart."""

import statistics
from collections.abc import Callable, Sequence

from bench.plan import Plan
from bench.report import Value
from bench.scheduler.servers import OURS, PEERS, installed

PEER_RUNS = 2
"""A peer's server takes up to half a minute to start, for each run."""

Runs = dict[str, list[float]]


def interleaved(names: Sequence[str], once: Callable[[str, int], float], runs: int) -> Runs:
    """`once(name, run)` for all names, then for all again: what disturbs the machine disturbs everybody."""
    found: Runs = {name: [] for name in names}
    for run in range(runs):
        for name in names:
            if name not in PEERS or run < PEER_RUNS:
                found[name].append(once(name, run))
    return found


def row(values: Sequence[float], digits: int = 3) -> dict[str, Value]:
    """Median and range; None without values."""
    if not values:
        return {"median": None, "min": None, "max": None, "runs": 0}
    low, middle, high = min(values), statistics.median(values), max(values)
    return {"median": round(middle, digits), "min": round(low, digits), "max": round(high, digits), "runs": len(values)}


def contenders(plan: Plan) -> list[str]:
    """Servers to measure: ours and the baselines, and the peers that are wanted and installed."""
    return installed() if plan.peers else list(OURS)


def missing(plan: Plan) -> list[str]:
    """A note about the peers that were wanted and are not here."""
    names = [name for name in PEERS if name not in installed()] if plan.peers else []
    return [f"Not installed, so not measured: {', '.join(names)} (bash bench/peers/setup.sh)."] if names else []
